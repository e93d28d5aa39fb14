import type { Stmt } from '../sqlite/schema.ts';
import type { CatalogColumn, CatalogTable } from './catalog.ts';
import { asCondition } from './convert.ts';
import { quoteName } from './fragment.ts';
import { equalityKey } from './order-by.ts';
import { scopeTable } from './scope.ts';
import type { Scope } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { assignments } from './update.ts';

type Body = Extract<Extract<Stmt, { type: 'InsertStmt' }>['body'], { type: 'SelectInsertBody' }>;
type Upsert = NonNullable<Body['upsert']>;

/** ON CONFLICT … DO …: https://sqlite.org/lang_upsert.html */
export function upsertClause(upsert: Upsert, table: CatalogTable, alias: string | undefined, setting: Setting): string {
  if (upsert.next !== undefined) {
    throw new Untranslatable(
      'upsert-twice',
      'an INSERT has several ON CONFLICT clauses, and PostgreSQL takes one',
      'make one of them',
    );
  }
  const { emission } = setting;
  // The columns of the key stand without the table's name; those of SET need it beside those of `excluded`.
  const bare: Setting = { ...setting, scope: { tables: [scopeTable(table, table.name, null)], parent: setting.scope } };
  const target = upsert.index === undefined ? undefined : conflictTarget(upsert.index, bare);
  if (upsert.doClause.type === 'NothingUpsertDo') return ` ON CONFLICT${target ?? ''} DO NOTHING`;
  const scope: Scope = {
    tables: [
      scopeTable(table, alias ?? table.name, alias ?? table.name),
      // Bare names mean the table's columns, as it is found first.
      scopeTable(table, 'excluded', 'excluded'),
    ],
    parent: setting.scope,
  };
  const inner: Setting = { ...setting, scope };
  const { sets, whereClause } = upsert.doClause;
  const where = whereClause === undefined ? '' : ` WHERE ${asCondition(translateNode(whereClause, inner), emission)}`;
  return ` ON CONFLICT${target ?? onlyTarget(table, table.columns)} DO UPDATE SET ${assignments(sets, table, inner)}${where}`;
}

function conflictTarget({ targets, whereClause }: NonNullable<Upsert['index']>, bare: Setting): string {
  const parts = targets.map(({ expr }) => keyPart(equalityKey(translateNode(expr, bare))));
  const where =
    whereClause === undefined ? '' : ` WHERE ${asCondition(translateNode(whereClause, bare), bare.emission)}`;
  return ` (${parts.join(', ')})${where}`;
}

/** A column, or an expression in parentheses. */
function keyPart(sql: string): string {
  return /^"(?:[^"]|"")*"$/.test(sql) ? sql : `(${sql})`;
}

/**
 * REPLACE: the rows that are in the way go, and the new one comes with the defaults of all columns that it does not
 * name. With one key that can be in the way, that is an update of all columns.
 */
export function replaceClause(table: CatalogTable, given: readonly CatalogColumn[], { emission }: Setting): string {
  const target = onlyTarget(table, given);
  if (emission.running !== undefined && table.minds === true) {
    throw new Untranslatable(
      'replace',
      `REPLACE deletes rows of table ${quoteName(table.name)}, which a trigger or a foreign key minds`,
      'name the key: ON CONFLICT (…) DO UPDATE SET …',
    );
  }
  emission.remark({
    severity: 'warning',
    code: 'replace',
    message:
      'REPLACE deletes the old row and inserts a new one: rows that refer to it see a DELETE in SQLite and an UPDATE in PostgreSQL',
    remedy: 'look at ON DELETE actions and triggers that concern this table',
  });
  const sets = table.columns.map(({ name }) => `${quoteName(name)} = excluded.${quoteName(name)}`);
  return ` ON CONFLICT${target} DO UPDATE SET ${sets.join(', ')}`;
}

/** The one key of a table that a new row can meet; a rowid that is not given meets none. */
function onlyTarget(table: CatalogTable, given: readonly CatalogColumn[]): string {
  const names = new Set(given.map(({ name }) => name));
  const columns = table.columns;
  const isAutomatic = (key: readonly string[]) =>
    key.length === 1 && columns.some(({ name, isRowid }) => name === key[0] && isRowid === true && !names.has(name));
  const keys = table.uniques ?? (table.primaryKey === undefined ? [] : undefined);
  const [only, another] = (keys ?? []).filter((key) => !isAutomatic(key));
  if (keys === undefined || only === undefined || another !== undefined) {
    throw new Untranslatable(
      'several-keys',
      `table ${quoteName(table.name)} has ${only === undefined ? 'no known key' : 'several keys'} that a new row can meet`,
      'name the key: ON CONFLICT (…) DO UPDATE SET …; or delete the rows that are in the way first',
    );
  }
  const { columns: scoped } = scopeTable(table, null, null);
  const parts = only.map((name) => {
    const column = scoped.find((one) => one.name === name);
    return column === undefined ? quoteName(name) : keyPart(equalityKey(column.fragment));
  });
  return ` (${parts.join(', ')})`;
}
