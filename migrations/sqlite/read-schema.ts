import type Database from 'better-sqlite3';
import type { Finding } from '../finding.ts';
import { introspect } from './introspection.ts';
import type { StoredStatement } from './introspection.ts';
import { parseStatement } from './parser.ts';
import { readTable } from './read-table.ts';
import { schemaUnclear } from './schema-unclear.ts';
import type { LeftOut, SqliteSchema, SqliteTrigger, SqliteView, SqliteVirtualTable } from './schema.ts';

/**
 * Reads the schema of the main database. Structure is SQLite's own word (its introspection pragmas), expressions are the
 * stored statements', and where the two disagree there is no answer.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function readSchema(db: Database.Database): SqliteSchema {
  const found = introspect(db);
  const leftOut: LeftOut[] = [];
  const findings: Finding[] = [];
  const isKept =
    (kind: LeftOut['kind']) =>
    ({ name }: { readonly name: string }): boolean => {
      const owner = ownerOf(name);
      if (owner !== null) leftOut.push({ kind, name, owner });
      return owner === null;
    };
  const byName = new Map(found.tables.map((table) => [table.name.toLowerCase(), table]));
  const tables = found.tables.filter(isKept('table')).map((table) => readTable(table, byName));
  const views: SqliteView[] = [];
  for (const view of found.views.filter(isKept('view'))) views.push(readView(db, view));
  return {
    tables,
    views,
    triggers: found.triggers.filter(isKept('trigger')).map(readTrigger),
    virtualTables: found.others.filter(isKept('table')).map((table): SqliteVirtualTable => ({
      name: table.name,
      module: moduleOf(table.sql),
      shadowOf: null,
      sql: table.sql ?? '',
    })),
    leftOut,
    findings,
  };
}

function ownerOf(name: string): LeftOut['owner'] | null {
  const lower = name.toLowerCase();
  if (lower.startsWith('sqlite_')) return 'sqlite';
  if (lower.startsWith('_crossfade_')) return 'crossfade';
  return lower === 'knex_migrations' || lower === 'knex_migrations_lock' ? 'knex' : null;
}

function readView(db: Database.Database, view: StoredStatement): SqliteView {
  const statement = parseStatement(view.sql);
  if (statement.type !== 'CreateViewStmt')
    throw schemaUnclear(`view "${view.name}"`, 'its stored statement is no CREATE VIEW');
  const columns = db.prepare(`SELECT name FROM pragma_table_xinfo(?, 'main') ORDER BY cid`).pluck().all(view.name);
  return { name: view.name, columns: columns as string[], select: statement.select, sql: view.sql, quotedAsNames: [] };
}

function readTrigger(trigger: StoredStatement): SqliteTrigger {
  const statement = parseStatement(trigger.sql);
  if (statement.type !== 'CreateTriggerStmt')
    throw schemaUnclear(`trigger "${trigger.name}"`, 'its stored statement is no CREATE TRIGGER');
  return { name: trigger.name, table: trigger.table, statement, sql: trigger.sql, quotedAsNames: [] };
}

function moduleOf(sql: string | null): string | null {
  const statement = sql === null ? null : parseStatement(sql);
  return statement?.type === 'CreateVirtualTableStmt' ? statement.moduleName.text : null;
}
