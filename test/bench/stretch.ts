import type { Api } from './api.ts';
import { LoopWatch } from './loop-delays.ts';
import { quantile } from './measure.ts';
import type { OpenLoop } from './open-loop.ts';

/** What callers and the API's event loop saw in one stretch of time. */
export interface Stretch {
  readonly seconds: number;
  readonly requests: number;
  readonly failures: number;
  readonly medianMs: number;
  readonly medianWriteMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How late the API's event loop was. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  /** How late that of the process was that sends the requests: what of the figures is not the API's. */
  readonly senderP99Ms: number;
}

/** Sends requests until `until` is aborted, and looks on. */
export async function measureStretch({
  api,
  load,
  until,
}: {
  api: Api;
  load: OpenLoop;
  until: AbortSignal;
}): Promise<Stretch> {
  const own = new LoopWatch();
  api.resetDelays();
  const startedAt = performance.now();
  const { latencies, failures, firstFailure } = await load.run(until);
  const seconds = (performance.now() - startedAt) / 1000;
  const loop = await api.delays();
  own.stop();
  if (firstFailure !== null) process.stderr.write(`${failures} requests failed: ${firstFailure}\n`);
  const all = latencies.map(({ ms }) => ms);
  return {
    seconds,
    requests: all.length,
    failures,
    medianMs: quantile(all, 0.5),
    medianWriteMs: quantile(
      latencies.flatMap(({ kind, ms }) => (kind === 'write' ? [ms] : [])),
      0.5,
    ),
    p99Ms: quantile(all, 0.99),
    maxMs: quantile(all, 1),
    loopP99Ms: loop.p99Ms,
    loopMaxMs: loop.maxMs,
    senderP99Ms: own.delays.p99Ms,
  };
}

/** Field by field, but all the failures. */
export function medianOf(stretches: readonly Stretch[]): Stretch {
  const of = (field: keyof Stretch): number =>
    quantile(
      stretches.map((each) => each[field]),
      0.5,
    );
  return {
    seconds: of('seconds'),
    requests: of('requests'),
    failures: stretches.reduce((sum, { failures }) => sum + failures, 0),
    medianMs: of('medianMs'),
    medianWriteMs: of('medianWriteMs'),
    p99Ms: of('p99Ms'),
    maxMs: of('maxMs'),
    loopP99Ms: of('loopP99Ms'),
    loopMaxMs: of('loopMaxMs'),
    senderP99Ms: of('senderP99Ms'),
  };
}

const HEADINGS = [
  '',
  'seconds',
  'requests',
  'failed',
  'median',
  'of writes',
  'p99',
  'max',
  'loop p99',
  'loop max',
  'sender p99',
];

/** The stretches as lines of a table, by name. */
export function stretchLines(stretches: Readonly<Record<string, Stretch>>): readonly string[] {
  return [HEADINGS, ...Object.entries(stretches).map(([name, stretch]) => cells(name, stretch))].map((values) =>
    values
      .map((value, index) => (index === 0 ? value.padEnd(8) : value.padStart(11)))
      .join('')
      .trimEnd(),
  );
}

function cells(name: string, stretch: Stretch): readonly string[] {
  return [
    name,
    stretch.seconds.toFixed(1),
    stretch.requests.toFixed(0),
    stretch.failures.toFixed(0),
    ...[stretch.medianMs, stretch.medianWriteMs, stretch.p99Ms, stretch.maxMs].map(inMs),
    ...[stretch.loopP99Ms, stretch.loopMaxMs, stretch.senderP99Ms].map(inMs),
  ];
}

function inMs(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}
