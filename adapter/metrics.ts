import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { FILL_PHASES, SLOWED_BY } from './fill-records.ts';
import type { StoreName } from './spec.ts';
import { STAGE_NAMES } from './stage.ts';
import type { Stage } from './stage.ts';
import type { BackfillStatus } from './status.ts';
import type { StepApplied } from './store.ts';
import { RESULTS } from './shadow/observation.ts';
import type { Observation } from './shadow/observation.ts';
import { DROPS } from './shadow/try-read.ts';
import type { Drop } from './shadow/try-read.ts';

const STORES = ['sqlite', 'postgres'] as const satisfies readonly StoreName[];
const BREAKER_STATES = ['closed', 'half-open', 'open'] as const;

/** What gauges show when they are scraped. Read at that moment, so that they never go stale. */
export interface Gauges {
  readonly stage: () => Stage;
  readonly epoch: () => number;
  readonly lagSeconds: () => number;
  readonly isMirrorRunning: () => boolean;
  readonly quarantined: () => number | null;
  readonly backfill: () => BackfillStatus | null;
  readonly breaker: () => (typeof BREAKER_STATES)[number];
  readonly shadowReads: () => number;
}

/** Every metric of Crossfade: its name, its help, its labels. Labels come from closed sets; never a key, never SQL. */
export class Metrics {
  readonly registry: Registry;
  readonly #queries: Histogram<'store' | 'kind'>;
  readonly #queryErrors: Counter<'store' | 'kind'>;
  readonly #steps: Histogram<'to'>;
  readonly #changes: Counter<'to'>;
  readonly #rows: Counter<'to' | 'operation'>;
  readonly #mirrorErrors: Counter<'kind'>;
  readonly #waits: Histogram<'outcome'>;
  readonly #fallbacks: Counter;
  readonly #fenced: Counter<'store'>;
  readonly #switches: Counter<'to' | 'outcome'>;
  readonly #pause: Histogram<'to'>;
  readonly #changelog: Gauge<'store'>;
  readonly #shadowReads: Counter<'result'>;
  readonly #shadowDrops: Counter<'reason'>;
  readonly #shadowTimes: Histogram<'store' | 'role'>;

