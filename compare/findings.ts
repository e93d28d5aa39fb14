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
      // Values are for those who ask for them, not for all who go on with it.
      const differences = this.differences.filter((difference) => difference.table === table.name).map(withoutValues);
      return JSON.stringify({ counts, differences, open: open.map(encodeKey) } satisfies Saved);
    };
    const note: Notebook['note'] = (difference, values) => {
      if (this.differences.length >= this.#maxDifferences) return;
      this.differences.push(this.#showsValues && values !== null ? { ...difference, values } : difference);
    };
    const forget = (keys: ReadonlySet<string | null>): void => {
      const others = this.differences.filter((one) => one.table !== table.name || !keys.has(one.encodedKey));
      this.differences.splice(0, this.differences.length, ...others);
    };
    const findings = new TableFindings({ pair, table, notebook: { note, forget, saved } });
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

/** Where a table's differences are noted, beside those of the others. */
interface Notebook {
  readonly note: (difference: Difference, values: readonly ValuesOfBoth[] | null) => void;
  /** Strikes out those with these keys. */
  readonly forget: (encodedKeys: ReadonlySet<string | null>) => void;
  readonly saved: (counts: Counts, open: readonly Key[]) => string;
}

/** What was found so far in one table. */
export class TableFindings {
  readonly name: string;
  readonly counts: Tally = { ...NOTHING };
  isComplete = false;
  readonly #pair: Pair;
  readonly #table: TableSpec;
  readonly #notebook: Notebook;
  /** A row may be suspected twice: because its range differs, and because it has changed meanwhile. */
  readonly #judged = new Set<string>();
  readonly #open: Key[] = [];
  /** How it was when {@link keep} was called last, and what has come since. */
  #kept: { readonly counts: Counts; readonly open: number } = { counts: { ...NOTHING }, open: 0 };
  #judgedSince: { readonly row: string; readonly encodedKey: string }[] = [];

  constructor({
    pair,
    table,
    notebook,
  }: {
    readonly pair: Pair;
    readonly table: TableSpec;
    readonly notebook: Notebook;
  }) {
    this.name = table.name;
    this.#pair = pair;
    this.#table = table;
    this.#notebook = notebook;
  }

  judge(sighting: Sighting, verdict: Verdict): void {
    if (verdict.is === 'same') return;
    const row = identity(this.#table, sighting.key, sighting.seenIn);
    if (this.#judged.has(row)) return;
    this.#judged.add(row);
    this.#judgedSince.push({ row, encodedKey: encodeKey(sighting.key) });
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
    this.#notebook.note(difference, verdict.is === 'differing' ? this.#values(verdict) : null);
  }

  /** All of it as text. */
  saved(): string {
    return this.#notebook.saved(this.counts, this.#open);
  }

  /** What was found so far stands. */
  keep(): void {
    this.#kept = { counts: { ...this.counts }, open: this.#open.length };
    this.#judgedSince = [];
  }

  /** Nothing of what was found since {@link keep} counts. */
  takeBack(): void {
    Object.assign(this.counts, this.#kept.counts);
    this.#open.length = this.#kept.open;
    for (const { row } of this.#judgedSince) this.#judged.delete(row);
    this.#notebook.forget(new Set(this.#judgedSince.map(({ encodedKey }) => encodedKey)));
    this.#judgedSince = [];
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
    this.#notebook.note(difference, null);
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

function withoutValues(difference: Difference): Difference {
  const { values: _, ...rest } = difference;
  return rest;
}
