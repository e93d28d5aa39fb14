import type { Finding } from '../../finding.ts';
import type { SqliteSchema } from '../../sqlite/schema.ts';

/** PostgreSQL cuts longer names off without an error (https://www.postgresql.org/docs/current/limits.html). */
export const MAX_NAME_BYTES = 63;

/** Names that PostgreSQL cuts, and names that are one and the same after that. */
export function* auditNames(schema: SqliteSchema): Generator<Finding> {
  const relations: Named[] = [
    ...schema.tables.map(({ name }) => ({ name, place: { table: name } })),
    ...schema.views.map(({ name }) => ({ name, place: { view: name } })),
    ...schema.tables.flatMap((table) =>
      table.indexes.map(({ name }) => ({ name, place: { table: table.name, index: name } })),
    ),
  ];
  yield* cutNames(relations);
  for (const table of schema.tables) {
    yield* cutNames(table.columns.map(({ name }) => ({ name, place: { table: table.name, column: name } })));
  }
}

interface Named {
  readonly name: string;
  readonly place: Finding['place'];
}

/** Of names that share one namespace. */
function* cutNames(names: readonly Named[]): Generator<Finding> {
  const seen = new Map<string, string>();
  for (const { name, place } of names) {
    const cut = cutToBytes(name);
    const other = seen.get(cut);
    if (other !== undefined) {
      yield {
        severity: 'rejection',
        code: 'name-collision',
        place,
        message: `PostgreSQL cuts names at ${MAX_NAME_BYTES} bytes, and then "${name}" is the same name as "${other}"`,
        remedy: 'rename one of the two',
      };
    } else if (cut !== name) {
      yield {
        severity: 'warning',
        code: 'name-too-long',
        place,
        message: `PostgreSQL cuts names at ${MAX_NAME_BYTES} bytes, which makes "${cut}" of "${name}"`,
        remedy: 'give it a shorter name',
      };
    }
    seen.set(cut, name);
  }
}

/** As PostgreSQL cuts a name: after the last whole character that fits. */
function cutToBytes(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= MAX_NAME_BYTES) return name;
  let end = MAX_NAME_BYTES;
  // The bytes that continue a character begin with the bits 10.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString();
}
