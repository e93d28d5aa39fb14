import type { Finding, Place } from '../finding.ts';
import type { AppliedFile } from './apply-migrations.ts';
import { columnsNamed, partsText, textOf } from './constraint-text.ts';
import { readSchema } from './read-schema.ts';
import type { SqliteColumn, SqliteSchema, SqliteTable, SqliteTrigger } from './schema.ts';

/** Something that a table had. */
interface Belonging {
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

/**
 * Watches migrations being applied, and finds what a table once had and then lost without anybody saying so. SQLite cannot
 * change a constraint, so tables are rebuilt (create another, copy, drop, rename), and DROP TABLE takes indexes and triggers
 * along; what is forgotten when it is written anew is gone.
 *
 * What counts as lost: it was there before a file and is not after it, its table is still there, and none of these holds:
 *
 * - it was dropped by name (DROP INDEX, DROP TRIGGER, ALTER TABLE … DROP) in that file or a later one;
 * - the same thing is there under another name, or is there again at the end;
 * - a column it was about is gone;
 * - for a constraint: its columns have another of the same kind instead (a CHECK that was widened, a foreign key with other
 *   actions, another default: changed, not lost), or it is the only thing about the table that the file changed, and so was
 *   what the rebuild was for.
 */
export class HistoryLint {
  #schema: SqliteSchema | null = null;
  #version: unknown = null;
  readonly #belongings = new Belongings();
  readonly #madeIn = new Map<string, string>();
  readonly #lost: { readonly belonging: Belonging; readonly file: string; readonly madeIn: string | undefined }[] = [];
  readonly #droppedByName = new Set<string>();

