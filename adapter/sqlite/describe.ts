import type Database from 'better-sqlite3';
import type { Collation, ColumnShape, TableShape } from '../spec.ts';
import { generatedExpressions } from './generated-expressions.ts';
import { indexExpressions } from './index-expressions.ts';
import { keyNames, literal, quote } from './sql.ts';
import type { UniqueIndex } from './sql.ts';

/** What `hidden` says of a generated column whose values are stored (https://sqlite.org/pragma.html#pragma_table_xinfo). */
const STORED = 3n;

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly notnull: bigint;
  readonly dflt_value: string | null;
  readonly pk: bigint;
  readonly hidden: bigint;
}

interface IndexInfo {
  readonly name: string;
  readonly unique: bigint;
  readonly origin: 'c' | 'u' | 'pk';
  readonly partial: bigint;
}

interface IndexColumn {
  readonly cid: bigint;
  readonly name: string | null;
  readonly coll: string;
  readonly key: bigint;
}

interface UniqueColumns {
  readonly name: string;
  readonly origin: IndexInfo['origin'];
  readonly isPartial: boolean;
  readonly columns: readonly IndexColumn[];
}

/** Every table of the main database that holds rows of the user's: no views, virtual or shadow tables. */
export function describeTables(db: Database.Database): readonly TableShape[] {
  const names = db
    .prepare(
      `SELECT name, (SELECT sql FROM sqlite_master m WHERE m.type = 'table' AND m.name = l.name) AS sql
       FROM pragma_table_list l
       WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_crossfade\\_%' ESCAPE '\\'
       ORDER BY name`,
    )
    .all() as { name: string; sql: string | null }[];
  return names.map(({ name, sql }) => describeTable(db, name, /\bAUTOINCREMENT\b/i.test(sql ?? '')));
}

function describeTable(db: Database.Database, name: string, autoIncrement: boolean): TableShape {
  const info = columnsOf(db, name);
  const uniques = uniquesOf(db, name);
  const primary = info.filter((column) => column.pk > 0n).sort((a, b) => Number(a.pk - b.pk));
  const notNull = new Set(info.filter((column) => column.notnull === 1n).map((column) => column.name));
  const natural = uniques.find(
    (unique) => !unique.isPartial && unique.columns.every((column) => column.name !== null && notNull.has(column.name)),
  );
  const key =
    primary.length > 0 ? primary.map((column) => column.name) : (natural?.columns.map((c) => c.name ?? '') ?? []);
  const collations = new Map<string, Collation>();
  const keyIndex = uniques.find((unique) => sameNames(unique.columns, key));
  for (const column of keyIndex?.columns ?? []) collations.set(column.name ?? '', knownCollation(column.coll));
  return {
    name,
    autoIncrement,
    key,
    columns: info.map((column): ColumnShape => ({
      name: column.name,
      type: column.type,
      collation: collations.get(column.name) ?? 'BINARY',
      notNull: column.notnull === 1n,
      generated: column.hidden !== 0n,
      sequence: null,
    })),
  };
}

/**
 * The unique indexes through which REPLACE may remove a row with another key: all but the key's own, unless the key
 * is compared under a collation in which two different keys are the same.
 */
