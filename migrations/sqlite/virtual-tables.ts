import { statementOf } from './declaration.ts';
import type { TableInfo } from './introspection.ts';
import type { SqliteVirtualTable } from './schema.ts';

/**
 * The tables in which modules keep what they store, for modules that are not part of better-sqlite3: SQLite only knows the
 * shadows of modules it has (https://sqlite.org/vtab.html#the_xshadowname_method).
 */
const SHADOWS: Readonly<Record<string, RegExp>> = {
  vec0: /^(chunks|rowids|info|auxiliary|vector_chunks\d+|metadatachunks\d+|metadatatext\d+)$/,
  spellfix1: /^vocab$/,
  fts3: /^(content|segments|segdir|docsize|stat)$/,
  fts4: /^(content|segments|segdir|docsize|stat)$/,
  fts5: /^(data|idx|content|docsize|config)$/,
  rtree: /^(node|rowid|parent)$/,
  rtree_i32: /^(node|rowid|parent)$/,
  geopoly: /^(node|rowid|parent)$/,
};

/** Virtual tables, and the tables that are parts of them: those that SQLite calls shadows, and those that look like it. */
export function virtualTablesOf(all: readonly TableInfo[]): readonly SqliteVirtualTable[] {
  const owners = all
    .filter(({ type }) => type === 'virtual')
    .map(({ name, sql }) => ({ name, module: moduleOf(name, sql ?? '') }))
    // The longest name first: "docs_idx" may be a shadow of "docs", "docs_idx_data" one of a virtual table "docs_idx".
    .sort((a, b) => b.name.length - a.name.length);
  return all.flatMap((table): SqliteVirtualTable[] => {
    const sql = table.sql ?? '';
    if (table.type === 'virtual') return [{ name: table.name, module: moduleOf(table.name, sql), shadowOf: null, sql }];
    const owner = owners.find(({ name, module }) => {
      if (!table.name.toLowerCase().startsWith(`${name.toLowerCase()}_`)) return false;
      const rest = table.name.slice(name.length + 1).toLowerCase();
      return table.type === 'shadow' || (SHADOWS[module]?.test(rest) ?? false);
    });
    return owner === undefined ? [] : [{ name: table.name, module: null, shadowOf: owner.name, sql }];
  });
}

function moduleOf(name: string, sql: string): string {
  const statement = statementOf(sql, `virtual table "${name}"`);
  return statement.type === 'CreateVirtualTableStmt' ? statement.moduleName.text.toLowerCase() : '';
}
