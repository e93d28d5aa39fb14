import type { Config } from './config.ts';
import { messageOf } from './errors.ts';
import type { CrossfadeError } from './errors.ts';
import type { FillPhase, FillRecord, FillRecords, TableSize } from './fill-records.ts';
import { isComplete } from './mirror-course.ts';
import type { Course } from './mirror-course.ts';
import type { Pace, PieceCopied } from './pace.ts';
import { PieceSize } from './piece-size.ts';
import type { TableSpec } from './spec.ts';
import { stepOutdated } from './store.ts';
import type { StepRequest } from './store.ts';

/** What the Fill needs of its surroundings. */
export interface FillOptions {
  readonly records: FillRecords;
  readonly pace: Pace;
  /** Counts the rows of these tables of SQLite without holding the event loop. */
  readonly sizes: (tables: readonly TableSpec[], signal: AbortSignal) => Promise<Readonly<Record<string, TableSize>>>;
  readonly config: Pick<Config, 'backfillRows' | 'indexesAsideFromRows' | 'logger'>;
}

const BEAT_EVERY_MS = 1_000;

/**
 * What goes with a backfill beside copying rows: it comes before the first piece, between the pieces, and after the
 * last one. Run by the Mirror of the process that holds the lease.
 *
 * Before: indexes of large, empty tables are set aside, and the tables put in order. Between: the {@link Pace}, and a
 * word to PostgreSQL about once a second, which tells other processes how fast it goes, and this one whether it is
 * paused or limited. After: the indexes are made again, one between two steps of the Mirror; then, beside its steps,
 * sequences, statistics, and foreign keys.
 *
 * What is to be done stands in PostgreSQL, and each part is one transaction or may be done twice. So whoever takes over
 * goes on where the last one was killed.
 */
export class Fill {
  readonly #options: FillOptions;
  readonly #pieces: PieceSize;
  /** The course it has prepared; after any error there is another one. */
  #prepared: Course | null = null;
  #order: readonly TableSpec[] = [];
  #sizes: Readonly<Record<string, TableSize>> | null = null;
  #counting: Promise<void> | null = null;
  #lastBeatAt = -Infinity;
  #beating: Promise<void> | null = null;
  #busyWith: string | null = null;
  #finished: Course | null = null;
  #concluding: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;
  readonly #stopping = new AbortController();
  #record: FillRecord | null = null;

  constructor(options: FillOptions) {
    this.#options = options;
    this.#pieces = new PieceSize(options.config.backfillRows);
  }