  /** Looks at what a file left behind. Give it every file, in order. */
  readonly afterFile = ({ name: file, statements, db }: AppliedFile): void => {
    for (const { ast } of statements) {
      if (ast?.type === 'DropIndexStmt') this.#droppedByName.add(nameKey('lost-index', ast.idxName.objName.text));
      if (ast?.type === 'DropTriggerStmt')
        this.#droppedByName.add(nameKey('lost-trigger', ast.triggerName.objName.text));
      if (ast?.type === 'AlterTableStmt' && ast.body.type === 'DropConstraintAlterTableBody')
        this.#droppedByName.add(nameKey('lost-check', ast.body.name.text));
    }
    const version: unknown = db.pragma('schema_version', { simple: true });
    if (version === this.#version) return;
    this.#version = version;
    const before = this.#schema;
    const after = readSchema(db, before ?? undefined);
    this.#schema = after;
    const now = this.#belongings.of(after);
    if (before !== null) {
      const renamed = renamesIn(statements);
      for (const loss of lossesBetween({ before, after, renamed, belongings: this.#belongings }))
        this.#lost.push({ belonging: loss, file, madeIn: this.#madeIn.get(identity(loss)) });
    }
    for (const belonging of now)
      if (!this.#madeIn.has(identity(belonging))) this.#madeIn.set(identity(belonging), file);
  };

  /** What was lost and is still missing, in the order it went. */
  findings(): readonly Finding[] {
    const schema = this.#schema;
    if (schema === null) return [];
    const there = new Set(this.#belongings.of(schema).map(identity));
    return this.#lost
      .filter(({ belonging }) => {
        if (belonging.name !== null && this.#droppedByName.has(nameKey(belonging.code, belonging.name))) return false;
        return !there.has(identity(belonging)) && hasColumns(schema, belonging);
      })
      .map(({ belonging, file, madeIn }): Finding => ({
        severity: 'warning',
        code: belonging.code,
        place: { ...belonging.place, file },
        message: `${belonging.what}${madeIn === undefined ? '' : `, of ${madeIn},`} vanished when the table was rebuilt, and was never dropped by name`,
        remedy: 'add it again in a new migration, or drop it by name if it was meant to go',
      }));
  }
}

function nameKey(code: string, name: string): string {
  return `${code} ${name.toLowerCase()}`;
}

function identity({ code, table, text }: Belonging): string {
  return `${code} ${table.toLowerCase()} ${text}`;
}

function hasColumns(schema: SqliteSchema, { table, columns }: Belonging): boolean {
  const found = schema.tables.find(({ name }) => name.toLowerCase() === table.toLowerCase());
  if (found === undefined) return schema.views.some(({ name }) => name.toLowerCase() === table.toLowerCase());
  const names = new Set(found.columns.map(({ name }) => name.toLowerCase()));
  return columns.every((column) => names.has(column));
}

/** The tables that a file gave another name and that lived under the old one before, old to new. */
function renamesIn(statements: AppliedFile['statements']): ReadonlyMap<string, string> {
  const renames = new Map<string, string>();
  for (const { ast } of statements) {
    if (ast?.type !== 'AlterTableStmt' || ast.body.type !== 'RenameToAlterTableBody') continue;
    renames.set(ast.tblName.objName.text.toLowerCase(), ast.body.name.text.toLowerCase());
  }
  return renames;
}

function lossesBetween({
  before,
  after,
  renamed,
  belongings,
}: {
  readonly before: SqliteSchema;
  readonly after: SqliteSchema;
  readonly renamed: ReadonlyMap<string, string>;
  readonly belongings: Belongings;
}): readonly Belonging[] {
  const old = belongings.of(before);
  const now = belongings.of(after);
  const had = new Set(old.map(identity));
  const kept = new Set(now.map(identity));
  const names = new Set([...after.tables, ...after.views].map(({ name }) => name.toLowerCase()));
  return old.filter((belonging) => {
    const was = belonging.table.toLowerCase();
    // A table that has only been renamed takes everything with it.
    if (!names.has(was)) return false;
    if (renamed.has(was) && !isRebuilt(before, after, was)) return false;
    if (kept.has(identity(belonging)) || !hasColumns(after, belonging)) return false;
    if (belonging.code === 'lost-index' || belonging.code === 'lost-trigger')
      return !now.some((other) => other.code === belonging.code && sameName(other.name, belonging.name));
    const changed = now.filter((other) => other.table.toLowerCase() === was && !had.has(identity(other)));
    if (changed.some((other) => other.code === belonging.code && shareColumn(other, belonging))) return false;
    return !isSoleChange(before, after, belonging);
  });
}

function isRebuilt(before: SqliteSchema, after: SqliteSchema, name: string): boolean {
  return tableNamed(before, name)?.sql !== tableNamed(after, name)?.sql;
}

function tableNamed(schema: SqliteSchema, name: string): SqliteTable | undefined {
  return schema.tables.find((table) => table.name.toLowerCase() === name.toLowerCase());
}

function sameName(left: string | null, right: string | null): boolean {
  return left !== null && left.toLowerCase() === right?.toLowerCase();
}

function shareColumn(left: Belonging, right: Belonging): boolean {
  return left.columns.some((column) => right.columns.includes(column));
}

/** Whether the table is the same but for this. Indexes and triggers are no part of a rebuild's purpose. */
function isSoleChange(before: SqliteSchema, after: SqliteSchema, { code, table, text }: Belonging): boolean {
  const [was, is] = [tableNamed(before, table), tableNamed(after, table)];
  if (was === undefined || is === undefined) return false;
  const left = constraintsOf(was).map(identity).sort();
  const right = constraintsOf(is).map(identity).sort();
  const lost = identity({ code, table, text } as Belonging);
  const without = left.filter((one) => one !== lost);
  return without.join('\n') === right.join('\n') && shapeOf(was) === shapeOf(is);
}

/** The columns with their types, and the key: what constraints do not tell. */
function shapeOf(table: SqliteTable): string {
  const columns = table.columns.map(({ name, declaredType, generated }) => [
    name,
    declaredType,
    generated?.expression.sql,
  ]);
  return JSON.stringify([columns, partsText(table.primaryKey), table.withoutRowid, table.strict]);
}

/** What a schema's tables have. Schemas read one after the other share the tables that did not change. */
class Belongings {
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

function constraintsOf(table: SqliteTable): readonly Belonging[] {
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
