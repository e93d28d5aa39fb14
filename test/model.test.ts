import test from 'ava';
import type { ExecutionContext } from 'ava';
import type Database from 'better-sqlite3';
import pg from 'pg';
import { isCrossfadeError } from '../adapter/errors.ts';
import type { Crossfade } from '../adapter/index.ts';
import { History, readPostgres, readSqlite, unlike } from './helpers/history.ts';
import type { State } from './helpers/history.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import { Random } from './helpers/random.ts';
import { randomTransaction, versionName } from './helpers/random-transaction.ts';
import { serverVersion } from './helpers/server-version.ts';
import type { Lane, RandomTransaction, Statement, Value } from './helpers/random-transaction.ts';

/**
 * Random transactions on the primary, by plain connections that know nothing of Crossfade, while the Mirror runs, is
 * closed, loses its sessions or has a rival. At any moment the secondary must equal one committed state of the
 * primary, and in the end both must be the same.
 *
 * CROSSFADE_SEED plays the statements of an earlier run again; CROSSFADE_HISTORIES plays more histories of each kind.
 */
const HISTORIES = Number(process.env['CROSSFADE_HISTORIES'] ?? 1);
const OPTIONS = { leaseMs: 400, backfillRows: 7, pollMs: 5, switchTimeoutMs: 15_000 };
const SEED = Random.seedOfRun();

for (let number = 0; number < HISTORIES; number += 1) {
  const seed = SEED + number;
  const named = HISTORIES === 1 ? '' : `, history ${number + 1}`;

  test.serial(
    `PostgreSQL follows random transactions on SQLite from the first row of the backfill on${named}`,
    async (t) => {
      const model = await Model.begin(t, seed);
      await model.crossfade.cutover.step('dual');
      await model.writeSqlite(200);
      await model.settle();
    },
  );

  test.serial(`PostgreSQL follows random transactions on SQLite in stage read${named}`, async (t) => {
    const model = await Model.begin(t, seed);
    await goTo(model.crossfade, 'read');
    await model.writeSqlite(200);
    await model.settle();
  });

  test.serial(`SQLite follows random transactions on PostgreSQL, one writer${named}`, async (t) => {
    const model = await Model.begin(t, seed);
    await goTo(model.crossfade, 'write');
    await model.writePostgres(1, 150);
    await model.settle();
  });

  test.serial(`SQLite follows random transactions of several writers at once on PostgreSQL${named}`, async (t) => {
    const model = await Model.begin(t, seed);
    await goTo(model.crossfade, 'write');
    await model.writePostgres(3, 60);
    await model.settle();
  });

  test.serial(`Random transactions go on through the write switch, there and back${named}`, async (t) => {
    const model = await Model.begin(t, seed);
    await goTo(model.crossfade, 'read');
    for (let round = 0; round < 2; round += 1) {
      await Promise.all([model.moveTo('write'), model.writeSqlite(Infinity, 2)]);
      await Promise.all([model.moveTo('read'), model.writePostgres(2, Infinity)]);
    }
    await model.writeSqlite(20, 2);
    await model.settle();
  });
}

class Model {
  readonly #t: ExecutionContext;
  readonly #random: Random;
  readonly #pair: Pair;
  readonly #history = new History();
  readonly #versions = new Map<number, number>();
  #crossfade: Crossfade;
  #rival: Crossfade | null = null;
  /** Nothing is disturbed while a switch is made, which may end the writing. */
  #isDisturbed = true;
  #disturbing: Promise<void> | null = null;
  #isOver = false;
  #lanes: readonly Lane[] = [];
  #checks = 0;
  #chaos = 0;
  /** What was written last: whoever takes the writes over must begin with it. */
  #last: State | null = null;

  private constructor(t: ExecutionContext, random: Random, pair: Pair, crossfade: Crossfade) {
    this.#t = t;
    this.#random = random;
    this.#pair = pair;
    this.#crossfade = crossfade;
  }

