import type Database from 'better-sqlite3';
import { Unholdable } from '../../adapter/codec/unholdable.ts';
import type { SqliteColumn, SqliteSchema, SqliteTable } from '../sqlite/schema.ts';
import type { TableCensus } from './column-census.ts';
import { ColumnTally } from './column-tally.ts';
import { readDeclaredType } from './declared-type.ts';
import type { ColumnOverride } from './override.ts';
import { BlobLength, scanTable } from './table-scan.ts';
import type { ScanOptions } from './table-scan.ts';

export interface CensusOptions extends ScanOptions {
  /** How many keys are kept of each kind of value. @default 5 */
  readonly examples?: number;
  /** What the user decided about columns of this table, by name: their precision and JSON are looked at, too. */
  readonly overrides?: ReadonlyMap<string, ColumnOverride> | undefined;
}

/**
 * Counts what each column of a table really holds, in one pass and constant memory. The connection must not be written
 * to meanwhile. With `sampleRows` a large table is looked at in places: good enough to choose a type, never to say that
 * all data fits it.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function takeCensus(
  db: Database.Database,
  table: SqliteTable,
  { examples = 5, overrides = new Map(), ...options }: CensusOptions = {},
): Promise<TableCensus> {
  const tallies = table.columns.map((column) => tallyFor(column, overrides.get(column.name), examples));
  const { rows, isComplete } = await scanTable(db, table, {
    ...options,
    onRow({ values, key }) {
      for (const [index, tally] of tallies.entries()) {
        const value = values[index];
        if (typeof value === 'string') tally.seeText(value, key);
        else if (typeof value === 'bigint') tally.seeInteger(value, key);
        else if (typeof value === 'number') tally.seeReal(value, key);
        else if (value === null || value === undefined) tally.seeNull(key);
        else if (value instanceof BlobLength) tally.seeBlob(value.bytes, key);
        else if (value instanceof Unholdable) tally.seeInvalidText(bytesOf(value), key);
        else tally.seeBlob(value.length, key);
      }
    },
  });
  const columns = table.columns.flatMap(({ name }, index) => {
    const tally = tallies[index];
    return tally === undefined ? [] : [[name, tally.result()] as const];
  });
  return { table: table.name, rows, isComplete, columns: new Map(columns) };
}

/** The censuses of all tables, by name. */
export async function takeCensuses(
  db: Database.Database,
  schema: SqliteSchema,
  {
    overrides = new Map(),
    ...options
  }: Omit<CensusOptions, 'overrides'> & {
    readonly overrides?: ReadonlyMap<string, ReadonlyMap<string, ColumnOverride>>;
  } = {},
): Promise<ReadonlyMap<string, TableCensus>> {
  const censuses = new Map<string, TableCensus>();
  for (const table of schema.tables) {
    censuses.set(table.name, await takeCensus(db, table, { ...options, overrides: overrides.get(table.name) }));
  }
  return censuses;
}

function tallyFor(column: SqliteColumn, override: ColumnOverride | undefined, examples: number): ColumnTally {
  const declared = readDeclaredType(override?.type ?? column.declaredType);
  const { precision, scale } = declared;
  const isDecimal = declared.kind === 'decimal' && precision !== null && scale !== null;
  return new ColumnTally({
    examples,
    decimals: isDecimal ? { precision, scale } : null,
    isJson: declared.kind === 'json',
  });
}

function bytesOf({ original }: Unholdable): Uint8Array {
  return typeof original === 'string' ? Buffer.from(original) : original;
}
