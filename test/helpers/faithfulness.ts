import { canonical, columnTypeFor, toPostgres, fromPostgres, sameValue, ValueRefused } from '../../adapter/codec.ts';
import type { ColumnCoding } from '../../adapter/codec.ts';
import type { SqlValue } from '../../adapter/spec.ts';
import { Names } from '../../migrations/plan/names.ts';
import type { PlannedColumn, PlannedTable } from '../../migrations/plan/plan.ts';
import type { SqliteTable } from '../../migrations/sqlite/schema.ts';
import type { Translated } from './translated-pair.ts';

type Sides = Pick<Translated, 'sqlite' | 'postgres' | 'translation'>;

/** Values of every class that a constraint may think of, or not. */
const NASTY: readonly SqlValue[] = [
  null,
  0n,
  1n,
  -1n,
  2n,
  5n,
  42n,
  100n,
  150n,
  9007199254740993n,
  -9223372036854775808n,
  1700000000000n,
  1.5,
  -0.5,
  1e15,
  1e300,
  0.1,

  '',
  ' ',
  'a',
  'A',
  'ab',
  ' x ',
  '0',
  '1',
  '5',
  '-1',
  '12abc',
  '1e3',
  '5.5',
  'é',
  'É',
  '日本',
  'null',
  'true',
  'NEW',
  '%',
  '_',
  'a_b',
  'a%b',
  '[a]',
  '*',
  'a@b.cd',
  '@',
  '#ff00aa',
  '#FFF',
  'https://x.example/',
  '10:30',
  'x'.repeat(300),
  '2024-01-31',
  '2024-02-30',
  '2024-02-29 10:00:00',
  '2024-02-29T10:00:00Z',
  '2024-13-01',
  '20240101',
  'now',
  '{}',
  '[]',
  '[1,2]',
  '{"a":1}',
  '{"a":',
  '"text"',
  '0123456789abcdef0123456789abcdef',
  '123e4567-e89b-42d3-a456-426614174000',
  'ab-12',
  'AB12',
  'a b',
  'a\nb',
  'a\tb',
  Buffer.from('00ff', 'hex'),
  Buffer.alloc(0),
  Buffer.alloc(32, 7),
];

const ROWS_OF_A_TABLE = 4;

/** Where the views of both databases, which hold the same rows, do not show the same rows. */
export async function viewDifferences({ sqlite, postgres, translation }: Sides): Promise<readonly string[]> {
  const differences: string[] = [];
  for (const { name } of translation.plan.views) {
    const view = `"${name.replaceAll('"', '""')}"`;
    const ordered = /\border\s+by\b[^)]*$/i.test(
      translation.schema.views.find((other) => other.name === name)?.sql ?? '',
    );
    try {
      const ours = sqlite.prepare(`SELECT * FROM ${view}`).raw().safeIntegers().all() as SqlValue[][];
      const found = await postgres.query<(string | null)[]>({
        text: `SELECT * FROM ${view}`,
        rowMode: 'array',
        types: { getTypeParser: () => (text: string) => text },
      });
      const remarks = new Set(
        translation.findings.filter(({ place }) => place.view !== undefined).map(({ code }) => code),
      );
      const shown = (cells: readonly string[]): string => cells.map((cell) => asWarned(cell, remarks)).join(' | ');
      const left = ours.map((row) => shown(row.map(shownBySqlite)));
      const right = found.rows.map((row) =>
        shown(row.map((text, index) => shownByPostgres(text, found.fields[index]?.dataTypeID ?? 0))),
      );
      if (!ordered) for (const side of [left, right]) side.sort();
      const at = left.findIndex((row, index) => row !== right[index]);
      if (left.length !== right.length)
        differences.push(`view ${name}: ${left.length} rows, ${right.length} in PostgreSQL`);
      if (left.length === 0) differences.push(`view ${name}: is empty, and so shows nothing`);
      if (at >= 0) differences.push(`view ${name}: ${left[at]} became ${right[at]}`);
    } catch (error) {
      differences.push(`view ${name}: ${String(error)}`);
    }
  }
  return differences;
}

