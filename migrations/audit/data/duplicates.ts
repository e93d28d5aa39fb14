import type Database from 'better-sqlite3';
import { columnTypeFor, toPostgres, ValueRefused } from '../../../adapter/codec.ts';
import type { ColumnCoding } from '../../../adapter/codec.ts';
import { isFormOf } from '../../../adapter/codec/form.ts';
import { quote } from '../../../adapter/sqlite/sql.ts';
import type { SqlValue } from '../../../adapter/spec.ts';
import type { Finding } from '../../finding.ts';
import type { IndexPart, SqliteTable } from '../../sqlite/schema.ts';
import type { TypeChoice } from '../../types/choose-type.ts';
import { keyColumnsOf } from './foreign-keys.ts';
import { EXAMPLES } from './tallies.ts';

/**
 * Values that are different to SQLite and equal to PostgreSQL, in columns that must be unique: a UUID in upper and in
 * lower case, the same moment in two forms, the same JSON with other spaces. Only types whose codec takes several
 * writings of one value can bring that about; all others keep apart what SQLite keeps apart.
 */
export function* auditDuplicates(
  db: Database.Database,
  table: SqliteTable,
  types: ReadonlyMap<string, TypeChoice>,
  examples: number = EXAMPLES,
): Generator<Finding> {
  const key = keyColumnsOf(table).join(" || ', ' || ");
  for (const unique of uniquesOf(table)) {
    const merged = unique.parts.flatMap(
      ({ column }) => mergingCoding(column === null ? undefined : types.get(column)) ?? [],
    );
    if (merged.length === 0) continue;
    const terms = unique.parts.map((part, index) => termOf(db, part, types, `crossfade_as_postgres_${index}`));
    const conditions = [
      ...terms.map((term) => `${term} IS NOT NULL`),
      ...(unique.where === null ? [] : [`(${unique.where})`]),
    ];
    const groups = db
      .prepare<unknown[], [bigint, string]>(
        `SELECT count(*), min(${key}) FROM ${quote(table.name)} WHERE ${conditions.join(' AND ')} ` +
          `GROUP BY ${terms.join(', ')} HAVING count(*) > 1`,
      )
      .raw()
      .safeIntegers();
    let count = 0;
    const keys: string[] = [];
    for (const [rows, first] of groups.iterate()) {
      count += Number(rows);
      if (keys.length < examples) keys.push(`[${first}]`);
    }
    if (count > 0) yield duplicates(table, unique, { count, keys, types: merged });
  }
}

interface Unique {
  readonly name: string;
  readonly index: string | undefined;
  readonly parts: readonly IndexPart[];
  readonly where: string | null;
}

function uniquesOf(table: SqliteTable): readonly Unique[] {
  return [
    { name: 'the primary key', index: undefined, parts: table.primaryKey, where: null },
    ...table.uniques.map(({ name, parts }) => ({
      name: name === null ? 'a UNIQUE constraint' : `the UNIQUE constraint "${name}"`,
      index: undefined,
      parts,
      where: null,
    })),
    ...table.indexes
      .filter(({ unique }) => unique)
      .map(({ name, parts, where }) => ({
        name: `the unique index "${name}"`,
        index: name,
        parts,
        where: where?.sql ?? null,
      })),
  ];
}

/** The coding of a column in which two values of SQLite's may be one of PostgreSQL's. */
function mergingCoding(choice: TypeChoice | undefined): ColumnCoding | undefined {
  const type = choice === undefined ? undefined : columnTypeFor(choice.type);
  if (choice === undefined || type === undefined) return undefined;
  const merges = type === 'jsonb' ? choice.form !== 'json-exact' : choice.form?.endsWith(' mixed') === true;
  if (!merges && type !== 'character') return undefined;
  const form = choice.form !== null && isFormOf(choice.type, choice.form) ? { form: choice.form } : {};
  return { type, postgresType: choice.type, ...form };
}

function termOf(
  db: Database.Database,
  { column, expression, collation }: IndexPart,
  types: ReadonlyMap<string, TypeChoice>,
  name: string,
): string {
  const coding = mergingCoding(column === null ? undefined : types.get(column));
  const plain = column === null ? `(${expression?.sql ?? 'NULL'})` : quote(column);
  if (coding === undefined) return `${plain} COLLATE ${quote(collation)}`;
  db.function(name, { deterministic: true, safeIntegers: true }, (value: SqlValue) => asPostgres(coding, value));
  return `${name}(${plain})`;
}

/** PostgreSQL's text of a value; a value that it refuses is another finding's matter, and no one's duplicate. */
function asPostgres(coding: ColumnCoding, value: SqlValue): string | null {
  try {
    return toPostgres(coding, value);
  } catch (error) {
    if (error instanceof ValueRefused) return null;
    throw error;
  }
}

function duplicates(
  table: SqliteTable,
  { name, index }: Unique,
  {
    count,
    keys,
    types,
  }: { readonly count: number; readonly keys: readonly string[]; readonly types: readonly ColumnCoding[] },
): Finding {
  return {
    severity: 'rejection',
    code: 'duplicates-by-type',
    place: { table: table.name, ...(index === undefined ? {} : { index }) },
    message: `rows that are different to SQLite are equal under ${name} in PostgreSQL (${types.map(({ postgresType }) => postgresType).join(', ')})`,
    remedy: 'remove one of each, or keep the columns as text',
    count,
    keys,
  };
}
