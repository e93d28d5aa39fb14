/** To what a column of SQLite's converts the values that it stores. */
export type Affinity = 'INTEGER' | 'NUMERIC' | 'REAL' | 'TEXT' | 'BLOB';

/** The affinity of a declared type: https://sqlite.org/datatype3.html#determination_of_column_affinity */
export function affinity(declared: string): Affinity {
  if (/INT/i.test(declared)) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/i.test(declared)) return 'TEXT';
  if (/BLOB/i.test(declared) || declared === '') return 'BLOB';
  return /REAL|FLOA|DOUB/i.test(declared) ? 'REAL' : 'NUMERIC';
}

/** SQLite makes no integer of the doubles at the ends of its range. */
const LAST_CONVERTED = 2n ** 63n - 1n;

/**
 * Whether a column makes of one number the other: the same number, as an integer or as a real. SQLite's `INTEGER` and
 * `NUMERIC` make integers of reals, its `REAL` makes reals of integers, and a column without an affinity leaves both.
 */
export function makesOf(
  declared: string,
  { given, stored }: { given: number | bigint; stored: number | bigint },
): boolean {
  const kind = affinity(declared);
  if (typeof given === 'number' && typeof stored === 'bigint') {
    return (kind === 'INTEGER' || kind === 'NUMERIC') && stored > -LAST_CONVERTED && stored < LAST_CONVERTED;
  }
  if (typeof given === 'bigint' && typeof stored === 'number') return kind === 'REAL';
  return true;
}
