import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import { PostgresStore } from '../adapter/postgres/store.ts';
import { SqliteStore } from '../adapter/sqlite/store.ts';
import type { Stage, StoreName } from '../adapter/index.ts';
import type { Store, StoreState } from '../adapter/store.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import { Random } from './helpers/random.ts';
import { Writers } from './helpers/writers.ts';

const OPTIONS = { leaseMs: 400 };

const PROBE_PAUSE_MS = 30;
/** Rows for a backfill that is to be killed before it ends. */
const ROWS = 6_000;
/** The rounds in each test; CROSSFADE_ROUNDS asks for more. */
const ROUNDS = Number(process.env['CROSSFADE_ROUNDS'] ?? 4);

for (const stage of ['dual', 'read', 'write'] as const) {
  test.serial(
    `Everything acknowledged by processes that were killed in stage ${stage} is in both databases`,
    async (t) => {
      const random = seeded(t);
      const pair = await makePair(t);
      const first = await pair.open(OPTIONS);
      await goTo(first, stage);
      await first.close();

      const writers = new Writers(t, pair, { lanes: 4 });
      for (let round = 0; round < ROUNDS; round += 1) {
        const writer = await writers.start();
        await writer.writes(random.between(1, 120));
        await writer.kill();
      }
      await assertAllThere(t, pair, writers);
    },
  );
}

test.serial(
  'A backfill that was killed again and again ends with every row and every acknowledged write',
  async (t) => {
    const random = seeded(t);
    const pair = await makePair(t);
    fill(pair, ROWS);
    const first = await pair.open({ ...OPTIONS, mirror: 'off' });
    await first.cutover.step('dual');
    await first.close();

    const writers = new Writers(t, pair, {
      lanes: 2,
      options: { backfillRows: 10 },
    });
    let copiedBefore = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const writer = await writers.start();
      await writer.writes(random.between(1, 60));
      await until('the backfill has gone on', async () => {
        const now = await copied(pair.postgres);
        return now > copiedBefore || now >= ROWS;
      });
      await writer.kill();
      copiedBefore = await copied(pair.postgres);
      if (round === 0) t.true(copiedBefore < ROWS, 'the backfill was over before the process was killed');
    }
    const last = await pair.open(OPTIONS);
    t.true((await last.backfill()).isDone);
    await last.close();
    await assertAllThere(t, pair, writers);
  },
);

test.serial('A process that slept while another took the Mirror over does no harm when it wakes up', async (t) => {
  const random = seeded(t);
  const pair = await makePair(t);
  const other = await pair.open(OPTIONS);
  await goTo(other, 'dual');
  await other.close();

  // What they write while nobody counts it is only more to mirror and to compare.
  const writers = new Writers(t, pair, { lanes: 3, pauseMs: 5 });
  const [one, two] = [await writers.start(), await writers.start()];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [sleeper, awake] = round % 2 === 0 ? [one, two] : [two, one];
    await sleeper.writes(random.between(1, 40));
    sleeper.pause();
    const holder = await leaseHolder(pair.postgres);
    // A sleeper may hold SQLite's write lock, or that of PostgreSQL's state row: then the other one cannot go on.
    const deadline = performance.now() + 1_000;
    await until('the Mirror is taken over', async () => {
      return performance.now() > deadline || (await leaseHolder(pair.postgres)) !== holder;
    });
    sleeper.goOn();
    await awake.writes(5);
  }
  await one.kill();
  await two.kill();
  await assertAllThere(t, pair, writers);
});