export function replacingIndexes(db: Database.Database, table: string, key: readonly string[]): readonly UniqueIndex[] {
  const columns = columnsOf(db, table);
  const generated = columns.some(({ hidden }) => hidden === STORED)
    ? generatedExpressions(tableSql(db, table))
    : new Map<string, string>();
  const newValue = (name: string, without: readonly string[] = []): string => {
    const declared = columns.find((column) => column.name === name);
    // Before an update SQLite has not computed a stored one yet, and shows NULL, in virtual ones that build on it too.
    const expression = generated.get(name.toLowerCase());
    if (expression !== undefined) return newResult(expression, [...without, name]);
    const substitute = declared?.notnull === 1n ? defaultText(declared.dflt_value) : null;
    return substitute === null ? `NEW.${quote(name)}` : `coalesce(NEW.${quote(name)}, ${substitute})`;
  };
  const newResult = (expression: string, without: readonly string[] = []): string => {
    const isUsed = ({ name, hidden }: ColumnInfo): boolean =>
      hidden === 0n || (!without.includes(name) && expression.toLowerCase().includes(name.toLowerCase()));
    const used = columns.filter(isUsed).map(({ name }) => `${newValue(name, without)} AS ${quote(name)}`);
    return `(SELECT ${expression} FROM (SELECT ${used.join(', ')}))`;
  };
  // An update never names a generated column; which of its inputs it does name is for SQLite to say.
  const stored = new Set<string | null>(columns.filter(({ hidden }) => hidden === 0n).map(({ name }) => name));
  return uniquesOf(db, table)
    .filter((unique) => !sameNames(unique.columns, key) || unique.columns.some((column) => column.coll !== 'BINARY'))
    .map((unique) => {
      const expressions = unique.columns.some((column) => column.name === null)
        ? indexExpressions(indexSql(db, unique.name))
        : [];
      return {
        parts: unique.columns.map(({ name, coll }, index) => {
          const expression = expressions[index] ?? '';
          return name === null
            ? { ofRow: `(${expression})`, ofNew: newResult(expression), collation: coll }
            : { ofRow: quote(name), ofNew: newValue(name), collation: coll };
        }),
        columns:
          !unique.isPartial && unique.columns.every(({ name }) => stored.has(name))
            ? unique.columns.map(({ name }) => name ?? '')
            : null,
      };
    });
}

function tableSql(db: Database.Database, table: string): string {
  return db.prepare(`SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?`).pluck().get(table) as string;
}

function indexSql(db: Database.Database, index: string): string {
  return db.prepare(`SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?`).pluck().get(index) as string;
}

/** `DEFAULT "x"` and `DEFAULT x` are text to CREATE TABLE; within a trigger they would name a column. */
function defaultText(sql: string | null): string | null {
  if (sql === null) return null;
  const quoted = /^"((?:[^"]|"")*)"$/.exec(sql)?.[1];
  if (quoted !== undefined) return literal(quoted.replaceAll('""', '"'));
  return /^[a-z_]\w*$/i.test(sql) && !/^(null|true|false|current_(time|date|timestamp))$/i.test(sql)
    ? literal(sql)
    : sql;
}

function columnsOf(db: Database.Database, table: string): readonly ColumnInfo[] {
  return db.prepare(`SELECT * FROM pragma_table_xinfo(${literal(table)}) WHERE hidden <> 1`).all() as ColumnInfo[];
}

function uniquesOf(db: Database.Database, table: string): readonly UniqueColumns[] {
  const indexes = db
    .prepare(`SELECT * FROM pragma_index_list(${literal(table)}) WHERE "unique" = 1`)
    .all() as IndexInfo[];
  return indexes.map((index) => ({
    name: index.name,
    origin: index.origin,
    isPartial: index.partial === 1n,
    columns: (db.prepare(`SELECT * FROM pragma_index_xinfo(${literal(index.name)})`).all() as IndexColumn[]).filter(
      (column) => column.key === 1n,
    ),
  }));
}

function sameNames(columns: readonly IndexColumn[], names: readonly string[]): boolean {
  return (
    columns.length === names.length && columns.every((column) => column.name !== null && names.includes(column.name))
  );
}

function knownCollation(name: string): Collation {
  return name === 'NOCASE' || name === 'RTRIM' ? name : 'BINARY';
}

/** How many key columns the changelog has, for the widest key seen so far. */
export function changelogWidth(db: Database.Database): number {
  const names = new Set(
    (db.prepare(`SELECT name FROM pragma_table_info('_crossfade_changes')`).all() as { name: string }[]).map(
      (c) => c.name,
    ),
  );
  let width = 0;
  while (names.has(`k${width + 1}`)) width += 1;
  return width;
}

/** Adds key columns to the changelog until it is as wide as the widest key. */
export function widenChangelog(db: Database.Database, width: number): void {
  for (const name of keyNames(width).slice(changelogWidth(db)))
    db.exec(`ALTER TABLE _crossfade_changes ADD COLUMN ${quote(name)}`);
}
