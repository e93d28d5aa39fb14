/*
 * The order of the statements within a step, under unique indexes.
 *
 * Tried: every pair of an old and a new state of a table of three rows with a nullable column under a partial unique
 * index, whose predicate looks at another column. Each order of statements brings the table from the old state to the
 * new one; no state in between may hold a value twice, since a database looks after each row. For the quarantine, each
 * of the changed rows in turn is refused.
 *
 * Left out: everything around the step, which is at once (`steps.ts`), and rows that the primary does not have.
 */

/** A row: its value, and whether the index's predicate takes it in. */
interface Row {
  readonly value: 'none' | 'a' | 'b' | 'c';
  readonly isIndexed: boolean;
}

/** By key; `null` where there is no row. */
type Table = readonly (Row | null)[];

interface Statement {
  readonly key: number;
  /** `null` deletes. */
  readonly row: Row | null;
}

/** The statements of a step. */
export type StatementOrder = (change: { readonly old: Table; readonly new: Table }) => readonly Statement[];

export interface Tried {
  readonly cases: number;
  /** The first case in which the secondary would have met a value twice. */
  readonly collision: string | null;
}

const KEYS = [0, 1, 2] as const;
const ROWS: readonly (Row | null)[] = [
  null,
  // NULL is never twice, whatever the predicate says.
  { value: 'none', isIndexed: true },
  ...(['a', 'b', 'c'] as const).flatMap((value) => [
    { value, isIndexed: true },
    { value, isIndexed: false },
  ]),
];

const absent = ({ new: now }: { new: Table }, keys: readonly number[]): readonly number[] =>
  keys.filter((key) => now[key] === null);
const present = ({ new: now }: { new: Table }, keys: readonly number[]): readonly number[] =>
  keys.filter((key) => now[key] !== null);
const deleting = (keys: readonly number[]): readonly Statement[] => keys.map((key) => ({ key, row: null }));
const writing = (now: Table, keys: readonly number[]): readonly Statement[] =>
  keys.map((key) => ({ key, row: now[key] ?? null }));

/** R26, and three orders that look as good. */
export const STATEMENT_ORDERS = {
  'delete every changed row, then insert': (change) => {
    const keys = changedKeys(change.old, change.new);
    return [...deleting(keys), ...writing(change.new, present(change, keys))];
  },
  'delete the absent rows and those of which the value or the predicate changes, then upsert': (change) => {
    const keys = changedKeys(change.old, change.new);
    const moved = keys.filter((key) => change.new[key] === null || !isSameRow(change.old[key], change.new[key]));
    return [...deleting(moved), ...writing(change.new, present(change, keys))];
  },
  'upsert, then delete the absent rows': (change) => {
    const keys = changedKeys(change.old, change.new);
    return [...writing(change.new, present(change, keys)), ...deleting(absent(change, keys))];
  },
  'delete the absent rows, then upsert': (change) => {
    const keys = changedKeys(change.old, change.new);
    return [...deleting(absent(change, keys)), ...writing(change.new, present(change, keys))];
  },
  'delete the absent rows and those of which the value changes, then upsert': (change) => {
    const keys = changedKeys(change.old, change.new);
    const moved = keys.filter((key) => change.new[key] === null || change.old[key]?.value !== change.new[key]?.value);
    return [...deleting(moved), ...writing(change.new, present(change, keys))];
  },
} as const satisfies Record<string, StatementOrder>;

/** Tries an order of statements on every step. */
export function tryOrder(order: StatementOrder): Tried {
  let cases = 0;
  for (const change of everyChange()) {
    cases += 1;
    const collision = firstCollision(change.old, order(change));
    if (collision !== null) return { cases, collision: describe(change, collision) };
  }
  return { cases, collision: null };
}

/** Tries the good order on every step of which one row is refused, with its old version deleted (R28) or left there. */
export function tryQuarantine({ deletesOldRow }: { deletesOldRow: boolean }): Tried {
  let cases = 0;
  for (const change of everyChange()) {
    const keys = changedKeys(change.old, change.new);
    for (const refused of keys) {
      cases += 1;
      const others = keys.filter((key) => key !== refused);
      const gone = deletesOldRow ? keys : others;
      const statements = [...deleting(gone), ...writing(change.new, present(change, others))];
      const collision = firstCollision(change.old, statements);
      if (collision !== null) return { cases, collision: `row ${refused} refused: ${describe(change, collision)}` };
    }
  }
  return { cases, collision: null };
}

function* everyChange(): Generator<{ readonly old: Table; readonly new: Table }> {
  const tables = ROWS.flatMap((a) => ROWS.flatMap((b) => ROWS.map((c): Table => [a, b, c]))).filter(isUnique);
  for (const old of tables) for (const now of tables) yield { old, new: now };
}

/** Where the table first holds a value twice. */
function firstCollision(old: Table, statements: readonly Statement[]): Statement | null {
  const table = [...old];
  for (const statement of statements) {
    table[statement.key] = statement.row;
    if (!isUnique(table)) return statement;
  }
  return null;
}

function isUnique(table: Table): boolean {
  const values = table.flatMap((row) => (row !== null && row.isIndexed && row.value !== 'none' ? [row.value] : []));
  return new Set(values).size === values.length;
}

function changedKeys(old: Table, now: Table): readonly number[] {
  return KEYS.filter((key) => !isSameRow(old[key], now[key]));
}

function isSameRow(a: Row | null | undefined, b: Row | null | undefined): boolean {
  return a?.value === b?.value && a?.isIndexed === b?.isIndexed;
}

function describe({ old, new: now }: { old: Table; new: Table }, { key }: Statement): string {
  const text = (table: Table): string =>
    table.map((row) => (row === null ? '–' : `${row.value}${row.isIndexed ? '' : ' (not indexed)'}`)).join(', ');
  return `from (${text(old)}) to (${text(now)}), writing row ${key}`;
}