test.serial(
  'A process killed anywhere in a write switch, there and back, leaves one primary and loses nothing',
  async (t) => {
    const random = seeded(t);
    const pair = await makePair(t);
    const first = await pair.open(OPTIONS);
    await goTo(first, 'read');
    await first.close();

    const writers = new Writers(t, pair, { lanes: 3, options: { switchTimeoutMs: 600 } });
    const probing = new AbortController();
    const probed = probeUntil(pair, probing.signal);
    let [begun, moved] = [0, 0];
    try {
      for (let round = 0; round < ROUNDS * 2; round += 1) {
        const writer = await writers.start();
        await writer.writes(random.between(1, 20));
        const attempt = await fences(pair);
        writer.moveTo((await primaryOf(pair)) === 'sqlite' ? 'write' : 'read');
        const hasEnded = (): boolean => writer.reports.some(({ type }) => type === 'moved' || type === 'not moved');
        await until('the fence is up', async () => hasEnded() || (await fences(pair)) > attempt);
        if ((await fences(pair)) > attempt) begun += 1;
        const moment = performance.now() + random.pick([0, 5, 10, 20, 40, 80, 160, 640]);
        await until('the moment has come', () => performance.now() > moment);
        await writer.kill();
        if (writer.reports.some(({ type }) => type === 'moved')) moved += 1;
      }
    } finally {
      probing.abort();
      await Promise.allSettled([probed]);
    }
    const probes = await probed;
    t.deepEqual(probes.both, []);
    t.true(begun > 0, 'no switch was begun');
    t.log(`${moved} of ${begun} switches ended, ${probes.count} probes, ${writers.retryable.length} retryable errors`);
    await assertAllThere(t, pair, writers);
  },
);

for (const [from, to] of [
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
] as const) {
  test.serial(`A switch from ${from} abandoned after the fence is cancelled by the next start`, async (t) => {
    const abandoned = await Abandoned.begin(t, from, to);
    await abandoned.fence({ expiresMs: 300 });
    t.deepEqual(await accepting(abandoned.pair), []);
    const [one, two] = await abandoned.recover();
    await until('the old primary takes writes', async () => (await accepting(abandoned.pair)).includes(from));
    t.deepEqual(await accepting(abandoned.pair), [from]);
    await one.mirror.caughtUp({ timeoutMs: 10_000 });
    t.deepEqual(await differences(two), []);
  });

  for (const last of ['release', 'unfence'] as const) {
    test.serial(`A switch from ${from} abandoned after the ${last} is finished by the next start`, async (t) => {
      const abandoned = await Abandoned.begin(t, from, to);
      await abandoned.fence({ expiresMs: 60_000 });
      t.deepEqual(await accepting(abandoned.pair), []);
      await abandoned.drain();
      t.deepEqual(await accepting(abandoned.pair), []);
      await abandoned.release();
      t.deepEqual(await accepting(abandoned.pair), []);
      if (last === 'unfence') {
        await abandoned.unfence();
        t.deepEqual(await accepting(abandoned.pair), [to]);
        await write(abandoned.pair, to, 'written between unfence and record');
      }
      const [one, two] = await abandoned.recover();
      await until('the new primary takes writes', async () => (await accepting(abandoned.pair)).includes(to));
      t.deepEqual(await accepting(abandoned.pair), [to]);
      await write(abandoned.pair, to, 'written after the recovery');
      await until('the old primary follows', async () => (await abandoned.stateOf(from))?.role === 'secondary');
      await one.mirror.caughtUp({ timeoutMs: 10_000 });
      await two.mirror.caughtUp({ timeoutMs: 10_000 });
      t.deepEqual(await differences(one), []);
      t.is(await rows(abandoned.pair, from), await rows(abandoned.pair, to));
      t.is((await abandoned.stateOf(to))?.epoch, (await abandoned.stateOf(from))?.epoch);
    });
  }
}

/** A write switch made by hand, with the stores themselves, by a process that goes away in the middle of it. */
class Abandoned {
  readonly pair: Pair;
  readonly #from: StoreName;
  readonly #to: StoreName;
  readonly #stores: Readonly<Record<StoreName, Store>>;
  readonly #epoch: number;
  #attempt = 0;
  #finalPosition = '';

  private constructor(parts: {
    pair: Pair;
    from: StoreName;
    to: StoreName;
    stores: Record<StoreName, Store>;
    epoch: number;
  }) {
    this.pair = parts.pair;
    this.#from = parts.from;
    this.#to = parts.to;
    this.#stores = parts.stores;
    this.#epoch = parts.epoch;
  }

