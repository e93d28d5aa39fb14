import type Database from 'better-sqlite3';
import { formatKey } from '../../../adapter/spec.ts';
import type { SqlValue } from '../../../adapter/spec.ts';
import { quote } from '../../../adapter/sqlite/sql.ts';
import type { Finding } from '../../finding.ts';
import type { SqliteForeignKey, SqliteSchema, SqliteTable } from '../../sqlite/schema.ts';
import { EXAMPLES } from './tallies.ts';

/**
 * Rows without the parent that their foreign key names (SQLite enforces foreign keys only on connections that ask for
 * it), and rows whose parent is another one to PostgreSQL, since it tells upper from lower case.
 */
export function* auditForeignKeys(
  db: Database.Database,
  schema: SqliteSchema,
  table: SqliteTable,
  examples: number = EXAMPLES,
): Generator<Finding> {
  for (const foreignKey of table.foreignKeys) {
    const parent = schema.tables.find(({ name }) => name.toLowerCase() === foreignKey.parent.toLowerCase());
    const place: Finding['place'] = {
      table: table.name,
      ...(foreignKey.columns.length === 1 ? { column: foreignKey.columns[0] ?? '' } : {}),
      ...(foreignKey.name === null ? {} : { constraint: foreignKey.name }),
    };
    if (parent === undefined) {
      yield parentMissing(place, foreignKey);
      continue;
    }
    if (!isKeyOf(parent, foreignKey)) {
      yield parentNoKey(place, foreignKey);
      continue;
    }
    const pairs = pairsOf(table, parent, foreignKey);
    if (pairs === undefined) continue;
    const orphans = childrenWithout(db, { table, parent, pairs, compare: 'as SQLite', examples });
    if (orphans.count > 0) yield orphaned(place, foreignKey, orphans);
    if (pairs.every(({ collation }) => collation === 'BINARY')) continue;
    const strangers = childrenWithout(db, { table, parent, pairs, compare: 'exactly', examples });
    if (strangers.count > orphans.count) {
      const keys = strangers.keys.filter((key) => !orphans.keys.includes(key));
      yield differing(place, foreignKey, { count: strangers.count - orphans.count, keys });
    }
  }
}

interface Pair {
  readonly child: string;
  readonly parent: string;
  /** How SQLite compares the two: as the parent's column does. */
  readonly collation: string;
}

function pairsOf(
  table: SqliteTable,
  parent: SqliteTable,
  { columns, parentColumns }: SqliteForeignKey,
): readonly Pair[] | undefined {
  const pairs = columns.flatMap((name, index): readonly Pair[] => {
    const child = columnOf(table, name);
    const above = columnOf(parent, parentColumns[index]);
    return child && above ? [{ child: child.name, parent: above.name, collation: above.collation }] : [];
  });
  return pairs.length === columns.length && pairs.length > 0 ? pairs : undefined;
}

function columnOf(table: SqliteTable, name: string | undefined): SqliteTable['columns'][number] | undefined {
  return table.columns.find((column) => column.name.toLowerCase() === name?.toLowerCase());
}

interface Question {
  readonly table: SqliteTable;
  readonly parent: SqliteTable;
  readonly pairs: readonly Pair[];
  readonly compare: 'as SQLite' | 'exactly';
  readonly examples: number;
}

interface Rows {
  readonly count: number;
  readonly keys: readonly string[];
}

/**
 * The rows whose parent is not there; a NULL in the key refers to none. The comparison is the foreign key's own: with the
 * affinity and the collation of the parent's column (https://sqlite.org/foreignkeys.html#fk_composite).
 */
function childrenWithout(db: Database.Database, { table, parent, pairs, compare, examples }: Question): Rows {
  const refers = pairs.map(({ child }) => `child.${quote(child)} IS NOT NULL`);
  const same = pairs.flatMap((pair) => {
    // The plus takes the child's own affinity away, so that the parent's decides, and its index can be used.
    const equal = `parent.${quote(pair.parent)} = +child.${quote(pair.child)}`;
    return compare === 'exactly' ? [equal, `${equal} COLLATE BINARY`] : [equal];
  });
  const rest =
    `FROM ${quote(table.name)} AS child WHERE ${refers.join(' AND ')} ` +
    `AND NOT EXISTS (SELECT 1 FROM ${quote(parent.name)} AS parent WHERE ${same.join(' AND ')})`;
  const count = Number(db.prepare(`SELECT count(*) ${rest}`).pluck().get());
  if (count === 0) return { count, keys: [] };
  const key = keyColumnsOf(table).map((name) => `child.${name}`);
  const rows = db
    .prepare(`SELECT ${key.join(', ')} ${rest} LIMIT ?`)
    .raw()
    .safeIntegers()
    .all(examples) as SqlValue[][];
  return { count, keys: rows.map((row) => formatKey(row)) };
}

/** What a row is named by in a report, quoted: its primary key, else its rowid. */
export function keyColumnsOf(table: SqliteTable): readonly string[] {
  const key = table.primaryKey.flatMap(({ column }) => (column === null ? [] : [quote(column)]));
  return key.length > 0 ? key : ['rowid'];
}

/** PostgreSQL asks for a unique constraint or index over just the parent's columns; SQLite finds out when it writes. */
function isKeyOf(parent: SqliteTable, { parentColumns }: SqliteForeignKey): boolean {
  const wanted = parentColumns.map((name) => name.toLowerCase()).toSorted();
  const keys = [
    parent.primaryKey,
    ...parent.uniques.map(({ parts }) => parts),
    ...parent.indexes.filter(({ unique, where }) => unique && where === null).map(({ parts }) => parts),
  ];
  return keys.some((parts) => {
    const names = parts.map(({ column }) => column?.toLowerCase() ?? '').toSorted();
    return names.length > 0 && names.length === wanted.length && names.every((name, index) => name === wanted[index]);
  });
}

function described({ columns, parent, parentColumns }: SqliteForeignKey): string {
  return `(${columns.join(', ')}) → "${parent}" (${parentColumns.join(', ')})`;
}

function parentMissing(place: Finding['place'], foreignKey: SqliteForeignKey): Finding {
  return {
    severity: 'rejection',
    code: 'foreign-key-without-parent',
    place,
    message: `the foreign key ${described(foreignKey)} names a table that is not there`,
    remedy: 'create the parent, or rebuild the table without the foreign key',
  };
}

function parentNoKey(place: Finding['place'], foreignKey: SqliteForeignKey): Finding {
  return {
    severity: 'rejection',
    code: 'foreign-key-without-unique',
    place,
    message: `the foreign key ${described(foreignKey)} names columns that no primary key or unique index is made of`,
    remedy: "create a unique index over the parent's columns",
  };
}

function orphaned(place: Finding['place'], foreignKey: SqliteForeignKey, { count, keys }: Rows): Finding {
  return {
    severity: 'warning',
    code: 'orphans',
    place,
    message: `rows whose parent by the foreign key ${described(foreignKey)} is not there`,
    remedy:
      'delete the rows, set their reference to NULL, or restore the parents; until then the foreign key stays NOT VALID',
    count,
    keys,
  };
}

function differing(place: Finding['place'], foreignKey: SqliteForeignKey, { count, keys }: Rows): Finding {
  return {
    severity: 'warning',
    code: 'foreign-key-differs-in-case',
    place,
    message: `rows that find their parent by the foreign key ${described(foreignKey)} only since SQLite compares its column under another collation; PostgreSQL compares foreign keys byte by byte`,
    remedy: 'write the reference as the parent writes its key, with UPDATE',
    count,
    keys,
  };
}
