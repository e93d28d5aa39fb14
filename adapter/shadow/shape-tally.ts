import type { StoreName } from '../spec.ts';
import type { Difference } from './compare-answers.ts';
import { addLatency, latencyOf, NO_LATENCY } from './latency.ts';
import type { Latency } from './latency.ts';
import { RESULTS } from './observation.ts';
import type { Observation, ShadowResult } from './observation.ts';

/**
 * What is known of the runs of one query shape. JSON as it stands; holds no value of anybody's unless values were asked
 * for. `sql` and `count` come first: `crossfade audit --statements` reads a file of these.
 */
export interface ShapeTally {
  readonly sql: string;
  /** Shadow reads of this shape that ended. */
  readonly count: number;
  readonly id: string;
  readonly tables: readonly string[];
  readonly results: Readonly<Record<ShadowResult, number>>;
  /** Why reads were inconclusive, and how many each. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What the other store refused it with. */
  readonly errors: Readonly<Record<string, { readonly count: number; readonly message: string }>>;
  readonly latency: Readonly<Record<StoreName, Latency>>;
  /** ISO 8601, UTC. */
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** When it last was a mismatch or an error; `null` for never. */
  readonly lastTrouble: string | null;
  /** The last mismatch. */
  readonly example: MismatchExample | null;
}

export interface MismatchExample extends Difference {
  readonly at: string;
  readonly control: StoreName;
  readonly candidate: StoreName;
}

/** How many codes of errors are kept for a shape. */
const ERROR_CODES = 10;

/** The tally of a single observation. */
export function tallyOf(observation: Observation): ShapeTally {
  const { shape, at, result, control, candidate, reason, difference, error } = observation;
  const time = at.toISOString();
  const latency = { sqlite: NO_LATENCY, postgres: NO_LATENCY, [control.store]: latencyOf(control.seconds) };
  if (candidate.seconds !== undefined) {
    latency[candidate.store] = addLatency(latency[candidate.store], latencyOf(candidate.seconds));
  }
  const isTrouble = result === 'mismatch' || result === 'error';
  return {
    sql: shape.sql,
    count: 1,
    id: shape.id,
    tables: shape.tables,
    results: { ...NO_RESULTS, [result]: 1 },
    reasons: reason === undefined ? {} : { [reason]: 1 },
    errors: error === undefined ? {} : { [error.code]: { count: 1, message: error.message } },
    latency,
    firstSeen: time,
    lastSeen: time,
    lastTrouble: isTrouble ? time : null,
    example:
      result === 'mismatch' && difference !== undefined
        ? { ...difference, at: time, control: control.store, candidate: candidate.store }
        : null,
  };
}

const NO_RESULTS = { match: 0, mismatch: 0, ignored: 0, inconclusive: 0, error: 0 } satisfies ShapeTally['results'];

/** Two tallies of the same shape as one, whatever their order. */
export function mergeTallies(some: ShapeTally, others: ShapeTally): ShapeTally {
  const [older, newer] = some.lastSeen <= others.lastSeen ? [some, others] : [others, some];
  const results = { ...NO_RESULTS };
  for (const result of RESULTS) results[result] = some.results[result] + others.results[result];
  return {
    sql: newer.sql,
    count: some.count + others.count,
    id: newer.id,
    tables: newer.tables,
    results,
    reasons: addCounts(some.reasons, others.reasons),
    errors: addErrors(older.errors, newer.errors),
    latency: {
      sqlite: addLatency(some.latency.sqlite, others.latency.sqlite),
      postgres: addLatency(some.latency.postgres, others.latency.postgres),
    },
    firstSeen: some.firstSeen < others.firstSeen ? some.firstSeen : others.firstSeen,
    lastSeen: newer.lastSeen,
    lastTrouble: latest(some.lastTrouble, others.lastTrouble),
    example: (older.example?.at ?? '') > (newer.example?.at ?? '') ? older.example : (newer.example ?? older.example),
  };
}

function addCounts(some: Readonly<Record<string, number>>, others: Readonly<Record<string, number>>) {
  const sum: Record<string, number> = { ...some };
  for (const [name, count] of Object.entries(others)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function addErrors(older: ShapeTally['errors'], newer: ShapeTally['errors']): ShapeTally['errors'] {
  const sum: Record<string, { count: number; message: string }> = { ...older };
  for (const [code, { count, message }] of Object.entries(newer)) {
    sum[code] = { count: (sum[code]?.count ?? 0) + count, message };
  }
  const most = Object.entries(sum).toSorted(([, a], [, b]) => b.count - a.count);
  return Object.fromEntries(most.slice(0, ERROR_CODES));
}

function latest(some: string | null, other: string | null): string | null {
  return some !== null && (other === null || some > other) ? some : other;
}
