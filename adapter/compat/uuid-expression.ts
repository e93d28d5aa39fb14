/** What Knex's `fn.uuid()` is on SQLite. */
const SQLITE = `(lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) || '-4' || substr(lower(hex(randomblob(2))),2) || '-' || substr('89ab',abs(random()) % 4 + 1, 1) || substr(lower(hex(randomblob(2))),2) || '-' || lower(hex(randomblob(6))))`;

/** Lets PostgreSQL make the random UUIDs that Knex asks SQLite for. */
export function withUuids(sql: string): string {
  return sql.includes('randomblob(4)') ? sql.replaceAll(SQLITE, '(gen_random_uuid())') : sql;
}
