import { columnTypeFor } from '../adapter/codec.ts';
import { messageOf } from '../adapter/errors.ts';
import { keyColumns } from '../adapter/spec.ts';
import type { ColumnSpec, StoreName, TableShape, TableSpec } from '../adapter/spec.ts';
import type { Store, StoreState } from '../adapter/store.ts';
import { declarationDrift } from './declaration-drift.ts';

/** A place where the two schemas, or what the Mirror knows of them, are not alike. */
export interface Drift {
  readonly table: string;
  /** The columns that it is about; empty when it is the whole table. */
  readonly columns: readonly string[];
  /** `mismatch`: mirroring cannot go on with it, or rows would be lost. `warning`: the databases will act differently. */
  readonly severity: 'mismatch' | 'warning';
  /** What was found. */
  readonly found: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** What {@link schemaDrift} looks at. */
export interface DriftContext {
  /** The tables as they were when they were installed. */
  readonly tables: readonly TableSpec[];
  readonly stores: Readonly<Record<StoreName, Store>>;
}

const TITLES: Readonly<Record<StoreName, string>> = { sqlite: 'SQLite', postgres: 'PostgreSQL' };
const AGAIN = 'then: crossfade backfill --reconcile';

/**
 * How the two schemas differ, from each other and from what is mirrored. Types that fit each other are no drift, however
 * differently they are called; nor is what only makes PostgreSQL faster, or what cannot be told.
 *
 * Looked at: tables, columns, types, keys, generated columns and the capture triggers (mismatches); NOT NULL, defaults,
 * uniqueness, equality of text, foreign keys and indexes (warnings).
 */
export async function schemaDrift({ tables, stores }: DriftContext): Promise<readonly Drift[]> {
  const [sqlite, postgres] = await Promise.all([stores.sqlite.describe(), stores.postgres.describe()]);
  const shapes = { sqlite: byName(sqlite), postgres: byName(postgres) };
  const found = tables.flatMap((table) => tableDrift(table, shapes));
  // A table whose columns have changed has lost its capture with them.
  const changed = new Set(found.filter(({ severity }) => severity === 'mismatch').map(({ table }) => table));
  const drift = [
    ...found,
    ...unmirrored(tables, shapes),
    ...(await captureDrift(
      tables.filter(({ name }) => !changed.has(name)),
      stores,
    )),
  ];
  const broken = new Set(drift.filter(({ columns }) => columns.length === 0).map(({ table }) => table));
  const whole = tables.filter(({ name }) => !broken.has(name));
  const names = whole.map(({ name }) => name);
  const [ours, theirs] = await Promise.all([stores.sqlite.declarations(names), stores.postgres.declarations(names)]);
  return [...drift, ...declarationDrift(whole, { sqlite: ours, postgres: theirs })];
}

type Shapes = Readonly<Record<StoreName, ReadonlyMap<string, TableShape>>>;

function byName(shapes: readonly TableShape[]): ReadonlyMap<string, TableShape> {
  return new Map(shapes.map((shape) => [shape.name, shape]));
}

function mismatch(table: string, columns: readonly string[], found: string, remedy: string): Drift {
  return { table, columns, severity: 'mismatch', found, remedy };
}

function tableDrift(table: TableSpec, shapes: Shapes): Drift[] {
  const { name } = table;
  const sqlite = shapes.sqlite.get(name);
  const postgres = shapes.postgres.get(name);
  if (sqlite === undefined || postgres === undefined) {
    const lacks = sqlite === undefined ? 'sqlite' : 'postgres';
    return [mismatch(name, [], `is not in ${TITLES[lacks]} any more`, `make it there again, ${AGAIN}`)];
  }
  const drift: Drift[] = [];
  if (postgres.hasParts === true) {
    drift.push(
      mismatch(name, [], 'has partitions or inheriting tables in PostgreSQL', `make it an ordinary table, ${AGAIN}`),
    );
  }
  const key = keyColumns(table).map((column) => column.name);
  for (const [store, shape] of [['sqlite', sqlite] as const, ['postgres', postgres] as const]) {
    if (sameSet(shape.key, key)) continue;
    const found = `its key in ${TITLES[store]} is (${shape.key.join(', ')}), and (${key.join(', ')}) is mirrored`;
    drift.push(mismatch(name, key, found, `give it the same key in both databases, ${AGAIN}`));
  }
  return [...drift, ...columnDrift(table, { sqlite, postgres })];
}

function columnDrift(table: TableSpec, shapes: Readonly<Record<StoreName, TableShape>>): Drift[] {
  const { name } = table;
  const mirrored = new Map(table.columns.map((column) => [column.name, column]));
  const names = new Set([...mirrored.keys(), ...stored(shapes.sqlite), ...stored(shapes.postgres)]);
  return [...names].flatMap((column) => {
    const spec = mirrored.get(column);
    const sqlite = shapes.sqlite.columns.find((one) => one.name === column);
    const postgres = shapes.postgres.columns.find((one) => one.name === column);
    if (sqlite === undefined || postgres === undefined) {
      const lacks: StoreName = sqlite === undefined ? 'sqlite' : 'postgres';
      const has: StoreName = lacks === 'sqlite' ? 'postgres' : 'sqlite';
      if (sqlite === undefined && postgres === undefined) {
        return [
          mismatch(
            name,
            [column],
            'is in neither database any more, and is mirrored',
            'crossfade backfill --reconcile',
          ),
        ];
      }
      return [
        mismatch(
          name,
          [column],
          `is in ${TITLES[has]} but not in ${TITLES[lacks]}`,
          `add the column in ${TITLES[lacks]}, or drop it in ${TITLES[has]}; ${AGAIN}`,
        ),
      ];
    }
    if (sqlite.generated !== postgres.generated) {
      const by = sqlite.generated ? 'SQLite' : 'PostgreSQL';
      return [mismatch(name, [column], `is generated in ${by} only`, `make it the same in both databases, ${AGAIN}`)];
    }
    if (spec === undefined) {
      return sqlite.generated
        ? []
        : [
            mismatch(
              name,
              [column],
              'was added after the install, and is not mirrored',
              'crossfade backfill --reconcile',
            ),
          ];
    }
    return typeDrift(name, spec, postgres.type);
  });
}

function stored(shape: TableShape): string[] {
  return shape.columns.filter((column) => !column.generated).map((column) => column.name);
}

const INTEGERS: readonly string[] = ['smallint', 'integer', 'bigint'];

function typeDrift(table: string, spec: ColumnSpec, now: string): Drift[] {
  if (now === spec.postgresType) return [];
  const type = columnTypeFor(now);
  const was = `was ${spec.postgresType} in PostgreSQL when it was installed, and is ${now}`;
  if (type === undefined) {
    return [
      mismatch(
        table,
        [spec.name],
        `${was}, which cannot carry SQLite's values`,
        `give it its type back, or text; ${AGAIN}`,
      ),
    ];
  }
  const isReadAlike = type === spec.type || (INTEGERS.includes(type) && INTEGERS.includes(spec.type));
  const remedy = 'crossfade install takes the new type over; see that every value fits it';
  return [{ table, columns: [spec.name], severity: isReadAlike ? 'warning' : 'mismatch', found: was, remedy }];
}

/** Knex's own bookkeeping: each database keeps its own. */
const KNEX_TABLES = /^knex_migrations(_lock)?$/;

/** A table that is left out on purpose cannot be told from one that was made later, so this is no more than a warning. */
function unmirrored(tables: readonly TableSpec[], shapes: Shapes): Drift[] {
  const mirrored = new Set(tables.map(({ name }) => name));
  return [...shapes.sqlite.keys()]
    .filter((name) => !mirrored.has(name) && !KNEX_TABLES.test(name))
    .map((name) => ({
      table: name,
      columns: [],
      severity: 'warning',
      found: `is in ${shapes.postgres.has(name) ? 'both databases' : 'SQLite only'}, and is not mirrored`,
      remedy: `if it was not left out on purpose: ${shapes.postgres.has(name) ? '' : 'make it in PostgreSQL, then '}crossfade backfill --reconcile`,
    }));
}

/** A trigger that is gone means changes that nobody has recorded. */
async function captureDrift(tables: readonly TableSpec[], stores: DriftContext['stores']): Promise<Drift[]> {
  const states = await Promise.all([stores.sqlite.state(), stores.postgres.state()]);
  const primary = primaryOf(states, stores);
  const drift: Drift[] = [];
  for (const table of primary === undefined ? [] : tables) {
    try {
      await primary?.verifyCapture([table]);
    } catch (error) {
      const remedy = 'make the same schema change in both databases, then: crossfade backfill --reconcile';
      drift.push(
        mismatch(table.name, [], messageOf(error).replace(/^the Mirror stopped at table "[^"]*" of /, ''), remedy),
      );
    }
  }
  return drift;
}

/** The store whose changes are captured now; while it is being switched they are not looked at. */
function primaryOf(
  [sqlite, postgres]: readonly (StoreState | undefined)[],
  stores: DriftContext['stores'],
): Store | undefined {
  const isPrimary = (state: StoreState | undefined): boolean =>
    state?.role === 'primary' && state.intent === null && state.captureId !== null;
  if (isPrimary(sqlite)) return stores.sqlite;
  return isPrimary(postgres) ? stores.postgres : undefined;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
