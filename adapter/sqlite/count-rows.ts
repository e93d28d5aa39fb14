import Database from 'better-sqlite3';
import type { TableSize } from '../fill-records.ts';
import { quote } from './sql.ts';

/** The tables of a file whose sizes are asked for. */
export interface SizesQuestion {
  readonly path: string;
  readonly tables: readonly { readonly name: string; readonly columns: readonly string[] }[];
}

/** So many rows tell how long one is. */
const SAMPLE_ROWS = 500;

/** Counts the rows of these tables on a connection of its own, which reads every page of the smallest index of each. */
export function countRows({ path, tables }: SizesQuestion): Readonly<Record<string, TableSize>> {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
  try {
    return Object.fromEntries(tables.map((table) => [table.name, sizeOf(db, table)]));
  } finally {
    db.close();
  }
}

function sizeOf(db: Database.Database, { name, columns }: SizesQuestion['tables'][number]): TableSize {
  // Each table is a read transaction of its own, so that none holds back the log for longer than it must.
  const rows = Number(
    db
      .prepare(`SELECT count(*) FROM ${quote(name)}`)
      .pluck()
      .get(),
  );
  const lengths = columns.map(
    (column) => `CASE typeof(${quote(column)}) WHEN 'null' THEN 0 WHEN 'text' THEN octet_length(${quote(column)})
      WHEN 'blob' THEN length(${quote(column)}) ELSE 8 END`,
  );
  const bytes = db
    .prepare(`SELECT avg(bytes) FROM (SELECT ${lengths.join(' + ')} AS bytes FROM ${quote(name)} LIMIT ${SAMPLE_ROWS})`)
    .pluck()
    .get();
  return { rows, bytesPerRow: typeof bytes === 'number' ? bytes : 0 };
}
