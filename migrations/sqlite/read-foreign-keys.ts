import type { ColumnConstraint, Declaration } from './declaration.ts';
import type { ForeignKeyInfo, TableFacts } from './introspection.ts';
import { schemaUnclear } from './schema-unclear.ts';
import type { ForeignKeyAction, SqliteForeignKey } from './schema.ts';

type References = Extract<ColumnConstraint, { type: 'ForeignKeyColumnConstraint' }>['clause'];
type Deferral = Extract<ColumnConstraint, { type: 'DeferColumnConstraint' }>['clause'];

/**
 * The foreign keys in the order they were declared: columns and actions by SQLite's word, the rest by the statement's.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function readForeignKeys(
  infos: readonly ForeignKeyInfo[],
  declared: Declaration,
  tables: ReadonlyMap<string, TableFacts>,
): readonly SqliteForeignKey[] {
  const written: DeclaredForeignKey[] = [];
  for (const { name, column, constraint } of declared.constraints) {
    if (constraint.type === 'ForeignKeyColumnConstraint')
      written.push({ name, columns: [column ?? ''], clause: constraint.clause, deferral: constraint.deferClause });
    if (constraint.type === 'ForeignKeyTableConstraint')
      written.push({
        name,
        columns: constraint.columns.map(({ colName }) => colName.text),
        clause: constraint.clause,
        deferral: constraint.deferClause,
      });
    // It stands by itself, and means the foreign key before it, be that another column's.
    const latest = written.at(-1);
    if (constraint.type === 'DeferColumnConstraint' && latest !== undefined) latest.deferral = constraint.clause;
  }
  if (written.length !== infos.length)
    throw schemaUnclear(declared.what, `SQLite has ${infos.length} foreign keys, its statement ${written.length}`);
  return infos.map((info, index) => {
    const own = written[index];
    const columns = info.columns.map(({ from }) => from);
    if (own === undefined || !sameNames(own.columns, columns) || !sameNames([own.clause.tblName.text], [info.table]))
      throw schemaUnclear(declared.what, `SQLite and its statement disagree about foreign key ${index + 1}`);
    const parent = tables.get(info.table.toLowerCase());
    return {
      name: own.name,
      columns,
      parent: parent?.name ?? info.table,
      parentColumns: parentColumnsOf(info, parent),
      onUpdate: info.onUpdate as ForeignKeyAction,
      onDelete: info.onDelete as ForeignKeyAction,
      deferrable: deferrableOf(own.deferral),
      match:
        own.clause.args.flatMap((arg) => (arg.type === 'MatchRefArg' ? [arg.name.text.toUpperCase()] : [])).at(-1) ??
        null,
    };
  });
}

function parentColumnsOf(info: ForeignKeyInfo, parent: TableFacts | undefined): readonly string[] {
  const named = info.columns.flatMap(({ to }) => (to === null ? [] : [to]));
  if (named.length > 0)
    return named.map(
      (name) => parent?.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name ?? name,
    );
  const key = (parent?.columns ?? []).filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  return key.length === info.columns.length ? key.map(({ name }) => name) : [];
}

function deferrableOf(deferral: Deferral | undefined): SqliteForeignKey['deferrable'] {
  if (deferral?.deferrable !== true) return 'no';
  return deferral.initDeferred === 'InitiallyDeferred' ? 'initially deferred' : 'initially immediate';
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, i) => name.toLowerCase() === right[i]?.toLowerCase());
}

interface DeclaredForeignKey {
  readonly name: string | null;
  readonly columns: readonly string[];
  readonly clause: References;
  deferral: Deferral | undefined;
}
