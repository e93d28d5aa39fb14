import type { Catalog, CatalogEntry } from './catalog.ts';

const ROWID = /"(?:_rowid_|rowid|oid)"/i;
/** A quoted identifier, perhaps with the table before it. Compiled SQL has its strings in bindings. */
const QUALIFIED = /(?:("(?:[^"]|"")+")\.)?"(_rowid_|rowid|oid)"/gi;

/**
 * Compiled SQL with SQLite's names of the row itself (`rowid`, `_rowid_`, `oid`) as PostgreSQL has it: the table's integer
 * primary key, which in SQLite they are other names of, or else where the row is stored. The latter is good within one
 * statement only; as a value it is nothing that SQLite would have said.
 */
export function withRowids(sql: string, table: string, catalog: Catalog): string {
  if (!ROWID.test(sql)) return sql;
  return sql.replace(QUALIFIED, (whole, qualifier: string | undefined, name: string) => {
    const entry = qualifier === undefined ? catalog.named(firstName(table)) : named(sql, qualifier, catalog);
    if (entry === undefined || has(entry, name)) return whole;
    const column = entry.integerKey === undefined ? 'ctid' : quoted(entry.integerKey);
    return qualifier === undefined ? column : `${qualifier}.${column}`;
  });
}

/** The table that a name or an alias stands for. */
function named(sql: string, qualifier: string, catalog: Catalog): CatalogEntry | undefined {
  const [, original] = new RegExp(`("(?:[^"]|"")+") as ${escaped(qualifier)}`, 'i').exec(sql) ?? [];
  return catalog.named(firstName(original ?? qualifier));
}

function has({ columns }: CatalogEntry, name: string): boolean {
  return [...columns.keys()].some((column) => column.toLowerCase() === name.toLowerCase());
}

/** `"schema"."orders" as "o"` → `orders`. */
function firstName(identifier: string): string {
  const [path = ''] = identifier.split(/ as /i);
  const last = /"((?:[^"]|"")+)"$/.exec(path)?.[1] ?? '';
  return last.replaceAll('""', '"');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
