import test from 'ava';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { readSchema } from '../migrations/sqlite/read-schema.ts';
import type { SqliteTable } from '../migrations/sqlite/schema.ts';
import { Random } from './helpers/random.ts';

/** A table as it was meant, in the words of the model but with expressions as SQL. */
interface Meant {
  readonly name: string;
  readonly columns: readonly MeantColumn[];
  readonly key: {
    readonly columns: readonly { readonly at: number; readonly descending: boolean }[];
    readonly name: string | null;
    readonly ofColumn: boolean;
  } | null;
  readonly uniques: readonly {
    readonly name: string | null;
    readonly columns: readonly { readonly at: number; readonly collation: string | null }[];
  }[];
  readonly checks: readonly { readonly name: string | null; readonly sql: string }[];
  readonly foreignKey: {
    readonly at: number;
    readonly onDelete: string;
    readonly onUpdate: string;
    readonly defer: number;
  } | null;
  readonly indexes: readonly {
    readonly columns: readonly { readonly at: number; readonly expression: boolean; readonly descending: boolean }[];
    readonly unique: boolean;
    readonly where: boolean;
  }[];
  readonly withoutRowid: boolean;
}

interface MeantColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly default: string | null;
  readonly collation: string | null;
  readonly check: boolean;
  readonly quoting: number;
}

const NAMES = [
  'a',
  'B b',
  'select',
  'x"y',
  'tick`',
  'new\nline',
  'Ünïcode',
  "it's",
  '1st',
  'dash-ed',
  'semi;colon',
  '--',
  'group',
  'rowish',
  '/*',
];
const TYPES = [
  '',
  'INTEGER',
  'INT',
  'TEXT',
  'VARCHAR(10)',
  'DECIMAL(10, 2)',
  'REAL',
  'BLOB',
  'UNSIGNED BIG INT',
  'DATETIME',
  'BOOLEAN',
  'any thing',
];
const DEFAULTS = [
  '1',
  '-1.5e3',
  "'it''s; -- no'",
  "(datetime('now'))",
  'NULL',
  "x'0aff'",
  'CURRENT_TIMESTAMP',
  'TRUE',
  "(strftime('%s', 'now') * (1 + 2))",
];
const ACTIONS = ['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'];
const DEFERS = ['', ' DEFERRABLE INITIALLY DEFERRED', ' DEFERRABLE', ' NOT DEFERRABLE'];
const DEFERRED = ['no', 'initially deferred', 'initially immediate', 'no'];
const SPACE = [' ', '\n', ' /* (, */ ', ' -- ,)\n'];

const name = fc.constantFrom(...NAMES);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 2 });
const collation = fc.constantFrom('NOCASE', 'RTRIM', 'BINARY');

const meant: fc.Arbitrary<Meant> = fc
  .uniqueArray(
    fc.record({
      name,
      type: fc.constantFrom(...TYPES),
      notNull: fc.boolean(),
      default: maybe(fc.constantFrom(...DEFAULTS)),
      collation: maybe(collation),
      check: fc.boolean(),
      quoting: fc.nat(2),
    }),
    { minLength: 1, maxLength: 6, selector: (column) => column.name.toLowerCase() },
  )
  .chain((columns) => {
    const at = fc.nat(columns.length - 1);
    const some = <T>(rest: fc.Arbitrary<T>): fc.Arbitrary<readonly (T & { readonly at: number })[]> =>
      fc.uniqueArray(
        fc.tuple(at, rest).map(([index, more]) => ({ ...more, at: index })),
        { minLength: 1, maxLength: 3, selector: (part) => part.at },
      );
    return fc.record({
      name,
      columns: fc.constant(columns),
      key: maybe(
        fc.record({
          columns: some(fc.record({ descending: fc.boolean() })),
          name: maybe(name),
          ofColumn: fc.boolean(),
        }),
      ),
      uniques: fc.array(fc.record({ name: maybe(name), columns: some(fc.record({ collation: maybe(collation) })) }), {
        maxLength: 2,
      }),
      checks: fc.array(
        fc.record({
          name: maybe(name),
          sql: fc.constantFrom(
            "1 <> 'a, (b'",
            '(1 + 2) * 3 > 4 AND NOT 0',
            "x'00' IS NOT NULL OR 'CHECK (' = ')'",
            'CASE WHEN 1 THEN 2 ELSE 3 END',
          ),
        }),
        { maxLength: 2 },
      ),
      foreignKey: maybe(
        fc.record({
          at,
          onDelete: fc.constantFrom(...ACTIONS),
          onUpdate: fc.constantFrom(...ACTIONS),
          defer: fc.nat(3),
        }),
      ),
      indexes: fc.array(
        fc.record({
          columns: some(fc.record({ expression: fc.boolean(), descending: fc.boolean() })),
          unique: fc.boolean(),
          where: fc.boolean(),
        }),
        { maxLength: 2 },
      ),
      withoutRowid: fc.boolean(),
    });
  });