  /** Ends what is under way; the next process goes on with it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#options.pace.stop();
    await this.#options.records.close();
    await Promise.allSettled([this.#concluding, this.#counting, this.#beating]);
  }

  /**
   * To be called before each step while rows are to be copied, with no step under way when the course is a new one.
   */
  async prepare(course: Course): Promise<void> {
    const { pace } = this.#options;
    if (this.#prepared === course) this.#beatWhenDue();
    else {
      this.#finished = null;
      this.#order = course.tables;
      pace.start();
      warmUp(course);
      if (course.secondary.name === 'postgres') await this.#preparePostgres(course);
      this.#prepared = course;
    }
    // How many bytes a piece has is told by its rows, and how long those are is found out as they are counted.
    if (pace.isLimitedInBytes) await this.#counting;
  }

  /** Whether a piece is to be copied, now or later. */
  isOpen(course: Course): boolean {
    return isOpen(course);
  }

  /** Whether nothing is left to be done of what comes after the last row, or nothing can be yet. */
  isFinished(course: Course): boolean {
    return this.#finished === course || course.secondary.name !== 'postgres' || !isComplete(course);
  }

  /** The next piece, or `null` when there is none, or none yet: see {@link pauseMs}. */
  nextPiece(course: Course): StepRequest['piece'] {
    const { pace } = this.#options;
    if (pace.pauseMs > 0) return null;
    const open = new Set(course.cursors.filter((cursor) => !cursor.isDone).map((cursor) => cursor.table));
    const order = this.#prepared === course ? this.#order : course.tables;
    const table = order.find(({ name }) => open.has(name));
    if (table === undefined) return null;
    const { rows, bytes } = this.#pieces.of(table.name);
    return { table, rows: pace.rows(rows), bytes };
  }

  /** Whether a piece may be read while the one before it is on its way: nothing holds the backfill back. */
  get isUnhindered(): boolean {
    return this.#options.pace.isUnhindered;
  }

  /** How long to wait for the next piece, in ms; `Infinity` when there is none, or it is paused. */
  pauseMs(course: Course): number {
    return isOpen(course) ? this.#options.pace.pauseMs : Infinity;
  }

  /** Notes a piece that has arrived. `bytes` when they are known. */
  copied({
    table,
    rows,
    bytes,
    changes = 0,
    ms,
  }: Omit<PieceCopied, 'bytes'> & { table: string; bytes?: number }): void {
    this.#pieces.note({ table, rows, ms });
    const about = rows * (this.#sizes?.[table]?.bytesPerRow ?? 0);
    this.#options.pace.copied({ rows, bytes: bytes ?? about, changes, ms });
  }

  /**
   * To be called after a step, when every row is copied: does a part of what comes after. Resolves to whether another part
   * is to be done at once, after the next step. `alone` resolves when no step is under way.
   */
  async finish(course: Course, { alone }: { alone: () => Promise<void> }): Promise<'again' | 'nothing'> {
    if (this.isFinished(course)) return 'nothing';
    if (this.#concluding !== null) {
      this.#beatWhenDue();
      return 'nothing';
    }
    const { records, pace } = this.#options;
    this.#throwFailure();
    const record = await records.read();
    this.#record = record;
    if (record === null || record.phase === 'done') {
      this.#finished = course;
      pace.stop();
      return 'nothing';
    }
    if (record.phase === 'copying') {
      if (!(await records.advance('copying', 'indexes'))) throw outdated();
      return 'again';
    }
    if (record.phase === 'indexes') {
      if (record.indexesAside.length > 0) await alone();
      return await this.#nextIndex(course, record);
    }
    this.#concluding = this.#conclude(course, record.phase)
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#concluding = null;
      });
    return 'nothing';
  }

  /** What is known of it here beside the cursors; `null` before anything is, or where it is not run. */
  get record(): FillRecord | null {
    const record = this.#record;
    if (record === null) return null;
    const { pace } = this.#options;
    return { ...record, isPaused: pace.isPaused, sizes: this.#sizes ?? {}, report: pace.report(this.#busyWith) };
  }

  // ── Before ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #preparePostgres(course: Course): Promise<void> {
    const { records } = this.#options;
    const record = await records.begin();
    this.#record = record;
    this.#sizes = isEmpty(record.sizes) ? null : record.sizes;
    this.#count(course.tables);
    this.#order = await records.order(course.tables);
    const fresh = new Set(course.cursors.filter(isFresh).map((cursor) => cursor.table));
    // A table that is copied once more for the sake of its indexes has them from the beginning.
    for (const ofTable of record.keeps.filter((name) => fresh.has(name))) await records.makeAllIndexes({ ofTable });
    await this.#setIndexesAside(course.tables.filter(({ name }) => fresh.has(name)));
    await this.#beat();
  }