  static async begin(t: ExecutionContext, seed: number): Promise<Model> {
    t.log(`CROSSFADE_SEED=${seed}`);
    const pair = await makePair(t);
    pair.sqlite.defaultSafeIntegers(true);
    const model = new Model(t, new Random(seed), pair, await pair.open(OPTIONS));
    for (let count = 0; count < 60; count += 1) {
      // Whatever number of lanes there will be, no row refers to one of another lane.
      const lane = { lane: count % 6, lanes: 6 };
      runInSqlite(pair.sqlite, randomTransaction(model.#random, { store: 'sqlite', ...lane, writesRefused: false }));
    }
    await model.#crossfade.install();
    model.#history.recordSqlite(pair.sqlite);
    return model;
  }

  get crossfade(): Crossfade {
    return this.#crossfade;
  }

  /** Writes until there were `count` transactions, or until the fence; in lanes, one transaction after the other. */
  async writeSqlite(count: number, lanes = 1): Promise<void> {
    const { sqlite } = this.#pair;
    this.#assertNothingLost(readSqlite(sqlite), 'SQLite');
    this.#history.recordSqlite(sqlite);
    for (let done = 0; done < count && !this.#isOver; done += 1) {
      const lane = { lane: this.#random.between(0, lanes - 1), lanes };
      // A switch is refused while PostgreSQL cannot hold a row.
      const writer = { store: 'sqlite', ...lane, writesRefused: lanes === 1 } as const;
      const outcome = runInSqlite(sqlite, randomTransaction(this.#random, writer));
      if (outcome === 'fenced') return;
      if (outcome === 'committed') this.#last = this.#history.recordSqlite(sqlite);
      await this.#disturb();
      await turns(this.#random.between(0, 30));
    }
  }

  /** The same on PostgreSQL, by so many writers at once. */
  async writePostgres(writers: number, count: number): Promise<void> {
    this.#lanes = Array.from({ length: writers }, (_, lane) => ({ lane, lanes: writers }));
    const state = await readPostgres(this.#pair.postgres);
    this.#assertNothingLost(state, 'PostgreSQL');
    for (const lane of this.#lanes) this.#history.recordLane(state, lane);
    await Promise.all(this.#lanes.map((lane) => this.#writeLane(lane, count)));
    this.#last = await readPostgres(this.#pair.postgres);
  }

  /** Undisturbed: what a switch does when processes die is another test's matter. */
  async moveTo(stage: 'write' | 'read'): Promise<void> {
    await turns(this.#random.between(1_000, 3_000));
    this.#isDisturbed = false;
    try {
      await this.#disturbing;
      // Sessions that were ended are found out at their next use.
      await until(`stage ${stage}`, () => goTo(this.#crossfade, stage).then(() => true, whetherToRetry));
      this.#isDisturbed = true;
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  /** Lets everything come to rest, then looks at every row of both. */
  async settle(): Promise<void> {
    const { sqlite, postgres } = this.#pair;
    const primary = this.#crossfade.cutover.stage === 'write' ? 'postgres' : 'sqlite';
    // What PostgreSQL had to refuse is mended, so that the quarantine must empty itself.
    if (primary === 'sqlite') {
      sqlite.exec(`UPDATE payments SET note = 'mended' WHERE instr(note, char(0)) > 0`);
      this.#history.recordSqlite(sqlite);
    }
    // Sessions that were ended are found out at their next use.
    const retried = async (work: () => Promise<boolean>): Promise<boolean> => work().catch(whetherToRetry);
    await until('every row is copied', () => retried(async () => (await this.#crossfade.backfill()).isDone));
    await until('everything is mirrored', async () => {
      await this.#check();
      return retried(async () => {
        await this.#crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
        const { quarantine } = await this.#crossfade.stores[primary === 'sqlite' ? 'postgres' : 'sqlite'].progress();
        return quarantine.length === 0;
      });
    });
    await this.#check();
    this.#t.deepEqual(await differences(this.#crossfade), []);
    this.#t.deepEqual(unlike(readSqlite(sqlite), await readPostgres(postgres)), []);
    this.#t.true(this.#checks > 0, 'the secondary was never looked at');
    this.#t.log(`${this.#checks} looks at the secondary, ${this.#chaos} disturbances`);
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #writeLane(lane: Lane, count: number): Promise<void> {
    const client = new pg.Client({ connectionString: this.#pair.url });
    await client.connect();
    try {
      const hasMerge = (await serverVersion(client)) >= 150_000;
      for (let done = 0; done < count && !this.#isOver; done += 1) {
        const version = (this.#versions.get(lane.lane) ?? 0) + 1;
        this.#versions.set(lane.lane, version);
        const isolation = this.#random.pick(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']);
        const transaction = randomTransaction(this.#random, {
          store: 'postgres',
          ...lane,
          writesRefused: false,
          hasMerge,
        });
        const outcome = await runInPostgres(client, { transaction, lane, version, isolation });
        if (outcome === 'fenced') return;
        // Only this lane's rows are looked at, and they stand still.
        if (outcome === 'committed') this.#history.recordLane(await readPostgres(client), lane);
        if (lane.lane === 0) await this.#disturb();
      }
    } finally {
      await client.end();
    }
  }

  async #disturb(): Promise<void> {
    const random = this.#random;
    if (random.chance(0.08)) await this.#check();
    if (!this.#isDisturbed || !random.chance(0.06)) return;
    this.#chaos += 1;
    this.#disturbing = random.pick([
      () => this.#closeAndOpen(),
      () => this.#endSessions(),
      () => this.#letRivalComeOrGo(),
    ])();
    await this.#disturbing;
  }

  async #closeAndOpen(): Promise<void> {
    await this.#crossfade.close();
    this.#crossfade = await this.#pair.open(OPTIONS);
  }

  async #endSessions(): Promise<void> {
    await this.#pair.postgres.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'crossfade %' AND datname = current_database()`,
    );
  }

  async #letRivalComeOrGo(): Promise<void> {
    const rival = this.#rival;
    this.#rival = rival === null ? await this.#pair.open({ ...OPTIONS, processName: 'rival' }) : null;
    await rival?.close();
  }

  async #check(): Promise<void> {
    const { sqlite, postgres } = this.#pair;
    const found = (await this.#history.checkPostgres(postgres)) ?? (await this.#checkSqlite(sqlite));
    if (found === null) return;
    this.#checks += 1;
    if (found.length > 0) throw new Error(`the secondary equals no committed state: ${found.slice(0, 5).join('; ')}`);
  }

  /** A version may be mirrored a moment before its writer has noted what it holds. */
  async #checkSqlite(sqlite: Database.Database): Promise<readonly string[] | null> {
    let found: readonly string[] | null = null;
    const look = (): boolean => {
      found = this.#history.checkSqlite(sqlite, this.#lanes);
      return found === null || !found.some((text) => text.includes('which was not committed'));
    };
    await until('every version of the secondary is known', look, 5_000).catch(() => {});
    return found;
  }

  #assertNothingLost(state: State, where: string): void {
    const lost = this.#last === null ? [] : unlike(this.#last, state);
    if (lost.length > 0) throw new Error(`${where} took the writes over without: ${lost.slice(0, 5).join('; ')}`);
  }
}

type Outcome = 'committed' | 'rolled back' | 'fenced';

function runInSqlite(db: Database.Database, { statements, ends }: RandomTransaction): Outcome {
  db.exec('BEGIN IMMEDIATE');
  for (const { sql, values } of statements) {
    try {
      db.prepare(sql).run(...values);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.message.startsWith('crossfade: fenced')) {
        db.exec('ROLLBACK');
        return 'fenced';
      }
      if (!('code' in error) || !String(error.code).startsWith('SQLITE_CONSTRAINT')) throw error;
    }
  }
  db.exec(ends);
  return ends === 'COMMIT' ? 'committed' : 'rolled back';
}

async function runInPostgres(
  client: pg.Client,
  {
    transaction,
    lane,
    version,
    isolation,
  }: { transaction: RandomTransaction; lane: Lane; version: number; isolation: string },
): Promise<Outcome> {
  const upsert: Statement = {
    sql: 'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    values: [versionName(lane), String(version)],
  };
  await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
  try {
    for (const { sql, values } of [...transaction.statements, upsert]) {
      let number = 0;
      const text = sql.replaceAll('?', () => `$${(number += 1)}`);
      const isOfSavepoint = /^(?:SAVEPOINT|RELEASE|ROLLBACK TO) /.test(text);
      if (!isOfSavepoint) await client.query('SAVEPOINT statement');
      try {
        await client.query(text, values.map(bound));
      } catch (error) {
        // What breaks a constraint does nothing here; anything else ends the transaction.
        if (isOfSavepoint || !(error instanceof pg.DatabaseError) || !/^2[23]/.test(error.code ?? '')) throw error;
        await client.query('ROLLBACK TO statement');
      }
    }
    await client.query(transaction.ends);
    return transaction.ends === 'COMMIT' ? 'committed' : 'rolled back';
  } catch (error) {
    await client.query('ROLLBACK');
    if (!(error instanceof pg.DatabaseError)) throw error;
    if (error.code === 'CF001') return 'fenced';
    if (error.code?.startsWith('40') === true) return 'rolled back';
    throw error;
  }
}

/** @throws what is not retryable. */
function whetherToRetry(error: unknown): false {
  if (isCrossfadeError(error) && error.retryable) return false;
  throw error;
}

function bound(value: Value): string | number | Buffer | null {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Lets everything else in this process run for so many turns. */
async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await new Promise(setImmediate);
}
