import { canonical, fromPostgres, sameValue, ValueRefused } from '../adapter/codec.ts';
import { keyColumns } from '../adapter/spec.ts';
import type { ColumnSpec, SqlValue, StoreName, TableSpec } from '../adapter/spec.ts';
import type {
  ColumnDeclaration,
  ForeignKeyDeclaration,
  IndexDeclaration,
  TableDeclaration,
} from '../adapter/table-declaration.ts';
import type { Drift } from './drift.ts';

type Both<T> = Readonly<Record<StoreName, T>>;

/**
 * Where what the two databases declare would make them act differently, although rows go over: NOT NULL, defaults, equality
 * of text, uniqueness, foreign keys, indexes that only SQLite has. All warnings.
 */
export function declarationDrift(
  tables: readonly TableSpec[],
  declared: Both<readonly TableDeclaration[]>,
): readonly Drift[] {
  return tables.flatMap((table) => {
    const sqlite = declared.sqlite.find(({ name }) => name === table.name);
    const postgres = declared.postgres.find(({ name }) => name === table.name);
    if (sqlite === undefined || postgres === undefined) return [];
    const both = { sqlite, postgres };
    return [...columnDrift(table, both), ...indexDrift(table, both), ...foreignKeyDrift(table, both)];
  });
}

function warning(table: string, columns: readonly string[], found: string, remedy: string): Drift {
  return { table, columns, severity: 'warning', found, remedy };
}

function columnDrift(table: TableSpec, { sqlite, postgres }: Both<TableDeclaration>): Drift[] {
  const key = new Set(keyColumns(table).map(({ name }) => name));
  return table.columns.flatMap((spec) => {
    const ours = sqlite.columns.find(({ name }) => name === spec.name);
    const theirs = postgres.columns.find(({ name }) => name === spec.name);
    if (ours === undefined || theirs === undefined) return [];
    const drift: Drift[] = [];
    // A key is NOT NULL in PostgreSQL whatever it says in SQLite.
    if (ours.notNull !== theirs.notNull && !key.has(spec.name)) {
      drift.push(
        theirs.notNull
          ? warning(
              table.name,
              [spec.name],
              'is NOT NULL in PostgreSQL only: a NULL would be refused there',
              'make it the same in both databases',
            )
          : warning(
              table.name,
              [spec.name],
              'is NOT NULL in SQLite only: PostgreSQL would take a NULL',
              `${alter(table, spec)} SET NOT NULL`,
            ),
      );
    }
    if (!sameDefault(spec, ours.default, theirs.default)) {
      drift.push(
        warning(
          table.name,
          [spec.name],
          `has ${defaultText(ours.default)} in SQLite, and ${defaultText(theirs.default)} in PostgreSQL`,
          'make it the same in both databases',
        ),
      );
    }
    const isText = spec.type === 'text' || spec.type === 'character';
    if (isText && ours.equality === 'exact' && theirs.equality === 'loose') {
      drift.push(
        warning(
          table.name,
          [spec.name],
          'has a collation in PostgreSQL under which different texts are equal, and none such in SQLite',
          'make it the same in both databases: COLLATE "C" is what SQLite does',
        ),
      );
    }
    return drift;
  });
}