  static async begin(t: ExecutionContext, from: StoreName, to: StoreName): Promise<Abandoned> {
    const pair = await makePair(t);
    fill(pair, 20);
    const crossfade = await pair.open(OPTIONS);
    await goTo(crossfade, from === 'sqlite' ? 'read' : 'write');
    await write(pair, from, 'written before the switch');
    await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
    await write(pair, from, 'written last');
    await crossfade.close();
    const stores = {
      sqlite: SqliteStore.open(pair.path),
      postgres: PostgresStore.open(pair.url, { answerLimitMs: 60_000 }),
    };
    t.teardown(() => Promise.all([stores.sqlite.close(), stores.postgres.close()]));
    const epoch = (await stores[from].state())?.epoch ?? 0;
    return new Abandoned({ pair, from, to, stores, epoch });
  }

  stateOf(store: StoreName): Promise<StoreState | undefined> {
    return this.#stores[store].state();
  }

  async fence({ expiresMs }: { expiresMs: number }): Promise<void> {
    const fenced = await this.#stores[this.#from].fence({ epoch: this.#epoch, expiresMs, waitMs: 5_000 });
    if (fenced === null) throw new Error('the fence was refused');
    this.#attempt = fenced.attempt;
    this.#finalPosition = fenced.finalPosition;
  }

