/**
 * How long runs took, in a fixed number of counts: each stands for times up to half as long again as the one before, from
 * 0.1 ms to some 10 minutes. Two of them are added count by count.
 */
export type Latency = readonly number[];

const FIRST_SECONDS = 0.0001;
const GROWTH = 1.5;
const COUNTS = 40;

/** One run. */
export function latencyOf(seconds: number): Latency {
  const counts: number[] = Array.from({ length: COUNTS }, () => 0);
  const exact = Math.ceil(Math.log(Math.max(seconds, FIRST_SECONDS) / FIRST_SECONDS) / Math.log(GROWTH));
  counts[Math.min(exact, COUNTS - 1)] = 1;
  return counts;
}

export const NO_LATENCY: Latency = [];

export function addLatency(some: Latency, others: Latency): Latency {
  const [longer, shorter] = some.length >= others.length ? [some, others] : [others, some];
  return longer.map((count, index) => count + (shorter[index] ?? 0));
}

/** The time in seconds that this share of the runs did not exceed, at most half too long; `null` without runs. */
export function quantile(latency: Latency, share: number): number | null {
  const runs = latency.reduce((sum, count) => sum + count, 0);
  if (runs === 0) return null;
  let passed = 0;
  const index = latency.findIndex((count) => (passed += count) >= share * runs);
  return FIRST_SECONDS * GROWTH ** index;
}