function alter(table: TableSpec, { name }: ColumnSpec): string {
  return `in PostgreSQL: ALTER TABLE ${quoted(table.name)} ALTER COLUMN ${quoted(name)}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function defaultText(declared: ColumnDeclaration['default']): string {
  return { none: 'no default', constant: 'a constant default', expression: 'a computed default' }[declared.kind];
}

/** Whether two defaults may be the same: constants as the column holds them; of expressions that is assumed. */
function sameDefault(
  spec: ColumnSpec,
  ours: ColumnDeclaration['default'],
  theirs: ColumnDeclaration['default'],
): boolean {
  if (ours.kind !== theirs.kind) return false;
  if (ours.kind !== 'constant' || theirs.kind !== 'constant' || ours.text === theirs.text) return true;
  try {
    const held = fromPostgres(spec, theirs.text);
    return readings(ours.text).some((value) => isHeldAs(spec, value, held));
  } catch {
    // What PostgreSQL makes of its own text is not for us to say.
    return true;
  }
}

/** What a constant may be in SQLite; which of them it is depends on the column's affinity. */
function readings(text: string): SqlValue[] {
  if (text.trim() === '' || !Number.isFinite(Number(text))) return [text];
  if (/^-?\d+$/.test(text)) return [text, BigInt(text), Number(text)];
  return Number.isSafeInteger(Number(text)) ? [text, BigInt(Number(text)), Number(text)] : [text, Number(text)];
}

function isHeldAs(spec: ColumnSpec, value: SqlValue, held: SqlValue): boolean {
  try {
    return sameValue(canonical(spec, value), held);
  } catch (error) {
    if (error instanceof ValueRefused) return false;
    throw error;
  }
}

function indexDrift(table: TableSpec, { sqlite, postgres }: Both<TableDeclaration>): Drift[] {
  const ours = new Set(sqlite.indexes.map(signature));
  const theirs = new Set(postgres.indexes.map(signature));
  const drift: Drift[] = [];
  for (const index of sqlite.indexes) {
    if (theirs.has(signature(index)) || isServed(index, postgres)) continue;
    const columns = named(index);
    drift.push(
      index.isUnique
        ? warning(
            table.name,
            columns,
            `${title(index)} is in SQLite only: PostgreSQL would take duplicates`,
            'make it in PostgreSQL',
          )
        : warning(
            table.name,
            columns,
            `${title(index)} is in SQLite only: queries that need it would be slow`,
            'make it in PostgreSQL',
          ),
    );
  }
  for (const index of postgres.indexes) {
    if (!index.isUnique || ours.has(signature(index)) || isKey(table, index)) continue;
    drift.push(
      warning(
        table.name,
        named(index),
        `${title(index)} is in PostgreSQL only: rows that SQLite takes may be refused there`,
        'make it in SQLite too, or drop it',
      ),
    );
  }
  return drift;
}

/** A plain index is not missed where a longer one begins with the same columns. */
function isServed(index: IndexDeclaration, { indexes }: TableDeclaration): boolean {
  if (index.isUnique || index.isPartial) return false;
  return indexes.some(
    (other) => !other.isPartial && index.columns.every((column, place) => other.columns[place] === column),
  );
}

/** The key itself, which SQLite may hold under a collation: an index of its own stands for that in PostgreSQL. */
function isKey(table: TableSpec, { columns, isPartial }: IndexDeclaration): boolean {
  const key = keyColumns(table).map(({ name }) => name);
  return !isPartial && columns.length === key.length && key.every((name) => columns.includes(name));
}

/** Expressions are not compared: whatever they are, they stand for each other. */
function signature({ isUnique, isPartial, columns }: IndexDeclaration): string {
  // The order of a unique index's columns makes no difference to what it refuses.
  return JSON.stringify([isUnique, isPartial, isUnique ? columns.map(String).toSorted() : columns]);
}

function named({ columns }: IndexDeclaration): string[] {
  return columns.filter((column) => column !== null);
}

function title({ name, isUnique, isPartial, columns }: IndexDeclaration): string {
  const kind = [isPartial ? 'partial' : '', isUnique ? 'unique' : '', 'index'].filter((word) => word !== '').join(' ');
  return `the ${kind} ${name} (${columns.map((column) => column ?? 'an expression').join(', ')})`;
}

function foreignKeyDrift(table: TableSpec, { sqlite, postgres }: Both<TableDeclaration>): Drift[] {
  const drift: Drift[] = [];
  for (const key of sqlite.foreignKeys) {
    const other = postgres.foreignKeys.find((candidate) => isSameReference(key, candidate));
    if (other === undefined) {
      drift.push(
        warning(
          table.name,
          key.columns,
          `the foreign key to ${key.parent} is in SQLite only`,
          'make it in PostgreSQL before the writes move',
        ),
      );
    } else if (key.onDelete !== other.onDelete || key.onUpdate !== other.onUpdate) {
      drift.push(
        warning(
          table.name,
          key.columns,
          `the foreign key to ${key.parent} is ${actions(key)} in SQLite, and ${actions(other)} in PostgreSQL`,
          'make it the same in both databases',
        ),
      );
    }
  }
  for (const key of postgres.foreignKeys) {
    if (sqlite.foreignKeys.some((candidate) => isSameReference(candidate, key))) continue;
    drift.push(
      warning(
        table.name,
        key.columns,
        `the foreign key to ${key.parent} is in PostgreSQL only`,
        'make it in SQLite too, or drop it',
      ),
    );
  }
  return drift;
}

/** SQLite need not name the parent's columns, nor any name in its own letter case. */
function isSameReference(ours: ForeignKeyDeclaration, theirs: ForeignKeyDeclaration): boolean {
  const isNamed = ours.parentColumns.length > 0;
  const text = ({ columns, parent, parentColumns }: ForeignKeyDeclaration): string => {
    const pairs = columns.map((column, index) => (isNamed ? `${column} → ${parentColumns[index]}` : column));
    return `${parent} ${pairs.toSorted((a, b) => (a < b ? -1 : 1)).join(', ')}`.toLowerCase();
  };
  return text(ours) === text(theirs);
}

function actions({ onUpdate, onDelete }: ForeignKeyDeclaration): string {
  return `ON UPDATE ${onUpdate} ON DELETE ${onDelete}`;
}
