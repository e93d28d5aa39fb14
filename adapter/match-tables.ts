import { columnTypeFor } from './codec.ts';
import { isFormOf, formsOf } from './codec/form.ts';
import type { Form } from './codec/form.ts';
import { CrossfadeError } from './errors.ts';
import type { ColumnShape, ColumnSpec, TableShape, TableSpec } from './spec.ts';

/** Which tables are mirrored. */
export interface TableSelection {
  readonly include: readonly string[] | undefined;
  readonly exclude: readonly string[];
  /** The form of a column, by `table.column`, in place of what its comment in PostgreSQL declares. */
  readonly columns?: Readonly<Record<string, { readonly form: Form }>> | undefined;
}

/** Knex's own bookkeeping: each database keeps its own. */
const KNEX_TABLES = /^knex_migrations(_lock)?$/;

/**
 * Finds each selected table of SQLite in PostgreSQL, and how each column is carried.
 *
 * @throws CrossfadeError `TABLE_MISSING`, `TABLE_WITHOUT_KEY`, `COLUMN_MISMATCH` or `TYPE_UNSUPPORTED`, naming the
 * table and column and what to do. The first trouble found is thrown; nothing has been changed.
 */
export function matchTables(
  shapes: { readonly sqlite: readonly TableShape[]; readonly postgres: readonly TableShape[] },
  selection: TableSelection,
): readonly TableSpec[] {
  assertKnown(shapes.sqlite, selection.include ?? []);
  const selected = shapes.sqlite.filter(({ name }) =>
    selection.include === undefined
      ? !KNEX_TABLES.test(name) && !selection.exclude.includes(name)
      : selection.include.includes(name) && !selection.exclude.includes(name),
  );
  if (selected.length === 0) {
    throw new CrossfadeError('TABLE_MISSING', 'the SQLite database holds no table to mirror', {
      hint: 'check that it is the file the API uses, and the options `tables.include` and `tables.exclude`',
    });
  }
  assertColumnsKnown(selected, Object.keys(selection.columns ?? {}));
  const others = new Map(shapes.postgres.map((shape) => [shape.name, shape]));
  return selected.map((sqlite) => {
    const postgres = others.get(sqlite.name);
    if (postgres === undefined) {
      throw new CrossfadeError('TABLE_MISSING', `table "${sqlite.name}" exists in SQLite but not in PostgreSQL`, {
        hint: 'create it there (run the migrations on PostgreSQL), or leave it out with `tables.exclude`',
      });
    }
    return matchTable({ sqlite, postgres }, selection);
  });
}

function assertKnown(shapes: readonly TableShape[], names: readonly string[]): void {
  const unknown = names.find((name) => !shapes.some((shape) => shape.name === name));
  if (unknown === undefined) return;
  throw new CrossfadeError('TABLE_MISSING', `table "${unknown}" is to be mirrored but does not exist in SQLite`, {
    hint: 'correct its name in `tables.include`',
  });
}

function assertColumnsKnown(shapes: readonly TableShape[], names: readonly string[]): void {
  const known = new Set(shapes.flatMap(({ name, columns }) => columns.map((column) => `${name}.${column.name}`)));
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new CrossfadeError(
    'CONFIG_INVALID',
    `a form is given for "${unknown}", which is no column of a mirrored table`,
    {
      hint: 'name it as table.column in the option `columns`, as SQLite spells it',
    },
  );
}

