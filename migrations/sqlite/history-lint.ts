import type { Finding } from '../finding.ts';
import type { AppliedFile } from './apply-migrations.ts';
import { Belongings, constraintsOf, identity } from './belongings.ts';
import type { Belonging } from './belongings.ts';
import { partsText } from './constraint-text.ts';
import { readSchema } from './read-schema.ts';
import type { SqliteSchema, SqliteTable } from './schema.ts';

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
