import type Database from 'better-sqlite3';
import { introspect } from './introspection.ts';
import type { Introspection } from './introspection.ts';
import type { ColumnsOf } from './quoted-strings.ts';
import { readTable } from './read-table.ts';
import { readTriggers } from './read-triggers.ts';
import { readViews } from './read-views.ts';
import type { LeftOut, SqliteSchema } from './schema.ts';
import { virtualTablesOf } from './virtual-tables.ts';

/**
 * Reads the schema of the main database; temporary objects are not part of it. Structure is SQLite's own word (its
 * introspection pragmas), expressions and names of constraints are the stored statements', and where the two disagree there
 * is no answer. What SQLite, Knex and Crossfade keep for themselves is left out and told.
 *
 * The connection may be read-only. It is used for temporary views that are gone afterwards.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function readSchema(db: Database.Database): SqliteSchema {
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
  const byName = new Map(plain.map((table) => [table.name.toLowerCase(), table]));
  const tables = plain.filter(isKept('table')).map((table) => readTable(table, byName));
  const columnsOf = columnsIn(found);
  const { views, findings } = readViews(db, found.views.filter(isKept('view')), columnsOf);
  const columnsOfViews = new Map(views.map(({ name, columns }) => [name.toLowerCase(), lowered(columns)]));
  const triggers = readTriggers(
    found.triggers.filter(isKept('trigger')),
    (name) => columnsOfViews.get(name) ?? columnsOf(name),
  );
  return {
    tables,
    views,
    triggers: triggers.triggers,
    virtualTables,
    leftOut,
    findings: [...findings, ...triggers.findings],
  };
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