function matchTable(
  { sqlite, postgres }: { readonly sqlite: TableShape; readonly postgres: TableShape },
  selection: TableSelection,
): TableSpec {
  const { name } = sqlite;
  if (sqlite.key.length === 0) {
    throw new CrossfadeError(
      'TABLE_WITHOUT_KEY',
      `table "${name}" has no primary key, and no unique index over NOT NULL columns, in SQLite`,
      {
        hint: `give it a key on both databases, for example: CREATE UNIQUE INDEX … ON "${name}" (…) over NOT NULL columns; or leave it out with \`tables.exclude\``,
      },
    );
  }
  if (postgres.hasParts === true) {
    throw new CrossfadeError(
      'TYPE_UNSUPPORTED',
      `table "${name}" has partitions or inheriting tables in PostgreSQL: what is written to one of them directly would not be captured`,
      { hint: 'make it an ordinary table for the time of the move, or leave it out with `tables.exclude`' },
    );
  }
  if (!sameSet(sqlite.key, postgres.key)) {
    throw new CrossfadeError(
      'TABLE_WITHOUT_KEY',
      `table "${name}" has the key (${sqlite.key.join(', ')}) in SQLite but ${postgres.key.length === 0 ? 'none' : `(${postgres.key.join(', ')})`} in PostgreSQL`,
      {
        hint: `give it the same primary key in PostgreSQL: ALTER TABLE "${name}" ADD PRIMARY KEY (${sqlite.key.map((column) => `"${column}"`).join(', ')})`,
      },
    );
  }
  const stored = sqlite.columns.filter((column) => !column.generated);
  const others = new Map(postgres.columns.map((column) => [column.name, column]));
  for (const column of postgres.columns) {
    if (!column.generated && !sqlite.columns.some((other) => other.name === column.name)) {
      throw columnMissing(name, column.name, { has: 'PostgreSQL', lacks: 'SQLite' });
    }
  }
  const columns = stored.map((column): ColumnSpec => {
    const other = others.get(column.name);
    if (other === undefined) throw columnMissing(name, column.name, { has: 'SQLite', lacks: 'PostgreSQL' });
    const form = selection.columns?.[`${name}.${column.name}`]?.form ?? other.form;
    return matchColumn({
      table: name,
      sqlite: column,
      postgres: { ...other, form },
      isKey: sqlite.key.includes(column.name),
    });
  });
  return {
    name,
    columns,
    key: sqlite.key.map((column) => columns.findIndex((candidate) => candidate.name === column)),
    autoIncrement: sqlite.autoIncrement,
  };
}

interface ColumnPair {
  readonly table: string;
  readonly sqlite: ColumnShape;
  readonly postgres: ColumnShape;
  readonly isKey: boolean;
}

function matchColumn(pair: ColumnPair): ColumnSpec {
  const { table, sqlite, postgres } = pair;
  if (postgres.generated) {
    throw new CrossfadeError(
      'COLUMN_MISMATCH',
      `table "${table}", column "${sqlite.name}" is stored in SQLite but generated in PostgreSQL`,
      {
        hint: 'make it the same in both databases',
      },
    );
  }
  const type = columnTypeFor(postgres.type);
  if (type === undefined) {
    throw new CrossfadeError(
      'TYPE_UNSUPPORTED',
      `table "${table}", column "${sqlite.name}" has the PostgreSQL type ${postgres.type}, which cannot carry SQLite's values there and back unchanged`,
      {
        hint: 'use smallint, integer, bigint, real, double precision, numeric, boolean, text, varchar, char, json, jsonb, bytea, uuid, date, time, timestamp or timestamptz; text holds whatever is text',
      },
    );
  }
  const form = checkedForm(pair);
  return {
    name: sqlite.name,
    type,
    sqliteType: sqlite.type,
    postgresType: postgres.type,
    ...(form === undefined ? {} : { form }),
    collation: sqlite.collation,
    sequence: postgres.sequence,
  };
}

/** The form that is declared for a column, if any. In a key no two values of SQLite's may become one of PostgreSQL's. */
function checkedForm({ table, sqlite: { name }, postgres: { type, form }, isKey }: ColumnPair): Form | undefined {
  if (form !== undefined && !isFormOf(type, form)) {
    const forms = formsOf(type);
    throw new CrossfadeError(
      'TYPE_UNSUPPORTED',
      `table "${table}", column "${name}" declares the form "${form}", which the PostgreSQL type ${type} does not have`,
      {
        hint:
          forms.length === 0 ? 'leave it out: values of this type have one form' : `use one of: ${forms.join(', ')}`,
      },
    );
  }
  if (isKey && (type === 'jsonb' || form?.endsWith(' mixed') === true)) {
    throw new CrossfadeError(
      'TYPE_UNSUPPORTED',
      `table "${table}" has the column "${name}" in its key, whose ${type === 'jsonb' ? 'type jsonb' : `form "${form}"`} makes one value of several of SQLite's`,
      { hint: type === 'jsonb' ? 'use text' : 'bring its values into one form and declare that, or use text' },
    );
  }
  return form;
}

function columnMissing(table: string, column: string, { has, lacks }: { has: string; lacks: string }): CrossfadeError {
  return new CrossfadeError(
    'COLUMN_MISMATCH',
    `table "${table}" has the column "${column}" in ${has} but not in ${lacks}`,
    {
      hint: `add the column in ${lacks}, or drop it in ${has}`,
    },
  );
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