  /** A Mirror brings the last writes over; then it goes away too. */
  async drain(): Promise<void> {
    const mirroring = await this.pair.open(OPTIONS);
    await until('the last write is mirrored', async () => {
      const { watermark } = (await this.#stores[this.#to].progress()).state;
      return watermark !== null && this.#stores[this.#from].reaches(watermark, this.#finalPosition);
    });
    await mirroring.close();
  }

  async release(): Promise<void> {
    await this.#stores[this.#to].prepareUnfence();
    if (!(await this.#stores[this.#from].release({ epoch: this.#epoch, attempt: this.#attempt })))
      throw new Error('not released');
  }

  async unfence(): Promise<void> {
    const [old, next] = [this.#stores[this.#from], this.#stores[this.#to]];
    const stage: Stage = this.#to === 'postgres' ? 'write' : 'read';
    const finalPosition = this.#finalPosition;
    const reached = (watermark: string): boolean => old.reaches(watermark, finalPosition);
    const sequences = await old.sequences();
    if (!(await next.unfence({ epoch: this.#epoch, finalPosition, stage, reached, sequences })))
      throw new Error('not unfenced');
  }

  /** Two processes start at the same time, and both find what was left. */
  async recover(): Promise<[Awaited<ReturnType<Pair['open']>>, Awaited<ReturnType<Pair['open']>>]> {
    return Promise.all([this.pair.open(OPTIONS), this.pair.open(OPTIONS)]);
  }
}

function seeded(t: ExecutionContext): Random {
  const random = new Random(Random.seedOfRun());
  t.log(`CROSSFADE_SEED=${random.seed}`);
  return random;
}

function fill(pair: Pair, count: number): void {
  pair.sqlite.exec(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO rates (country, year, rate) SELECT 'c' || i, i, i / 8.0 FROM n`,
  );
}

async function write(pair: Pair, store: StoreName, name: string): Promise<void> {
  if (store === 'sqlite') pair.sqlite.prepare('INSERT INTO settings (name) VALUES (?)').run(name);
  else await pair.postgres.query('INSERT INTO settings (name) VALUES ($1)', [name]);
}

async function rows(pair: Pair, store: StoreName): Promise<number> {
  const sql = 'SELECT count(*) AS rows FROM settings';
  if (store === 'sqlite') return Number(pair.sqlite.prepare(sql).pluck().get());
  return Number((await pair.postgres.query<{ rows: string }>(sql)).rows[0]?.rows);
}

/**
 * The databases that accept a write of somebody who knows nothing of Crossfade. That of SQLite stays open while
 * PostgreSQL is asked, so that no switch can come between.
 */
async function accepting({ sqlite, postgres }: Pick<Pair, 'sqlite' | 'postgres'>): Promise<readonly StoreName[]> {
  const found: StoreName[] = [];
  sqlite.exec('BEGIN IMMEDIATE');
  try {
    if (isAccepted(() => sqlite.exec(`INSERT INTO settings (name) VALUES ('probe')`))) found.push('sqlite');
    // Whoever holds the tables may be waiting for SQLite in turn. A write that has to wait is not accepted yet.
    await postgres.query(`BEGIN; SET LOCAL lock_timeout = '50ms'`);
    const isRefused = await postgres.query(`INSERT INTO settings (name) VALUES ('probe')`).then(() => false, isRefusal);
    await postgres.query('ROLLBACK');
    if (!isRefused) found.push('postgres');
  } finally {
    sqlite.exec('ROLLBACK');
  }
  return found;
}

function isAccepted(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('crossfade: fenced')) return false;
    throw error;
  }
}

function isRefusal(error: unknown): true {
  if (error instanceof pg.DatabaseError && (error.code === 'CF001' || error.code === '55P03')) return true;
  throw error;
}

async function probeUntil(pair: Pair, signal: AbortSignal): Promise<{ count: number; both: readonly string[] }> {
  const both: string[] = [];
  let count = 0;
  const postgres = new pg.Client({ connectionString: pair.url });
  await postgres.connect();
  try {
    while (!signal.aborted) {
      const found = await accepting({ sqlite: pair.sqlite, postgres });
      count += 1;
      if (found.length > 1) both.push(`probe ${count}`);
      // SQLite's lock goes to whoever asks at the right moment: a prober without pauses would leave nothing to the writers.
      await sleep(PROBE_PAUSE_MS);
    }
    return { count, both };
  } finally {
    await postgres.end();
  }
}

/** The store that claims to be the primary at the higher epoch. */
async function primaryOf({ sqlite, postgres }: Pair): Promise<StoreName> {
  const mine = sqlite.prepare('SELECT role, epoch FROM _crossfade_state').get() as { role: string; epoch: number };
  const other = (await postgres.query<{ role: string; epoch: number }>('SELECT role, epoch FROM crossfade.state'))
    .rows[0];
  return other?.role === 'primary' && other.epoch >= mine.epoch ? 'postgres' : 'sqlite';
}

/** How many fences have been raised so far, in both databases together. */
async function fences({ sqlite, postgres }: Pair): Promise<number> {
  const sql = 'SELECT attempt FROM';
  const { rows: found } = await postgres.query<{ attempt: number }>(`${sql} crossfade.state`);
  return Number(sqlite.prepare(`${sql} _crossfade_state`).pluck().get()) + Number(found[0]?.attempt);
}

async function leaseHolder(postgres: pg.Client): Promise<string | undefined> {
  const { rows: found } = await postgres.query<{ holder: string }>('SELECT holder FROM crossfade.lease');
  return found[0]?.holder;
}

async function copied(postgres: pg.Client): Promise<number> {
  const { rows: found } = await postgres.query<{ copied: string }>(
    'SELECT sum(copied) AS copied FROM crossfade.cursors',
  );
  return Number(found[0]?.copied);
}

/** Starts once more, lets everything come to rest, and looks for every acknowledged write in each database. */
async function assertAllThere(t: ExecutionContext, pair: Pair, writers: Writers): Promise<void> {
  const crossfade = await pair.open(OPTIONS);
  await until('one database takes the writes', async () => (await accepting(pair)).length === 1);
  await until('it is mirrored', () =>
    crossfade.mirror.caughtUp({ timeoutMs: 5_000 }).then(
      () => true,
      () => false,
    ),
  );
  t.true(writers.acknowledged > 0);
  t.deepEqual(writers.failures, []);
  const sql = {
    settings: `SELECT name, value FROM settings WHERE value IS NOT NULL`,
    payments: `SELECT email, (SELECT count(*) FROM payments WHERE note = email AND account_id = accounts.id) AS count FROM accounts`,
  };
  const sqlite = {
    settings: new Map(pair.sqlite.prepare(sql.settings).raw().all() as [string, string][]),
    payments: new Map(
      (pair.sqlite.prepare(sql.payments).raw().all() as [string, number][]).map(([email, n]) => [email, n]),
    ),
  };
  const postgres = {
    settings: new Map(
      (await pair.postgres.query<{ name: string; value: string }>(sql.settings)).rows.map((row) => [
        row.name,
        row.value,
      ]),
    ),
    payments: new Map(
      (await pair.postgres.query<{ email: string; count: string }>(sql.payments)).rows.map((row) => [
        row.email,
        Number(row.count),
      ]),
    ),
  };
  t.deepEqual(writers.missing(sqlite), []);
  t.deepEqual(writers.missing(postgres), []);
  t.deepEqual(await differences(crossfade), []);
  t.log(`${writers.acknowledged} writes acknowledged`);
}
