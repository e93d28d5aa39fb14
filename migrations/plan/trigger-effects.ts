import type { Expr, SqliteSchema, SqliteTrigger } from '../sqlite/schema.ts';
import { walk } from '../translate/ast.ts';
import type { AstNode } from '../translate/ast.ts';
import { situationOf } from '../translate/translate-trigger.ts';

/** A table or view that a trigger's own statements read or write; names are in lower case. */
export interface Access {
  readonly table: string;
  /** It is the row that fired the trigger, found by its key, and no other. */
  readonly isOwnRow: boolean;
}

export interface Write extends Access {
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE';
  /** What UPDATE sets, in lower case. */
  readonly columns: readonly string[];
  /** INSERT OR IGNORE, INSERT OR REPLACE. */
  readonly conflict?: 'Ignore' | 'Replace';
}

/** What a trigger's own statements do, without what they fire. */
export interface TriggerEffects {
  /** Besides the rows that it writes. */
  readonly reads: readonly Access[];
  readonly writes: readonly Write[];
  /** The columns of NEW that it looks at, in lower case. */
  readonly newColumns: ReadonlySet<string>;
  /** Whether it finds its own row by the key of OLD, which an UPDATE may have changed. */
  readonly usesOldKey: boolean;
  /** `Ignore`, `Abort`, `Fail`, `Rollback`. */
  readonly raises: ReadonlySet<string>;
}

type Statement = SqliteTrigger['statement'];
type Command = Statement['commands'][number];

/** What a trigger does, as far as its text tells. */
export function effectsOf({ statement }: SqliteTrigger, schema: SqliteSchema): TriggerEffects {
  const own = statement.tblName.objName.text.toLowerCase();
  const key = keyOf(own, schema);
  const { event, time } = situationOf(statement);
  const isOwn = (table: string, alias: string, where: Expr | undefined) =>
    table === own && time !== 'INSTEAD OF' && event !== 'DELETE' && isRowOf(where, alias, key);
  const usesOldKey = statement.commands.some(
    (command) =>
      (command.type === 'UpdateTriggerCmd' || command.type === 'DeleteTriggerCmd') &&
      isOwn(command.tblName.objName.text.toLowerCase(), aliasOf(command), command.whereClause) &&
      !isRowOf(command.whereClause, aliasOf(command), key, ['new']),
  );
  const writes = statement.commands
    .flatMap((command) => writesOf(command, isOwn))
    .map((write) => ({ ...write, isOwnRow: write.isOwnRow && !write.columns.some((column) => isKey(key, column)) }));
  const reads: Access[] = [];
  const newColumns = new Set<string>();
  const raises = new Set<string>();
  const ownRows = new Set<AstNode>();
  walk(statement, (node) => {
    switch (node.type) {
      case 'SelectFrom': {
        const { from, whereClause } = node as SelectFrom;
        const table = from?.select;
        if (table?.type !== 'TableSelectTable' || (from?.joins?.length ?? 0) > 0) break;
        const name = table.tblName.objName.text.toLowerCase();
        if (isOwn(name, table.alias?.name.text.toLowerCase() ?? name, whereClause)) ownRows.add(table);
        break;
      }
      case 'TableSelectTable':
      case 'InTableExpr': {
        const named = node as { tblName?: Named; rhs?: Named };
        const name = (named.tblName ?? named.rhs)?.objName.text.toLowerCase() ?? '';
        for (const table of [name, ...behindView(name, schema)]) reads.push({ table, isOwnRow: ownRows.has(node) });
        break;
      }
      case 'QualifiedExpr': {
        const { table, column } = node as Extract<Expr, { type: 'QualifiedExpr' }>;
        if (table.text.toLowerCase() === 'new') newColumns.add(column.text.toLowerCase());
        break;
      }
      case 'RaiseExpr':
        raises.add((node as Extract<Expr, { type: 'RaiseExpr' }>).resolve);
        break;
      default:
        break;
    }
    return true;
  });
  return { reads, writes, newColumns, usesOldKey, raises };
}

/** Another key makes it another row. */
function isKey(key: readonly ReadonlySet<string>[], column: string): boolean {
  return key.some((names) => names.has(column));
}

interface Named {
  readonly objName: { readonly text: string };
}

type SelectFrom = Extract<SqliteSchema['views'][number]['select']['select'], { type: 'SelectFrom' }>;

type IsOwn = (table: string, alias: string, where: Expr | undefined) => boolean;

