import Database from 'better-sqlite3';
import { columnTypeFor } from '../../../adapter/codec.ts';
import { isFormOf } from '../../../adapter/codec/form.ts';
import { messageOf } from '../../../adapter/errors.ts';
import type { Finding } from '../../finding.ts';
import type { SqliteTable } from '../../sqlite/schema.ts';
import type { TypeChoice } from '../../types/choose-type.ts';
import { BlobLength, scanTable } from '../../types/table-scan.ts';
import type { ScanOptions, ScannedRow } from '../../types/table-scan.ts';
import { evaluableChecks, notEvaluated } from './checks.ts';
import type { EvaluableCheck } from './checks.ts';
import { indexedColumns, isTooLong, MAX_INDEX_ROW, sizeOf } from './index-rows.ts';
import { Tallies } from './tallies.ts';
import { valueRefusal } from './value-refusal.ts';
import type { AuditedColumn } from './value-refusal.ts';

export interface TableAuditOptions extends Omit<ScanOptions, 'sampleRows'> {
  /** How many keys a finding shows. @default 5 */
  readonly examples?: number;
}

/**
 * Looks at every value of a table once: whether its column's type can hold it, whether NULL is where no NULL may be,
 * whether CHECKs hold, whether PostgreSQL can index it, whether JavaScript's numbers round it.
 */
export async function auditTableValues(
  db: Database.Database,
  table: SqliteTable,
  types: ReadonlyMap<string, TypeChoice>,
  { examples, ...options }: TableAuditOptions = {},
): Promise<readonly Finding[]> {
  const { checks, findings } = evaluableChecks(db, table);
  try {
    return [...findings, ...(await scanned(db, table, types, checks, { examples, ...options }))];
  } catch (error) {
    // A CHECK may fail for what a row holds: json_extract() of what is no JSON.
    if (checks.length === 0 || !(error instanceof Database.SqliteError) || error.code !== 'SQLITE_ERROR') throw error;
    const failed = checks.map(({ finding }) => notEvaluated(finding.place, messageOf(error)));
    return [...findings, ...failed, ...(await scanned(db, table, types, [], { examples, ...options }))];
  }
}

async function scanned(
  db: Database.Database,
  table: SqliteTable,
  types: ReadonlyMap<string, TypeChoice>,
  checks: readonly EvaluableCheck[],
  { examples, ...options }: Omit<TableAuditOptions, 'examples'> & { readonly examples: number | undefined },
): Promise<readonly Finding[]> {
  const tallies = new Tallies(examples);
  const columns = table.columns.map((column) => auditorOf(table, column.name, types.get(column.name)));
  const indexes = indexedColumns(table);
  let bytes = 0;
  const { rows } = await scanTable(db, table, {
    ...options,
    extra: checks.map(({ violated }) => violated),
    onRow(row) {
      for (const [index, audit] of columns.entries()) {
        const value = row.values[index] ?? null;
        bytes += value instanceof BlobLength ? value.bytes : sizeOf(value);
        audit(tallies, row, index);
      }
      checks.forEach(({ finding }, index) => {
        if (row.extra[index] === 1n) tallies.add(finding, row.key);
      });
      for (const index of indexes) if (isTooLong(index, row.values)) tallies.add(tooLong(table, index), row.key);
    },
  });
  return [size(table, rows, bytes), ...tallies.findings()];
}

type ColumnAuditor = (tallies: Tallies, row: ScannedRow, index: number) => void;

function auditorOf(table: SqliteTable, name: string, choice: TypeChoice | undefined): ColumnAuditor {
  const column = table.columns.find((candidate) => candidate.name === name);
  const type = choice === undefined ? undefined : columnTypeFor(choice.type);
  if (column === undefined || choice === undefined || type === undefined) return () => undefined;
  const place = { table: table.name, column: name };
  const form = choice.form !== null && isFormOf(choice.type, choice.form) ? { form: choice.form } : {};
  const audited: AuditedColumn = {
    coding: { type, postgresType: choice.type, ...form },
    affinity: column.affinity,
  };
  const isKey = !column.isRowid && table.primaryKey.some((part) => part.column === name);
  const isNever = column.notNull || isKey;
  const nullFinding = nullIn(place, isKey);
  const beyondSafe = roundedByJavaScript(place);
  return (tallies, { values, key }, index) => {
    const value = values[index] ?? null;
    if (value === null) {
      if (isNever) tallies.add(nullFinding, key);
      return;
    }
    if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value))) tallies.add(beyondSafe, key);
    // The content of a blob is not read: all blobs are alike to `bytea`, and no other type but uuid takes any.
    const known = value instanceof BlobLength ? Buffer.alloc(Math.min(value.bytes, 17)) : value;
    const refusal = valueRefusal(audited, known);
    if (refusal === null) return;
    tallies.add(
      {
        severity: 'rejection',
        code: refusal.code,
        place,
        message: `${choice.type} cannot hold ${refusal.what}`,
        remedy: 'mend the rows with UPDATE, or set another type for the column in the configuration',
      },
      key,
    );
  };
}

function nullIn(place: Finding['place'], isKey: boolean): Finding {
  return isKey
    ? {
        severity: 'rejection',
        code: 'null-in-key',
        place,
        message: 'NULL in a primary key: SQLite takes it, PostgreSQL does not, and such a row cannot be named',
        remedy: 'give the rows a value, or delete them',
      }
    : {
        severity: 'rejection',
        code: 'null-in-not-null',
        place,
        message: 'NULL in a column that is declared NOT NULL',
        remedy: 'give the rows a value with UPDATE',
      };
}

function roundedByJavaScript(place: Finding['place']): Finding {
  return {
    severity: 'warning',
    code: 'integer-beyond-javascript',
    place,
    message: 'integers past 2^53, which are rounded by an API that reads them as numbers',
    remedy: 'see that the API reads them as text or BigInt (better-sqlite3: safeIntegers)',
  };
}

function tooLong(table: SqliteTable, { name, index }: ReturnType<typeof indexedColumns>[number]): Finding {
  return {
    severity: 'warning',
    code: 'index-row-too-long',
    place: { table: table.name, ...(index === undefined ? {} : { index }) },
    message: `entries of ${name} are longer than the ${MAX_INDEX_ROW} bytes that a B-tree takes, unless PostgreSQL can compress them`,
    remedy: 'shorten the values, or index a hash of them',
  };
}

function size(table: SqliteTable, rows: number, bytes: number): Finding {
  return {
    severity: 'note',
    code: 'table-size',
    place: { table: table.name },
    message: `${rows} rows with ${bytes} bytes of values`,
    count: rows,
  };
}