  async #setIndexesAside(tables: readonly TableSpec[]): Promise<void> {
    if (tables.length === 0) return;
    const { records, config } = this.#options;
    const concerned = await records.withIndexesToSetAside(tables);
    if (concerned.length === 0) return;
    // It would cost small tables more than it saves.
    await this.#counting;
    for (const table of concerned) {
      if ((this.#sizes?.[table.name]?.rows ?? 0) >= config.indexesAsideFromRows) await records.setIndexesAside(table);
    }
  }

  /** Has the rows counted, beside everything that does not depend on it. */
  #count(tables: readonly TableSpec[]): void {
    if (this.#sizes !== null && tables.every(({ name }) => this.#sizes?.[name] !== undefined)) return;
    this.#counting ??= this.#learnSizes(tables).finally(() => {
      this.#counting = null;
    });
  }

  async #learnSizes(tables: readonly TableSpec[]): Promise<void> {
    const { sizes, records, config } = this.#options;
    try {
      const found = await sizes(tables, this.#stopping.signal);
      await records.rememberSizes(found);
      this.#sizes = found;
    } catch (error) {
      // A backfill can do without; it only cannot say how long it will take.
      if (!this.#stopping.signal.aborted) config.logger.warn(`crossfade: ${messageOf(error)}`);
    }
  }

  // ── Between ───────────────────────────────────────────────────────────────────────────────────────────────────

  #beatWhenDue(): void {
    if (this.#beating !== null || performance.now() - this.#lastBeatAt < BEAT_EVERY_MS) return;
    // Beside the steps, which must not wait for it. What ails PostgreSQL, they meet themselves.
    this.#beating = this.#beat()
      .catch(() => {})
      .finally(() => {
        this.#beating = null;
      });
  }

  async #beat(): Promise<void> {
    this.#lastBeatAt = performance.now();
    const { records, pace } = this.#options;
    const beat = await records.beat(pace.report(this.#busyWith));
    pace.limits = beat;
    pace.isPaused = beat.isPaused;
    pace.adjust(beat);
  }

  // ── After ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #nextIndex(course: Course, record: FillRecord): Promise<'again' | 'nothing'> {
    const { records, config } = this.#options;
    const [index] = record.indexesAside;
    if (index === undefined) {
      await records.advance('indexes', 'sequences');
      return 'again';
    }
    this.#busyWith = index;
    await this.#beat();
    const made = await records.makeNextIndex();
    this.#busyWith = null;
    if (made.outcome !== 'refused') return 'again';
    config.logger.warn(
      `crossfade: table "${made.table}" is copied once more, since a row does not fit into its index "${made.name}" (${made.reason})`,
    );
    const table = course.tables.find(({ name }) => name === made.table);
    if (table !== undefined) await records.refill(table);
    throw outdated();
  }

  /** What stops neither reads nor writes, beside the Mirror's steps. */
  async #conclude(course: Course, from: FillPhase): Promise<void> {
    const { records } = this.#options;
    const { tables, primary } = course;
    let phase = from;
    const next = async (to: FillPhase): Promise<boolean> => {
      const isOn = !this.#stopping.signal.aborted && (await records.advance(phase, to));
      phase = to;
      return isOn;
    };
    if (phase === 'sequences') {
      await records.setSequences(tables, await primary.sequences());
      if (!(await next('analyzing'))) return;
    }
    if (phase === 'analyzing') {
      await records.analyze(tables, (table) => {
        this.#busyWith = table;
      });
      this.#busyWith = null;
      if (!(await next('validating'))) return;
    }
    if (phase === 'validating') {
      await records.validate(tables);
      await next('done');
    }
  }

  #throwFailure(): void {
    if (this.#failure === null) return;
    const { error } = this.#failure;
    this.#failure = null;
    throw error;
  }
}

/** The Mirror reads again where the backfill stands. */
function outdated(): CrossfadeError {
  return stepOutdated('postgres', 'has rows to be copied again');
}

function isOpen({ cursors }: Course): boolean {
  return cursors.some((cursor) => !cursor.isDone);
}

/** What a piece needs is opened on both sides while everything else is prepared. */
function warmUp({ primary, secondary, tables, cursors }: Course): void {
  const open = new Set(cursors.filter(({ isDone }) => !isDone).map(({ table }) => table));
  const toBeCopied = tables.filter(({ name }) => open.has(name));
  for (const store of [primary, secondary]) store.warmUp(toBeCopied);
}

function isFresh({ after, isDone, rowsCopied }: Course['cursors'][number]): boolean {
  return after === null && !isDone && rowsCopied === 0;
}

function isEmpty(record: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(record).length === 0;
}