function writesOf(command: Command, isOwn: IsOwn): readonly Write[] {
  if (command.type === 'SelectTriggerCmd') return [];
  const table = command.tblName.objName.text.toLowerCase();
  const alias = aliasOf(command);
  switch (command.type) {
    case 'DeleteTriggerCmd':
      return [{ table, event: 'DELETE', columns: [], isOwnRow: isOwn(table, alias, command.whereClause) }];
    case 'UpdateTriggerCmd': {
      const isOwnRow = command.from === undefined && isOwn(table, alias, command.whereClause);
      return [{ table, event: 'UPDATE', columns: columnsOf(command.sets), isOwnRow }];
    }
    case 'InsertTriggerCmd': {
      const { orConflict, upsert } = command;
      const conflict = orConflict === 'Ignore' || orConflict === 'Replace' ? { conflict: orConflict } : {};
      const insert: Write = { table, event: 'INSERT', columns: [], isOwnRow: false, ...conflict };
      if (upsert?.doClause.type !== 'SetUpsertDo') return [insert];
      return [insert, { table, event: 'UPDATE', columns: columnsOf(upsert.doClause.sets), isOwnRow: false }];
    }
  }
}

function aliasOf({ tblName }: Exclude<Command, { type: 'SelectTriggerCmd' }>): string {
  return (tblName.alias?.text ?? tblName.objName.text).toLowerCase();
}

function columnsOf(sets: Extract<Command, { type: 'UpdateTriggerCmd' }>['sets']): readonly string[] {
  return sets.flatMap(({ colNames }) => colNames.map(({ text }) => text.toLowerCase()));
}

/** The names of the primary key's columns: one of them, one each; a rowid has several names. */
function keyOf(table: string, schema: SqliteSchema): readonly ReadonlySet<string>[] {
  const found = schema.tables.find(({ name }) => name.toLowerCase() === table);
  return (found?.primaryKey ?? []).map(({ column }) => {
    const name = column?.toLowerCase() ?? '';
    const isRowid = found?.columns.some((one) => one.isRowid && one.name.toLowerCase() === name) === true;
    return new Set(isRowid ? [name, 'rowid', 'oid', '_rowid_'] : [name]);
  });
}

/** Whether a condition holds for the row of NEW (or OLD) at most: `key = NEW.key`, and more. */
function isRowOf(
  where: Expr | undefined,
  alias: string,
  key: readonly ReadonlySet<string>[],
  rows: readonly string[] = ['new', 'old'],
): boolean {
  const equalities = conjuncts(where);
  return key.length > 0 && key.every((names) => equalities.some((one) => isKeyOf(one, { alias, names, rows })));
}

function isKeyOf(
  expr: Expr,
  { alias, names, rows }: { alias: string; names: ReadonlySet<string>; rows: readonly string[] },
): boolean {
  if (expr.type !== 'BinaryExpr' || (expr.op !== 'Equals' && expr.op !== 'Is')) return false;
  const isColumn = (side: Expr, tables: readonly (string | null)[]) => {
    const { table, name } = nameOf(side);
    return tables.includes(table) && names.has(name);
  };
  return [
    [expr.left, expr.right],
    [expr.right, expr.left],
  ].some(
    ([one, other]) => one !== undefined && other !== undefined && isColumn(one, [null, alias]) && isColumn(other, rows),
  );
}

function nameOf(expr: Expr): { readonly table: string | null; readonly name: string } {
  switch (expr.type) {
    case 'Id':
      return { table: null, name: expr.name.toLowerCase() };
    case 'NameExpr':
      return { table: null, name: expr.name.text.toLowerCase() };
    case 'QualifiedExpr':
      return { table: expr.table.text.toLowerCase(), name: expr.column.text.toLowerCase() };
    default:
      return { table: null, name: '' };
  }
}

function conjuncts(expr: Expr | undefined): readonly Expr[] {
  if (expr === undefined) return [];
  if (expr.type === 'ParenthesizedExpr' && expr.exprs.length === 1) return conjuncts(expr.exprs[0]);
  if (expr.type === 'BinaryExpr' && expr.op === 'And') return [...conjuncts(expr.left), ...conjuncts(expr.right)];
  return [expr];
}

/** The tables and views that a view reads. */
function behindView(name: string, schema: SqliteSchema, seen: ReadonlySet<string> = new Set()): readonly string[] {
  const view = schema.views.find((one) => one.name.toLowerCase() === name);
  if (view === undefined || seen.has(name)) return [];
  const found: string[] = [];
  walk(view.select, (node) => {
    const named = node as { tblName?: Named; rhs?: Named };
    if (node.type === 'TableSelectTable' || node.type === 'InTableExpr') {
      found.push((named.tblName ?? named.rhs)?.objName.text.toLowerCase() ?? '');
    }
    return true;
  });
  return found.flatMap((table) => [table, ...behindView(table, schema, new Set([...seen, name]))]);
}
