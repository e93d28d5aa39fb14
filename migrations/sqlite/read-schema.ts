import type Database from 'better-sqlite3';
import { introspect } from './introspection.ts';
import type { Introspection, TableFacts } from './introspection.ts';
import type { ColumnsOf } from './quoted-strings.ts';
import { readTable } from './read-table.ts';
import { readTriggers } from './read-triggers.ts';
import { readViews } from './read-views.ts';
import type { LeftOut, SqliteSchema, SqliteTable } from './schema.ts';
import { virtualTablesOf } from './virtual-tables.ts';

/**
 * Reads the schema of the main database; temporary objects are not part of it. Structure is SQLite's own word (its
 * introspection pragmas), expressions and names of constraints are the stored statements', and where the two disagree there
 * is no answer. What SQLite, Knex and Crossfade keep for themselves is left out and told.
 *
 * The connection may be read-only. It is used for temporary views that are gone afterwards.
 *
 * `previous` is an earlier reading of the same database: what has not changed since is taken from it.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function readSchema(db: Database.Database, previous?: SqliteSchema): SqliteSchema {
  const found = introspect(db);
  const leftOut: LeftOut[] = [];
  const isKept =
    (kind: LeftOut['kind']) =>
    ({ name }: { readonly name: string }): boolean => {
      const owner = ownerOf(name);
      if (owner !== null) leftOut.push({ kind, name, owner });
      return owner === null;
    };
  const virtualTables = virtualTablesOf([...found.others, ...found.tables]);
  const virtual = new Set(virtualTables.map(({ name }) => name));
  const plain = found.tables.filter(({ name }) => !virtual.has(name));
  const before = new Map(previous?.tables.map((table) => [table.name.toLowerCase(), table]));
  const byName = new Map(plain.map((table) => [table.name.toLowerCase(), table]));
  const tables = plain
    .filter(isKept('table'))
    .map((table) => unchanged(table, byName, before) ?? readTable(table, byName));
  const columnsOf = columnsIn(found);
  const { views, findings } = readViews({
    db,
    stored: found.views.filter(isKept('view')),
    columnsOf,
    previous: previous?.views ?? [],
  });
  const columnsOfViews = new Map(views.map(({ name, columns }) => [name.toLowerCase(), lowered(columns)]));
  const triggers = readTriggers({
    stored: found.triggers.filter(isKept('trigger')),
    columnsOf: (name) => columnsOfViews.get(name) ?? columnsOf(name),
    previous: previous?.triggers ?? [],
  });
  return {
    tables,
    views,
    triggers: triggers.triggers,
    virtualTables,
    leftOut,
    findings: [...findings, ...triggers.findings],
  };
}

/** The table as it was read before, if neither it nor a parent of it has changed since. */
function unchanged(
  facts: TableFacts,
  tables: ReadonlyMap<string, TableFacts>,
  before: ReadonlyMap<string, SqliteTable>,
): SqliteTable | undefined {
  const table = before.get(facts.name.toLowerCase());
  if (table?.sql !== facts.sql || table.name !== facts.name) return undefined;
  const indexes = facts.indexes.filter(({ origin }) => origin === 'c');
  const sameIndexes =
    indexes.length === table.indexes.length &&
    indexes.every(({ name, sql }, i) => name === table.indexes[i]?.name && sql === table.indexes[i].sql);
  const sameParents = table.foreignKeys.every(({ parent }) => {
    const name = parent.toLowerCase();
    return tables.get(name)?.sql === before.get(name)?.sql;
  });
  return sameIndexes && sameParents ? table : undefined;
}

function ownerOf(name: string): LeftOut['owner'] | null {
  const lower = name.toLowerCase();
  if (lower.startsWith('sqlite_')) return 'sqlite';
  if (lower.startsWith('_crossfade_')) return 'crossfade';
  return lower === 'knex_migrations' || lower === 'knex_migrations_lock' ? 'knex' : null;
}

/** Only plain tables have columns that are known here; of all else, any name may be one. */
function columnsIn(found: Introspection): ColumnsOf {
  const columns = new Map(
    found.tables.map((table) => [table.name.toLowerCase(), lowered(table.columns.map(({ name }) => name))]),
  );
  const others = new Set([...found.others, ...found.views].map(({ name }) => name.toLowerCase()));
  return (name) => columns.get(name) ?? (others.has(name) || /^(sqlite_|pragma_)/.test(name) ? 'any' : undefined);
}

function lowered(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}
