import { isFormOf } from '../../adapter/codec/form.ts';
import { CrossfadeError } from '../../adapter/errors.ts';
import type { SqliteSchema } from '../sqlite/schema.ts';

/** What a user decided about a column: PostgreSQL's type, and how SQLite holds it where that is not plain from the type. */
export interface ColumnOverride {
  readonly type: string;
  readonly form?: string;
}

/**
 * By column.
 *
 * @example { 'orders.paid_at': { type: 'timestamptz', form: 'epoch-ms' }, 'orders.note': 'jsonb' }
 */
export type ColumnOverrides = Readonly<Record<string, string | ColumnOverride>>;

/** Other names of PostgreSQL's for the types of {@link TYPES}. */
const ALIASES: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int: 'integer',
  int4: 'integer',
  int8: 'bigint',
  float8: 'double precision',
  double: 'double precision',
  decimal: 'numeric',
  bool: 'boolean',
  varchar: 'character varying',
  char: 'character',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  time: 'time without time zone',
};

const TYPES: ReadonlySet<string> = new Set([
  'smallint',
  'integer',
  'bigint',
  'double precision',
  'numeric',
  'boolean',
  'text',
  'character varying',
  'character',
  'json',
  'jsonb',
  'bytea',
  'uuid',
  'timestamp with time zone',
  'timestamp without time zone',
  'date',
  'time without time zone',
]);

const WITH_MODIFIER: ReadonlySet<string> = new Set(['numeric', 'character varying', 'character']);

/**
 * The overrides of a schema, by table and column as the schema spells them, types as PostgreSQL's `format_type` writes them.
 *
 * @throws CrossfadeError `CONFIG_INVALID` for a table or column that is not there, and for a type or form that is none.
 */
export function readOverrides(
  schema: SqliteSchema,
  overrides: ColumnOverrides,
): ReadonlyMap<string, ReadonlyMap<string, ColumnOverride>> {
  const read = new Map<string, Map<string, ColumnOverride>>();
  for (const [name, override] of Object.entries(overrides)) {
    const place = placeOf(schema, name);
    const columns = read.get(place.table) ?? new Map<string, ColumnOverride>();
    columns.set(place.column, normalized(name, typeof override === 'string' ? { type: override } : override));
    read.set(place.table, columns);
  }
  return read;
}

/** Names may hold dots themselves, so every way to split the name is tried. */
function placeOf(schema: SqliteSchema, name: string): { readonly table: string; readonly column: string } {
  const wanted = name.toLowerCase();
  for (const table of schema.tables) {
    const column = table.columns.find((candidate) => `${table.name}.${candidate.name}`.toLowerCase() === wanted);
    if (column !== undefined) return { table: table.name, column: column.name };
  }
  const table = schema.tables.find((candidate) => wanted.startsWith(`${candidate.name.toLowerCase()}.`));
  const missing = table === undefined ? 'the schema has no such table' : `table "${table.name}" has no such column`;
  throw new CrossfadeError('CONFIG_INVALID', `could not set the type of column "${name}": ${missing}`, {
    hint: 'name it as "table.column"; crossfade schema lists all tables and columns',
  });
}

function normalized(name: string, { type, form }: ColumnOverride): ColumnOverride {
  const postgresType = formattedType(type);
  if (postgresType === undefined) {
    throw new CrossfadeError(
      'CONFIG_INVALID',
      `could not set the type of column "${name}": "${type}" is no type that Crossfade carries`,
      {
        hint: `use one of ${[...TYPES].join(', ')}`,
      },
    );
  }
  if (form === undefined) return { type: postgresType };
  if (!isFormOf(postgresType, form)) {
    throw new CrossfadeError(
      'CONFIG_INVALID',
      `could not set the form of column "${name}": "${form}" is no form of ${postgresType}`,
      {
        hint: 'leave the form out, and it is chosen by what the column holds',
      },
    );
  }
  return { type: postgresType, form };
}

/** A type as `format_type` writes it; `undefined` for one that cannot be carried. */
export function formattedType(type: string): string | undefined {
  const [, name = '', modifier] =
    /^([^()]*)(?:\(\s*([\d\s,]+)\s*\))?$/.exec(type.toLowerCase().replace(/\s+/g, ' ').trim()) ?? [];
  const known = ALIASES[name.trim()] ?? name.trim();
  if (!TYPES.has(known)) return undefined;
  // SQL's own rule: CHARACTER without a length is of one character.
  if (modifier === undefined) return known === 'character' ? 'character(1)' : known;
  if (!WITH_MODIFIER.has(known)) return undefined;
  const numbers = modifier.split(',').map((part) => Number(part.trim()));
  if (known === 'numeric') return numbers.length > 2 ? undefined : `numeric(${numbers[0] ?? 0},${numbers[1] ?? 0})`;
  return numbers.length === 1 ? `${known}(${numbers[0] ?? 1})` : undefined;
}