/** Where a row that names no column gets other values; of values that change with time or chance, the form is compared. */
export async function defaultDifferences({ sqlite, postgres, translation }: Sides): Promise<readonly string[]> {
  const differences: string[] = [];
  for (const { table, planned } of tables(translation)) {
    const columns = table.columns.filter(
      ({ name, default: own }) =>
        own !== null && planned.columns.some((other) => other.name === name && other.default !== null),
    );
    if (columns.length === 0) continue;
    const lines = columns.map(
      ({ name, declaredType, default: own }) => `${quote(name)} ${declaredType} DEFAULT (${own?.sql ?? ''})`,
    );
    sqlite.exec(
      `DROP TABLE IF EXISTS temp.crossfade_defaults; CREATE TEMP TABLE crossfade_defaults (${lines.join(', ')})`,
    );
    const names = columns.map(({ name }) => quote(name)).join(', ');
    const ours = sqlite
      .prepare(`INSERT INTO crossfade_defaults DEFAULT VALUES RETURNING ${names}`)
      .raw()
      .safeIntegers()
      .get() as SqlValue[];
    await temporary(postgres, planned);
    const { rows } = await postgres.query<(string | null)[]>({
      text: `INSERT INTO crossfade_copy DEFAULT VALUES RETURNING ${names}`,
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    });
    for (const [index, column] of columns.entries()) {
      const coding = codingOf(planned, column.name);
      const value = coding === undefined ? null : canonical(coding, ours[index] ?? null);
      const other = coding === undefined ? null : fromPostgres(coding, rows[0]?.[index] ?? null);
      const isSame = /now|current_|random|unixepoch/i.test(column.default?.sql ?? '')
        ? formOf(value) === formOf(other)
        : sameValue(value, other) || Number(value) === Number(other);
      if (!isSame)
        differences.push(
          `default ${table.name}.${column.name}: ${shownBySqlite(value)} became ${shownBySqlite(other)}`,
        );
    }
  }
  return differences;
}

/** Values that a CHECK takes on one side only. */
export async function checkDifferences({ sqlite, postgres, translation }: Sides): Promise<readonly string[]> {
  const differences: string[] = [];
  for (const { table, planned } of tables(translation)) {
    for (const { name, sql, own } of checksOf(table, planned)) {
      const columns = table.columns.filter((column) => mentions(own, column.name));
      const rows = rowsToTry(
        sqlite,
        table,
        columns.map((column) => column.name),
        own,
      );
      const lines = table.columns.map(
        (column) => `${quote(column.name)} ${column.declaredType} COLLATE ${column.collation}`,
      );
      const copy = `temp.${quote(table.name)}`;
      sqlite.exec(`CREATE TEMP TABLE ${quote(table.name)} (${lines.join(', ')})`);
      const names = columns.map((column) => quote(column.name));
      const insert = sqlite
        .prepare(
          `INSERT INTO ${copy} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) RETURNING rowid, ${names.join(', ')}`,
        )
        .raw()
        .safeIntegers();
      const ask = sqlite.prepare(`SELECT (${own}) IS NULL OR (${own}) FROM ${copy} WHERE rowid = ?`).pluck();
      const tried: {
        readonly held: readonly SqlValue[];
        readonly encoded: (string | null)[];
        readonly accepted: boolean;
      }[] = [];
      for (const row of rows) {
        const [rowid, ...held] = insert.get(...row) as SqlValue[];
        const encoded = encode(
          planned,
          columns.map((column) => column.name),
          held,
        );
        if (encoded === null) continue;
        let isAccepted: boolean;
        try {
          isAccepted = ask.get(rowid) === 1;
        } catch {
          isAccepted = false;
        }
        tried.push({ held, encoded, accepted: isAccepted });
      }
      sqlite.exec(`DROP TABLE ${copy}`);
      const answers = await accepted(postgres, { planned, names, sql, rows: tried.map(({ encoded }) => encoded) });
      const wrong = tried.flatMap((one, index) =>
        one.accepted === answers[index]
          ? []
          : [`${one.accepted ? 'refuses' : 'accepts'} ${one.held.map(shownBySqlite).join(', ')}`],
      );
      const refused = tried.filter((one) => !one.accepted).length;
      // A column's type may leave nothing for its CHECK to refuse.
      if (refused === tried.length) wrong.push(`refused all of ${tried.length} rows, as SQLite did`);
      if (wrong.length > 0)
        differences.push(`check ${table.name} ${name} (${own}): PostgreSQL ${wrong.slice(0, 5).join('; ')}`);
    }
  }
  return differences;
}

