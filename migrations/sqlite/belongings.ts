import type { Place } from '../finding.ts';
import { columnsNamed, partsText, textOf } from './constraint-text.ts';
import type { SqliteColumn, SqliteSchema, SqliteTable, SqliteTrigger } from './schema.ts';

/** What a schema's tables have. Schemas read one after the other share the tables that did not change. */
export class Belongings {
  readonly #of = new WeakMap<object, readonly Belonging[]>();

  of(schema: SqliteSchema): readonly Belonging[] {
    return [
      ...schema.tables.flatMap((table) => this.#once(table, () => [...indexesOf(table), ...constraintsOf(table)])),
      ...schema.triggers.flatMap((trigger) => this.#once(trigger, () => [ofTrigger(trigger)])),
    ];
  }

  #once(owner: object, make: () => readonly Belonging[]): readonly Belonging[] {
    const known = this.#of.get(owner) ?? make();
    this.#of.set(owner, known);
    return known;
  }
}

/** Something that a table had. */
export interface Belonging {
  readonly code:
    | 'lost-index'
    | 'lost-trigger'
    | 'lost-check'
    | 'lost-unique'
    | 'lost-foreign-key'
    | 'lost-not-null'
    | 'lost-default'
    | 'lost-collation';
  readonly table: string;
  /** What it is, whatever its name: the same again is no loss. */
  readonly text: string;
  /** Of an index, a trigger or a constraint. */
  readonly name: string | null;
  /** The columns it is about, in lower case. */
  readonly columns: readonly string[];
  readonly place: Place;
  /** For the message: `the index "x"`. */
  readonly what: string;
}

/** What it is, and whose: two of the same are one. */
export function identity({ code, table, text }: Belonging): string {
  return `${code} ${table.toLowerCase()} ${text}`;
}

function ofTrigger({ name, table, statement }: SqliteTrigger): Belonging {
  return {
    code: 'lost-trigger',
    table,
    text: textOf({ ...statement, triggerName: null, tblName: null, ifNotExists: false, forEachRow: true }),
    name,
    columns: [],
    place: { table, trigger: name },
    what: `the trigger "${name}" on "${table}"`,
  };
}

function indexesOf(table: SqliteTable): readonly Belonging[] {
  return table.indexes.map((index): Belonging => {
    const parts = index.parts.flatMap(({ column, expression }) =>
      column === null ? columnsNamed(table, expression) : [column.toLowerCase()],
    );
    return {
      code: 'lost-index',
      table: table.name,
      text: `${index.unique ? 'UNIQUE ' : ''}${partsText(index.parts)} WHERE ${textOf(index.where?.ast)}`,
      name: index.name,
      columns: [...parts, ...columnsNamed(table, index.where)],
      place: { table: table.name, index: index.name },
      what: `the ${index.unique ? 'unique ' : ''}index "${index.name}" of "${table.name}"`,
    };
  });
}

/** Everything that is part of the table's own statement. */
export function constraintsOf(table: SqliteTable): readonly Belonging[] {
  const place = (name: string | null): Place => ({
    table: table.name,
    ...(name === null ? {} : { constraint: name }),
  });
  const checks = table.checks.map(({ name, expression }): Belonging => ({
    code: 'lost-check',
    table: table.name,
    text: textOf(expression.ast),
    name,
    columns: columnsNamed(table, expression),
    place: place(name),
    what: `CHECK (${expression.sql}) of "${table.name}"`,
  }));
  const uniques = table.uniques.map(({ name, parts }): Belonging => {
    const columns = parts.map(({ column }) => column ?? '');
    return {
      code: 'lost-unique',
      table: table.name,
      text: partsText(parts),
      name,
      columns: columns.map((column) => column.toLowerCase()),
      place: place(name),
      what: `UNIQUE (${columns.join(', ')}) of "${table.name}"`,
    };
  });
  const foreignKeys = table.foreignKeys.map((key): Belonging => ({
    code: 'lost-foreign-key',
    table: table.name,
    text: JSON.stringify([
      key.columns,
      key.parent,
      key.parentColumns,
      key.onUpdate,
      key.onDelete,
      key.deferrable,
    ]).toLowerCase(),
    name: key.name,
    columns: key.columns.map((column) => column.toLowerCase()),
    place: place(key.name),
    what: `the foreign key (${key.columns.join(', ')}) of "${table.name}" to "${key.parent}"`,
  }));
  return [...checks, ...uniques, ...foreignKeys, ...table.columns.flatMap((column) => ofColumn(table, column))];
}

function ofColumn(table: SqliteTable, column: SqliteColumn): readonly Belonging[] {
  const one = (code: Belonging['code'], text: string, what: string): Belonging => ({
    code,
    table: table.name,
    text: `${column.name.toLowerCase()} ${text}`,
    name: null,
    columns: [column.name.toLowerCase()],
    place: { table: table.name, column: column.name },
    what: `${what} of the column "${column.name}" of "${table.name}"`,
  });
  const isKey = table.primaryKey.some((part) => part.column === column.name);
  return [
    // A key's column can be said to be NOT NULL or not; it is a key all the same.
    ...(column.notNull && !isKey ? [one('lost-not-null', '', 'NOT NULL')] : []),
    ...(column.default === null || column.default.ast.type === 'NullLiteral'
      ? []
      : [one('lost-default', textOf(column.default.ast), `the default ${column.default.sql}`)]),
    ...(column.collation === 'BINARY' ? [] : [one('lost-collation', column.collation, `COLLATE ${column.collation}`)]),
  ];
}