  /** Registers everything in `registry`, or in a new one. */
  constructor(registry: Registry = new Registry()) {
    this.registry = registry;
    const registers = [registry];
    const fast = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
    this.#queries = new Histogram({
      name: 'crossfade_query_duration_seconds',
      help: 'Time the application waited for a query, by the store that answered. Writes include waiting for the Mirror.',
      labelNames: ['store', 'kind'],
      buckets: fast,
      registers,
    });
    this.#queryErrors = new Counter({
      name: 'crossfade_query_errors_total',
      help: 'Queries of the application that failed, by the store that ran them.',
      labelNames: ['store', 'kind'],
      registers,
    });
    this.#steps = new Histogram({
      name: 'crossfade_mirror_step_duration_seconds',
      help: 'Time of a Mirror step: snapshot, reading and applying.',
      labelNames: ['to'],
      buckets: fast,
      registers,
    });
    this.#changes = new Counter({
      name: 'crossfade_mirror_changes_total',
      help: 'Changelog entries that the Mirror has passed.',
      labelNames: ['to'],
      registers,
    });
    this.#rows = new Counter({
      name: 'crossfade_mirror_rows_total',
      help: 'Rows that the Mirror has written to the secondary.',
      labelNames: ['to', 'operation'],
      registers,
    });
    this.#mirrorErrors = new Counter({
      name: 'crossfade_mirror_errors_total',
      help: 'Mirror steps that failed: retried by itself, or fatal.',
      labelNames: ['kind'],
      registers,
    });
    this.#waits = new Histogram({
      name: 'crossfade_write_wait_seconds',
      help: 'Time writes waited for the Mirror, by whether it passed them within the limit.',
      labelNames: ['outcome'],
      buckets: fast,
      registers,
    });
    this.#fallbacks = new Counter({
      name: 'crossfade_read_fallbacks_total',
      help: 'Reads that SQLite answered because PostgreSQL could not be reached.',
      registers,
    });
    this.#fenced = new Counter({
      name: 'crossfade_fenced_writes_total',
      help: 'Writes of this process that met a fence, by the store that refused them.',
      labelNames: ['store'],
      registers,
    });
    this.#switches = new Counter({
      name: 'crossfade_write_switches_total',
      help: 'Write switches that this process made, by outcome.',
      labelNames: ['to', 'outcome'],
      registers,
    });
    this.#pause = new Histogram({
      name: 'crossfade_write_pause_seconds',
      help: 'How long a write switch held the writes of this process.',
      labelNames: ['to'],
      buckets: fast,
      registers,
    });
    this.#changelog = new Gauge({
      name: 'crossfade_changelog_bytes',
      help: 'About how much the changelog takes in the primary, looked at every few seconds.',
      labelNames: ['store'],
      registers,
    });
    this.#shadowReads = new Counter({
      name: 'crossfade_shadow_reads_total',
      help: 'Reads that were tried on the other store after they had been answered, by what that showed.',
      labelNames: ['result'],
      registers,
    });
    this.#shadowDrops = new Counter({
      name: 'crossfade_shadow_reads_dropped_total',
      help: 'Reads that were sampled and not tried, by the reason.',
      labelNames: ['reason'],
      registers,
    });
    this.#shadowTimes = new Histogram({
      name: 'crossfade_shadow_read_duration_seconds',
      help: 'Time of the reads that were tried: as their callers waited for the control, and as the candidate took.',
      labelNames: ['store', 'role'],
      buckets: fast,
      registers,
    });
  }

  /** Adds the gauges that show the state of the moment. */
  show(gauges: Gauges): void {
    const registers = [this.registry];
    new Gauge({
      name: 'crossfade_stage',
      help: 'The recorded stage: 1 for the one that holds.',
      labelNames: ['stage'],
      registers,
      collect() {
        for (const stage of STAGE_NAMES) this.set({ stage }, stage === gauges.stage() ? 1 : 0);
      },
    });
    const simple = (name: string, help: string, value: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    };
    simple('crossfade_epoch', 'Number of the write switch in force.', gauges.epoch);
    simple(
      'crossfade_mirror_lag_seconds',
      'Age of the oldest change seen that the secondary does not hold.',
      gauges.lagSeconds,
    );
    simple('crossfade_mirror_running', 'Whether this process runs the Mirror.', () => Number(gauges.isMirrorRunning()));
    simple('crossfade_shadow_reads_in_flight', 'Shadow reads that wait or run.', gauges.shadowReads);
    simple('crossfade_quarantined_rows', 'Rows that the secondary could not hold.', () => gauges.quarantined() ?? 0);
    this.#showBackfill(gauges);
    new Gauge({
      name: 'crossfade_breaker_state',
      help: 'State of the circuit breaker around the PostgreSQL pool: 1 for the one that holds.',
      labelNames: ['state'],
      registers,
      collect() {
        for (const state of BREAKER_STATES) this.set({ state }, state === gauges.breaker() ? 1 : 0);
      },
    });
    for (const store of STORES) this.#fenced.inc({ store }, 0);
    for (const result of RESULTS) this.#shadowReads.inc({ result }, 0);
    for (const reason of DROPS) this.#shadowDrops.inc({ reason }, 0);
  }

  #showBackfill({ backfill }: Gauges): void {
    const registers = [this.registry];
    const numbers = [
      ['rows', 'Rows that the backfill has copied so far.', (now) => now.rowsCopied],
      ['expected_rows', 'About how many rows there are to copy; 0 before they are counted.', (now) => now.rowsExpected],
      ['rows_per_second', 'How fast the backfill copies now.', (now) => now.rowsPerSecond],
      ['bytes_per_second', 'About how many bytes of values the backfill copies a second.', (now) => now.bytesPerSecond],
      ['paused', 'Whether a person has paused the backfill.', (now) => Number(now.isPaused)],
      [
        'indexes_aside',
        'Indexes that are to be made again when the rows are copied.',
        (now) => now.indexesAside.length,
      ],
      [
        'broken_foreign_keys',
        'Foreign keys that did not hold after the backfill.',
        (now) => now.brokenForeignKeys.length,
      ],
    ] satisfies [string, string, (now: BackfillStatus) => number | null][];
    for (const [name, help, value] of numbers) {
      new Gauge({
        name: `crossfade_backfill_${name}`,
        help,
        registers,
        collect() {
          const now = backfill();
          this.set((now === null ? null : value(now)) ?? 0);
        },
      });
    }
    const oneOf = <T extends string>(
      { name, help, label, values }: { name: string; help: string; label: string; values: readonly T[] },
      holds: (now: BackfillStatus) => T,
    ): void => {
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          const now = backfill();
          for (const each of values) this.set({ [label]: each }, now !== null && holds(now) === each ? 1 : 0);
        },
      });
    };
    oneOf(
      {
        name: 'crossfade_backfill_phase',
        help: 'What the backfill is at: 1 for the phase that holds.',
        label: 'phase',
        values: FILL_PHASES,
      },
      ({ phase }) => phase,
    );
    oneOf(
      {
        name: 'crossfade_backfill_slowed',
        help: 'What holds the backfill back: 1 for the reason that holds.',
        label: 'reason',
        values: SLOWED_BY,
      },
      ({ slowedBy }) => slowedBy,
    );
  }

  query(event: { store: StoreName; kind: 'read' | 'write'; seconds: number; failed: boolean }): void {
    const { store, kind } = event;
    this.#queries.observe({ store, kind }, event.seconds);
    if (event.failed) this.#queryErrors.inc({ store, kind });
  }

  step(event: { to: StoreName; changes: number; seconds: number }): void {
    this.#steps.observe({ to: event.to }, event.seconds);
    this.#changes.inc({ to: event.to }, event.changes);
  }

  applied(event: StepApplied & { to: StoreName }): void {
    this.#rows.inc({ to: event.to, operation: 'upsert' }, event.upserted);
    this.#rows.inc({ to: event.to, operation: 'delete' }, event.deleted);
  }

  mirrorError(kind: 'retried' | 'fatal'): void {
    this.#mirrorErrors.inc({ kind });
  }

  wait(event: { outcome: 'mirrored' | 'limit'; seconds: number }): void {
    this.#waits.observe({ outcome: event.outcome }, event.seconds);
  }

  fallback(): void {
    this.#fallbacks.inc();
  }

  fenced(store: StoreName): void {
    this.#fenced.inc({ store });
  }

  switched(event: { to: StoreName; outcome: 'done' | 'cancelled' | 'failed'; pauseSeconds: number }): void {
    this.#switches.inc({ to: event.to, outcome: event.outcome });
    if (event.outcome === 'done') this.#pause.observe({ to: event.to }, event.pauseSeconds);
  }

  changelog({ store, bytes }: { store: StoreName; bytes: number }): void {
    this.#changelog.set({ store }, bytes);
  }

  shadowRead({ result, control, candidate }: Pick<Observation, 'result' | 'control' | 'candidate'>): void {
    this.#shadowReads.inc({ result });
    this.#shadowTimes.observe({ store: control.store, role: 'control' }, control.seconds);
    if (candidate.seconds !== undefined) {
      this.#shadowTimes.observe({ store: candidate.store, role: 'candidate' }, candidate.seconds);
    }
  }

  shadowDropped(reason: Drop): void {
    this.#shadowDrops.inc({ reason });
  }
}