function quoted(text: string, quoting: number): string {
  if (quoting === 1 && !text.includes(']')) return `[${text}]`;
  return quoting === 2 ? `\`${text.replaceAll('`', '``')}\`` : `"${text.replaceAll('"', '""')}"`;
}

function statements(table: Meant, spaces: readonly string[]): string {
  let used = 0;
  const space = (): string => spaces[(used += 1) % spaces.length] ?? ' ';
  const column = (at: number): MeantColumn => table.columns[at] as MeantColumn;
  const nameOf = (at: number): string => quoted(column(at).name, column(at).quoting);
  const named = (constraint: string | null): string =>
    constraint === null ? '' : `CONSTRAINT${space()}${quoted(constraint, 0)} `;
  const own = columnKey(table);
  const parts: string[] = table.columns.map((one, at) => {
    const words = [quoted(one.name, one.quoting), one.type];
    if (own?.at === at) words.push(`${named(table.key?.name ?? null)}PRIMARY KEY${own.descending ? ' DESC' : ''}`);
    if (one.notNull) words.push('NOT NULL');
    if (one.default !== null) words.push(`DEFAULT ${one.default}`);
    if (one.collation !== null) words.push(`COLLATE ${one.collation}`);
    if (one.check) words.push(`CHECK (${quoted(one.name, one.quoting)}${space()}<> 'x)')`);
    if (table.foreignKey?.at === at) words.push(`REFERENCES "the parent" (id)${actions(table)}`);
    return words.filter(Boolean).join(space());
  });
  if (table.key !== null && own === null)
    parts.push(
      `${named(table.key.name)}PRIMARY KEY (${table.key.columns.map(({ at, descending }) => `${nameOf(at)}${descending ? ' DESC' : ''}`).join(`,${space()}`)})`,
    );
  for (const { name: constraint, columns } of table.uniques)
    parts.push(
      `${named(constraint)}UNIQUE (${columns.map(({ at, collation: c }) => `${nameOf(at)}${c === null ? '' : ` COLLATE ${c}`}`).join(', ')})`,
    );
  for (const { name: constraint, sql } of table.checks) parts.push(`${named(constraint)}CHECK${space()}(${sql})`);
  const options = isWithoutRowid(table) ? ' WITHOUT ROWID' : '';
  const create = `CREATE TABLE${space()}${quoted(table.name, 0)} (${parts.join(`,${space()}`)}${space()})${options};`;
  const indexes = table.indexes.map(({ columns, unique, where }, i) => {
    const keys = columns.map(
      ({ at, expression, descending }) =>
        `${expression ? `(${nameOf(at)} || 'x,')` : nameOf(at)}${descending ? ' DESC' : ''}`,
    );
    return `CREATE ${unique ? 'UNIQUE ' : ''}INDEX "index ${i}" ON ${quoted(table.name, 0)} (${keys.join(`,${space()}`)})${where ? ` WHERE ${nameOf(columns[0]?.at ?? 0)} IS NOT NULL` : ''};`;
  });
  return [create, ...indexes].join('\n');
}

function actions({ foreignKey }: Meant): string {
  if (foreignKey === null) return '';
  return ` ON DELETE ${foreignKey.onDelete} ON UPDATE ${foreignKey.onUpdate}${DEFERS[foreignKey.defer] ?? ''}`;
}

/** The one column whose declaration holds the key. */
function columnKey({ key }: Meant): { readonly at: number; readonly descending: boolean } | null {
  return key?.ofColumn === true && key.columns.length === 1 ? (key.columns[0] ?? null) : null;
}

function isWithoutRowid(table: Meant): boolean {
  return table.withoutRowid && table.key !== null;
}

/** INTEGER alone makes the rowid, and not with DESC at the column itself. */
function isRowidKey(table: Meant): boolean {
  return isIntegerKey(table) && !isWithoutRowid(table);
}

function isIntegerKey(table: Meant): boolean {
  const [only, ...others] = table.key?.columns ?? [];
  if (only === undefined || others.length > 0) return false;
  return table.columns[only.at]?.type === 'INTEGER' && !(columnKey(table)?.descending ?? false);
}

/** What should be read back. */
function expected(table: Meant): unknown {
  const nameAt = (at: number): string => table.columns[at]?.name ?? '';
  const collationAt = (at: number): string => table.columns[at]?.collation ?? 'BINARY';
  const rowid = isRowidKey(table);
  const keyColumns = table.key?.columns.map(({ at }) => at) ?? [];
  const seen = new Set<string>();
  if (!rowid && table.key !== null) seen.add(keyColumns.map((at) => `${nameAt(at)} ${collationAt(at)}`).join());
  // The index of such a key is made last: if a UNIQUE has made the same before, that one is taken as it stands.
  const [keyText] = seen;
  const isLate = isWithoutRowid(table) && isIntegerKey(table) && !(columnKey(table)?.descending ?? false);
  const isTaken =
    isLate &&
    table.uniques.some(
      ({ columns }) =>
        columns.map(({ at, collation: c }) => `${nameAt(at)} ${c ?? collationAt(at)}`).join() === keyText,
    );
  const uniques = table.uniques.flatMap(({ name: constraint, columns }) => {
    const parts = columns.map(({ at, collation: c }) => [nameAt(at), c ?? collationAt(at)]);
    const text = parts.map((part) => part.join(' ')).join();
    if (seen.has(text)) return [];
    seen.add(text);
    return [[constraint, parts]];
  });
  return {
    name: table.name,
    columns: table.columns.map((column, at) => ({
      name: column.name,
      type: column.type,
      notNull:
        column.notNull || (rowid && keyColumns.includes(at)) || (isWithoutRowid(table) && keyColumns.includes(at)),
      default: column.default === null ? null : column.default.replace(/^\((.*)\)$/, '$1'),
      collation: column.collation ?? 'BINARY',
      isRowid: rowid && keyColumns.includes(at),
    })),
    key:
      table.key?.columns.map(({ at, descending }) => [
        nameAt(at),
        rowid ? 'BINARY' : collationAt(at),
        !rowid && !isTaken && descending,
      ]) ?? [],
    keyName: table.key?.name ?? null,
    uniques: sorted(uniques),
    checks: [
      ...table.columns.flatMap((column) => (column.check ? [[null, column.name, null]] : [])),
      ...table.checks.map(({ name: constraint, sql }) => [constraint, null, sql]),
    ],
    foreignKeys:
      table.foreignKey === null
        ? []
        : [
            [
              [nameAt(table.foreignKey.at)],
              'the parent',
              ['id'],
              table.foreignKey.onDelete,
              table.foreignKey.onUpdate,
              DEFERRED[table.foreignKey.defer],
            ],
          ],
    indexes: table.indexes.map(({ columns, unique, where }) => [
      unique,
      where,
      columns.map(({ at, expression, descending }) => [
        expression ? null : nameAt(at),
        expression ? 'BINARY' : collationAt(at),
        descending,
      ]),
    ]),
    withoutRowid: isWithoutRowid(table),
  };
}

function found(table: SqliteTable): unknown {
  return {
    name: table.name,
    columns: table.columns.map((column) => ({
      name: column.name,
      type: column.declaredType,
      notNull: column.notNull,
      default: column.default?.sql ?? null,
      collation: column.collation,
      isRowid: column.isRowid,
    })),
    key: table.primaryKey.map((part) => [part.column, part.collation, part.descending]),
    keyName: table.primaryKeyName,
    uniques: sorted(
      table.uniques.map((unique) => [unique.name, unique.parts.map((part) => [part.column, part.collation])]),
    ),
    checks: table.checks.map((check) => [
      check.name,
      check.column,
      check.column === null ? check.expression.sql : null,
    ]),
    foreignKeys: table.foreignKeys.map((key) => [
      key.columns,
      key.parent,
      key.parentColumns,
      key.onDelete,
      key.onUpdate,
      key.deferrable,
    ]),
    indexes: table.indexes.map((index) => [
      index.unique,
      index.where !== null,
      index.parts.map((part) => [part.column, part.collation, part.descending]),
    ]),
    withoutRowid: table.withoutRowid,
  };
}

/** SQLite lists the indexes of constraints in an order of its own. */
function sorted(values: readonly unknown[]): readonly string[] {
  return values.map((value) => JSON.stringify(value)).sort();
}

test('random tables are read back as they were meant, whatever comments and quotes stand in them', (t) => {
  fc.assert(
    fc.property(meant, fc.array(fc.constantFrom(...SPACE), { minLength: 1, maxLength: 7 }), (table, spaces) => {
      const db = new Database(':memory:');
      try {
        db.exec('CREATE TABLE "the parent" (id INTEGER PRIMARY KEY)');
        db.exec(statements(table, spaces));
        const read = readSchema(db).tables.find((one) => one.name === table.name);
        if (read === undefined) throw new Error('it was not read');
        const [was, is] = [JSON.stringify(expected(table)), JSON.stringify(found(read))];
        if (was !== is) throw new Error(`${statements(table, spaces)}\nmeant ${was}\nread  ${is}`);
      } finally {
        db.close();
      }
    }),
    { numRuns: 400, includeErrorInReport: true, seed: Random.seedOfSuite() },
  );
  t.pass();
});
