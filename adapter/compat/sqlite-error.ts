import Database from 'better-sqlite3';
import pg from 'pg';

interface Translation {
  readonly code: string;
  readonly message: (error: pg.DatabaseError) => string;
}

/** PostgreSQL's SQLSTATEs that have a counterpart in SQLite, which code written for SQLite may look for. */
const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  // What RAISE in a translated trigger raises.
  23000: { code: 'SQLITE_CONSTRAINT_TRIGGER', message: (error) => error.message },
  23502: {
    code: 'SQLITE_CONSTRAINT_NOTNULL',
    message: (error) => `NOT NULL constraint failed: ${error.table ?? '?'}.${error.column ?? '?'}`,
  },
  23503: { code: 'SQLITE_CONSTRAINT_FOREIGNKEY', message: () => 'FOREIGN KEY constraint failed' },
  23505: { code: 'SQLITE_CONSTRAINT_UNIQUE', message: (error) => `UNIQUE constraint failed: ${violated(error)}` },
  23514: { code: 'SQLITE_CONSTRAINT_CHECK', message: (error) => `CHECK constraint failed: ${error.constraint ?? '?'}` },
  22003: { code: 'SQLITE_ERROR', message: () => 'integer overflow' },
  // What the functions of the pack raise as SQLite's own do: malformed JSON, an argument that means nothing.
  22023: { code: 'SQLITE_ERROR', message: (error) => error.message },
  22032: { code: 'SQLITE_ERROR', message: (error) => error.message },
  '42P01': { code: 'SQLITE_ERROR', message: (error) => `no such table: ${quoted(error.message)}` },
  '42703': { code: 'SQLITE_ERROR', message: (error) => `no such column: ${quoted(error.message)}` },
};

/** `Key (a, "B c")=(1, 2) already exists.` → the columns. PostgreSQL translates the words, never the form. */
const KEY_DETAIL = /\(((?:"(?:[^"]|"")+"|[a-z_][\w$]*)(?:, (?:"(?:[^"]|"")+"|[a-z_][\w$]*))*)\)=\(/;

function violatedColumns(error: pg.DatabaseError): string[] | undefined {
  const list = KEY_DETAIL.exec(error.detail ?? '')?.[1];
  return list
    ?.match(/"(?:[^"]|"")+"|[^,\s]+/g)
    ?.map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name));
}

/** As SQLite names a unique constraint: by its columns, or by the index when that is made of expressions. */
function violated(error: pg.DatabaseError): string {
  const columns = violatedColumns(error);
  if (columns === undefined) return `index '${error.constraint ?? '?'}'`;
  return columns.map((column) => `${error.table ?? '?'}.${column}`).join(', ');
}

function quoted(message: string): string {
  return /"([^"]+)"/.exec(message)?.[1] ?? /column (\S+) /.exec(message)?.[1] ?? '?';
}

/** The columns of a table's primary key, as far as known. */
export type PrimaryKeyOf = (table: string) => readonly string[] | undefined;

/**
 * The error that SQLite would have raised in place of PostgreSQL's: a `SqliteError` with SQLite's code and message, and
 * the original as `cause`. Errors without a counterpart are returned as they are.
 */
export function sqliteError(error: unknown, primaryKeyOf: PrimaryKeyOf): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const translation = TRANSLATIONS[error.code ?? ''];
  if (translation === undefined) return error;
  const code = isPrimaryKey(error, primaryKeyOf) ? 'SQLITE_CONSTRAINT_PRIMARYKEY' : translation.code;
  const translated = new Database.SqliteError(translation.message(error), code);
  translated.cause = error;
  return translated;
}

function isPrimaryKey(error: pg.DatabaseError, primaryKeyOf: PrimaryKeyOf): boolean {
  if (error.code !== '23505' || error.table === undefined) return false;
  const key = primaryKeyOf(error.table);
  // Where the table's key has not been looked up, its name tells: PostgreSQL calls it so unless told otherwise.
  if (key === undefined) return error.constraint === `${error.table}_pkey`;
  const columns = violatedColumns(error) ?? [];
  return key.length === columns.length && key.every((column) => columns.includes(column));
}
