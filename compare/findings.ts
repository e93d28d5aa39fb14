import { decodeKey, encodeKey, formatKey } from '../adapter/spec.ts';
import type { Key, SqlValue, TableSpec } from '../adapter/spec.ts';
import type { Pair, Sighting } from './pair.ts';
import type { Counts, Difference, TableReport, ValuesOfBoth } from './report.ts';
import { identity } from './rows.ts';
import type { Verdict } from './verdict.ts';

type Tally = { -readonly [field in keyof Counts]: Counts[field] };

const NOTHING: Counts = {
  rowsCompared: 0,
  missing: 0,
  extra: 0,
  differing: 0,
  inconclusive: 0,
  quarantined: 0,
  sequencesBehind: 0,
  ranges: 0,
  rangesNarrowed: 0,
};

/** As it is written down for other processes. */
interface Saved {
  readonly counts: Counts;
  readonly differences: readonly Difference[];
  readonly open: readonly string[];
}

/** What was found so far in all tables. */
export class Findings {
  readonly tables: TableFindings[] = [];
  readonly differences: Difference[] = [];
  readonly #maxDifferences: number;
  readonly #showsValues: boolean;

  constructor({ maxDifferences = 100, showValues = false }: { maxDifferences?: number; showValues?: boolean }) {
    this.#maxDifferences = maxDifferences;
    this.#showsValues = showValues;
  }

  /** What another process has found in a table, as {@link TableFindings.saved} gave it. */
  merge(name: string, saved: string): void {
    const { counts, differences, open } = JSON.parse(saved) as Saved;
    const table = this.tables.find((findings) => findings.name === name);
    table?.add(counts, open.map(decodeKey));
    for (const difference of differences) {
      const isKnown = this.differences.some(
        ({ table: other, encodedKey }) => other === name && encodedKey === difference.encodedKey,
      );
      if (!isKnown && this.differences.length < this.#maxDifferences) this.differences.push(difference);
    }
  }

  /** Begins with a table. */
  of(pair: Pair, table: TableSpec): TableFindings {
    const saved = (counts: Counts, open: readonly Key[]): string => {
      const differences = this.differences.filter((difference) => difference.table === table.name);
      return JSON.stringify({ counts, differences, open: open.map(encodeKey) } satisfies Saved);
    };
    const findings = new TableFindings({ pair, table, saved }, (difference, values) => {
      if (this.differences.length >= this.#maxDifferences) return;
      this.differences.push(this.#showsValues && values !== null ? { ...difference, values } : difference);
    });
    this.tables.push(findings);
    return findings;
  }

  totals(): Counts {
    const totals: Tally = { ...NOTHING };
    for (const { counts } of this.tables) {
      for (const field of Object.keys(NOTHING) as (keyof Counts)[]) totals[field] += counts[field];
    }
    return totals;
  }

  reports(): readonly TableReport[] {
    return this.tables.map(({ name, counts, isComplete }) => ({ table: name, ...counts, isComplete }));
  }
}

const MAX_OPEN = 10_000;

/** What was found so far in one table. */
export class TableFindings {
  readonly name: string;
  readonly counts: Tally = { ...NOTHING };
  isComplete = false;
  readonly #pair: Pair;
  readonly #table: TableSpec;
  readonly #note: (difference: Difference, values: readonly ValuesOfBoth[] | null) => void;
  readonly #saved: (counts: Counts, open: readonly Key[]) => string;
  /** A row may be suspected twice: because its range differs, and because it has changed meanwhile. */
  readonly #judged = new Set<string>();
  readonly #open: Key[] = [];

  constructor(
    {
      pair,
      table,
      saved,
    }: {
      readonly pair: Pair;
      readonly table: TableSpec;
      readonly saved: (counts: Counts, open: readonly Key[]) => string;
    },
    note: (difference: Difference, values: readonly ValuesOfBoth[] | null) => void,
  ) {
    this.name = table.name;
    this.#pair = pair;
    this.#table = table;
    this.#note = note;
    this.#saved = saved;
  }

  judge(sighting: Sighting, verdict: Verdict): void {
    if (verdict.is === 'same') return;
    const row = identity(this.#table, sighting.key, sighting.seenIn);
    if (this.#judged.has(row)) return;
    this.#judged.add(row);
    if (this.#open.length <= MAX_OPEN) this.#open.push(sighting.key);
    switch (verdict.is) {
      case 'unsettled':
        this.counts.inconclusive += 1;
        return;
      case 'quarantined':
        this.counts.quarantined += 1;
        return;
      case 'extra':
      case 'missing':
      case 'differing':
        this.counts[verdict.is] += 1;
        break;
      default: {
        const never: never = verdict;
        throw new TypeError(`no such verdict: ${String(never)}`);
      }
    }
    const difference: Difference = {
      table: this.name,
      key: formatKey(sighting.key),
      encodedKey: encodeKey(sighting.key),
      class: verdict.is,
      columns: verdict.is === 'differing' ? verdict.columns : [],
      firstSeenAt: sighting.seenAt.toISOString(),
    };
    this.#note(difference, verdict.is === 'differing' ? this.#values(verdict) : null);
  }

  /** All of it as text. */
  saved(): string {
    return this.#saved(this.counts, this.#open);
  }

  add(counts: Counts, open: readonly Key[]): void {
    for (const field of Object.keys(NOTHING) as (keyof Counts)[]) this.counts[field] += counts[field];
    for (const key of open) if (this.#open.length <= MAX_OPEN) this.#open.push(key);
  }

  /** Keys of the rows that were not found to be the same; `null` when there are too many to look at them one by one. */
  get open(): readonly Key[] | null {
    return this.#open.length > MAX_OPEN ? null : this.#open;
  }

  sequenceBehind(column: string): void {
    this.counts.sequencesBehind += 1;
    const difference: Difference = {
      table: this.name,
      key: null,
      encodedKey: null,
      class: 'sequence behind',
      columns: [column],
      firstSeenAt: new Date().toISOString(),
    };
    this.#note(difference, null);
  }

  #values({ columns, ours, theirs }: Extract<Verdict, { is: 'differing' }>): readonly ValuesOfBoth[] {
    const { sqlite, postgres } = this.#pair.bySide(ours, theirs);
    return columns.map((column) => {
      const position = this.#table.columns.findIndex(({ name }) => name === column);
      return { column, sqlite: readable(sqlite[position]), postgres: readable(postgres[position]) };
    });
  }
}

function readable(value: SqlValue | undefined): string {
  return formatKey([value ?? null]).slice(1, -1);
}