function* tables(translation: Translated['translation']): Generator<{ table: SqliteTable; planned: PlannedTable }> {
  for (const planned of translation.plan.tables) {
    const table = translation.schema.tables.find(({ name }) => name === planned.name);
    if (table !== undefined) yield { table, planned };
  }
}

/** The CHECKs of a table with the SQL that each has on either side. */
function checksOf(table: SqliteTable, planned: PlannedTable): readonly { name: string; sql: string; own: string }[] {
  const names = new Names(table.foreignKeys.flatMap(({ name }) => (name === null ? [] : [name])));
  return table.checks.flatMap((check) => {
    const name = names.give(
      check.name ?? [table.name, ...(check.column === null ? [] : [check.column]), 'check'].join('_'),
    );
    const made = planned.checks.find((other) => other.name === name);
    return made === undefined ? [] : [{ name, sql: made.sql, own: check.expression.sql }];
  });
}

function mentions(sql: string, column: string): boolean {
  const word = column.replaceAll(/[^\p{L}\p{N}_]/gu, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_])${word}(?![\\p{L}\\p{N}_])`, 'iu').test(sql);
}

/** Rows of the table with one value exchanged for each of the nasty ones, and rows of nasty ones only. */
function rowsToTry(
  sqlite: Sides['sqlite'],
  table: SqliteTable,
  columns: readonly string[],
  check: string,
): readonly (readonly SqlValue[])[] {
  const names = columns.map(quote).join(', ');
  const bases = sqlite
    .prepare(`SELECT DISTINCT ${names} FROM ${quote(table.name)} LIMIT ${ROWS_OF_A_TABLE}`)
    .raw()
    .safeIntegers()
    .all() as SqlValue[][];
  const literals = [...check.matchAll(/'((?:[^']|'')*)'|\b(\d+(?:\.\d+)?)\b/g)].flatMap(
    ([, text, digits]): SqlValue[] => {
      if (text !== undefined)
        return [text, text.toUpperCase(), `${text} `, text.replaceAll(/[%*]/g, 'q').replaceAll(/\[.*?\]/g, '7')];
      const value = Number(digits);
      return Number.isSafeInteger(value)
        ? [BigInt(value), BigInt(value) + 1n, BigInt(value) - 1n, 'z'.repeat(Math.min(value, 2000))]
        : [value];
    },
  );
  const values = [...NASTY, ...literals];
  const single = [...bases, columns.map((): SqlValue => null)].flatMap((base) =>
    columns.flatMap((_, at) => values.map((value) => base.with(at, value))),
  );
  const mixed = values.flatMap((_, at) =>
    columns.length < 2
      ? []
      : [columns.map((__, place) => values[(at * (place * 7 + 1) + place * 3) % values.length] ?? null)],
  );
  return [...bases, ...single, ...mixed];
}

/** The texts of the values for PostgreSQL; null if a column's type cannot hold one, which no CHECK decides. */
function encode(
  planned: PlannedTable,
  columns: readonly string[],
  values: readonly SqlValue[],
): (string | null)[] | null {
  const notNull = new Set([
    ...planned.columns.filter((column) => column.notNull).map(({ name }) => name),
    ...(planned.primaryKey?.columns ?? []),
  ]);
  try {
    return values.map((value, index) => {
      const coding = codingOf(planned, columns[index] ?? '');
      if (coding === undefined) throw new ValueRefused('a type that is not carried');
      const encoded = toPostgres(coding, value);
      const [precision, scale = 0] = (/^numeric\((.*)\)$/.exec(coding.postgresType)?.[1] ?? '').split(',').map(Number);
      if (precision && Math.abs(Number(encoded)) >= 10 ** (precision - scale)) throw new ValueRefused('too large');
      if (value === null && notNull.has(columns[index] ?? '')) throw new ValueRefused('NULL');
      return encoded;
    });
  } catch (error) {
    if (error instanceof ValueRefused) return null;
    throw error;
  }
}

interface CheckToAsk {
  readonly planned: PlannedTable;
  readonly names: readonly string[];
  readonly sql: string;
  readonly rows: readonly (string | null)[][];
}

async function accepted(
  postgres: Sides['postgres'],
  { planned, names, sql, rows }: CheckToAsk,
): Promise<readonly boolean[]> {
  await temporary(postgres, planned, '"crossfade n" bigint');
  const width = names.length + 1;
  const values = rows.flatMap((row, index) => [String(index), ...row]);
  const places = rows.map(
    (_, row) => `(${Array.from({ length: width }, (__, at) => `$${row * width + at + 1}`).join(', ')})`,
  );
  await postgres.query(
    `INSERT INTO crossfade_copy ("crossfade n", ${names.join(', ')}) VALUES ${places.join(', ')}`,
    values,
  );
  const from = `(${sql}) IS NOT FALSE AS is FROM crossfade_copy AS ${quote(planned.name)}`;
  try {
    const found = await postgres.query<{ is: boolean }>(`SELECT ${from} ORDER BY "crossfade n"`);
    return found.rows.map(({ is }) => is);
  } catch {
    const answers: boolean[] = [];
    for (const row of rows.keys()) {
      const found = await postgres
        .query<{ is: boolean }>(`SELECT ${from} WHERE "crossfade n" = ${row}`)
        // What fails is refused.
        .catch(() => ({ rows: [{ is: false }] }));
      answers.push(found.rows[0]?.is ?? false);
    }
    return answers;
  }
}

/** A table of this session with the columns and defaults of another, and nothing that refuses a row. */
async function temporary(postgres: Sides['postgres'], planned: PlannedTable, more = ''): Promise<void> {
  const key = new Set(planned.primaryKey?.columns);
  const notNull = planned.columns.filter(
    (column) => column.notNull || column.identity !== null || key.has(column.name),
  );
  await postgres.query(
    [
      'DROP TABLE IF EXISTS pg_temp.crossfade_copy',
      `CREATE TEMP TABLE crossfade_copy (LIKE ${quote(planned.name)} INCLUDING DEFAULTS${more === '' ? '' : `, ${more}`})`,
      ...notNull.map(({ name }) => `ALTER TABLE crossfade_copy ALTER ${quote(name)} DROP NOT NULL`),
    ].join(';'),
  );
}

function codingOf(planned: PlannedTable, name: string): ColumnCoding | undefined {
  const column: PlannedColumn | undefined = planned.columns.find(
    (other) => other.name.toLowerCase() === name.toLowerCase(),
  );
  const type = column === undefined ? undefined : columnTypeFor(column.type);
  if (column === undefined || type === undefined) return undefined;
  return { type, postgresType: column.type, ...(column.form === null ? {} : { form: column.form }) };
}

/** What stays of a value that time or chance made: its class, its length, where its digits and signs are. */
function formOf(value: SqlValue): string {
  if (typeof value === 'string') return value.replaceAll(/[0-9a-f]/g, 'x').replaceAll(/[0-9A-F]/g, 'X');
  if (value instanceof Uint8Array) return `blob of ${value.length}`;
  return typeof value === 'bigint'
    ? `integer like ${Number(value).toPrecision(5)}`
    : typeof value === 'number'
      ? `real like ${Math.round(value)}`
      : 'null';
}

/** A cell without what a warning says of it: the order of what is put together, a number that comes out as text. */
function asWarned(cell: string, remarks: ReadonlySet<string>): string {
  const text = /^'(.*)'$/s.exec(cell)?.[1];
  if (text === undefined) return cell;
  if (remarks.has('type-of-result') && /^-?\d+(\.\d+)?$/.test(text)) return number(Number(text));
  return remarks.has('order-of-concatenation')
    ? `'${text
        .split(/[,;] ?/)
        .sort()
        .join()}'`
    : cell;
}

/** Sums of doubles are rounded differently in their last digits. */
function number(value: number): string {
  return `number ${value === 0 ? 0 : Number(value.toPrecision(12))}`;
}

function shownBySqlite(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? number(Number(value)) : `number ${value}`;
  if (typeof value === 'number') return number(value);
  return typeof value === 'string'
    ? `'${value}'`
    : value instanceof Uint8Array
      ? `blob ${Buffer.from(value).toString('hex')}`
      : 'unholdable';
}

/** By the object identifiers of PostgreSQL's types, which are fixed. */
function shownByPostgres(text: string | null, type: number): string {
  if (text === null) return 'NULL';
  switch (type) {
    case 16:
      return number(text === 't' ? 1 : 0);
    case 20:
    case 21:
    case 23:
      return shownBySqlite(BigInt(text));
    case 700:
    case 701:
    case 1700:
      return number(Number(text));
    case 17:
      return `blob ${text.slice(2)}`;
    case 25:
    case 114:
    case 1043:
      return `'${text}'`;
    default:
      return `type ${type}: ${text}`;
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
