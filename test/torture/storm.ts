import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isCrossfadeError } from '../../adapter/index.ts';
import type { Crossfade, Stage, StoreName } from '../../adapter/index.ts';
import { wrongAtRest } from '../helpers/at-rest.ts';
import { holdWriteLock } from '../helpers/lock-holder.ts';
import { goTo, makePair, until } from '../helpers/pair.ts';
import type { Pair } from '../helpers/pair.ts';
import type { StoppableServer } from '../helpers/postgres.ts';
import type { Random } from '../helpers/random.ts';
import { randomTransaction } from '../helpers/random-transaction.ts';
import { TcpProxy } from '../helpers/tcp-proxy.ts';
import { WriteProbe } from '../helpers/write-probe.ts';
import { Writers } from '../helpers/writers.ts';
import type { Writer } from '../helpers/writers.ts';
import type { Scope } from './scope.ts';

const OPTIONS = { leaseMs: 400, refreshMs: 50, waitLimitMs: 500, switchTimeoutMs: 1_000 };
const STAGES = ['dual', 'shadow', 'read', 'write'] as const;
const HEAL_LIMIT_MS = 90_000;

/** What may go wrong in a round; each scenario has its mixture. */
export const EVENTS = {
  'kill the API': (storm) => storm.killApi(),
  'stop the API for a while': (storm) => storm.pauseApi(),
  'kill PostgreSQL': (storm) => storm.killServer(),
  'restart PostgreSQL': (storm) => storm.restartServer(),
  'break the network': (storm) => storm.breakNetwork(),
  'move to another stage': (storm) => storm.move(),
  'hold the lock of SQLite': (storm) => storm.holdLock(),
  'write by a script': (storm) => storm.writeByScript(),
} as const satisfies Record<string, (storm: Storm) => Promise<string>>;

export type StormEvent = keyof typeof EVENTS;

/** What a round was like. */
export interface Weather {
  readonly wrong: readonly string[];
  readonly events: Readonly<Partial<Record<StormEvent, number>>>;
  readonly acknowledged: number;
  readonly probes: string;
}

/**
 * One round: two processes of an API and a script write to a pair of databases, while everything that can happen to
 * them happens in an order that a seed decides. Then all is calm, and both databases must hold what was acknowledged.
 */
export class Storm {
  readonly #scope: Scope;
  readonly #random: Random;
  readonly #server: StoppableServer;
  readonly #pair: Pair;
  readonly #proxy: TcpProxy;
  readonly #writers: Writers;
  #living: Writer[] = [];

  private constructor(parts: {
    scope: Scope;
    random: Random;
    server: StoppableServer;
    pair: Pair;
    proxy: TcpProxy;
    writers: Writers;
  }) {
    this.#scope = parts.scope;
    this.#random = parts.random;
    this.#server = parts.server;
    this.#pair = parts.pair;
    this.#proxy = parts.proxy;
    this.#writers = parts.writers;
  }

  static async run(
    scope: Scope,
    { random, server, events }: { random: Random; server: StoppableServer; events: readonly StormEvent[] },
  ): Promise<Weather> {
    const url = await databaseOf(scope, server);
    const pair = await makePair(scope, { url });
    pair.sqlite.pragma('busy_timeout = 100');
    const proxy = await TcpProxy.start(scope, url);
    const first = await pair.open(OPTIONS);
    await goTo(first, random.pick(STAGES));
    await first.close();
    const writers = new Writers(scope, pair, {
      lanes: 3,
      options: { sqlite: pair.path, postgres: proxy.url, ...OPTIONS },
    });
    const storm = new Storm({ scope, random, server, pair, proxy, writers });
    return await storm.#run(events);
  }

  async #run(kinds: readonly StormEvent[]): Promise<Weather> {
    const probe = await WriteProbe.start(this.#pair);
    this.#scope.teardown(() => probe.stop().catch(() => {}));
    const events: Partial<Record<StormEvent, number>> = {};
    this.#living = [await this.#writers.start(), await this.#writers.start()];
    for (let left = this.#random.between(4, 12); left > 0; left -= 1) {
      await sleep(this.#random.pick([0, 5, 20, 50, 100, 300]));
      const kind = this.#random.pick(kinds);
      events[kind] = (events[kind] ?? 0) + 1;
      this.#scope.log(`${kind}: ${await EVENTS[kind](this)}`);
    }
    this.#calm();
    for (const writer of this.#living) await writer.kill();
    const wrong = await this.#wrong();
    await probe.stop();
    if (probe.seen.both > 0) wrong.push(`both databases took writes, ${probe.seen.both} times`);
    return { wrong, events, acknowledged: this.#writers.acknowledged, probes: JSON.stringify(probe.seen) };
  }

  // ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────

  async killApi(): Promise<string> {
    const victim = this.#random.pick(this.#living);
    await victim.kill();
    this.#living = [...this.#living.filter((writer) => writer !== victim), await this.#start()];
    return 'and start it again';
  }

  async pauseApi(): Promise<string> {
    const sleeper = this.#random.pick(this.#living);
    const ms = this.#random.pick([50, 500, 1_500]);
    sleeper.pause();
    await sleep(ms);
    sleeper.goOn();
    return `${ms} ms`;
  }

  async killServer(): Promise<string> {
    await this.#server.kill();
    return await this.#startServer();
  }

  async restartServer(): Promise<string> {
    await this.#server.stop();
    return await this.#startServer();
  }

  async breakNetwork(): Promise<string> {
    const random = this.#random;
    const ms = random.pick([0, 20, 200, 1_000]);
    const kind = random.pick(['cut', 'client', 'server', 'delay', 'stall', 'refuse', 'commit sent', 'commit done']);
    switch (kind) {
      case 'cut':
        this.#proxy.cut();
        break;
      case 'client':
      case 'server':
        this.#proxy.halfClose(kind);
        break;
      case 'delay':
        this.#proxy.delayMs = random.pick([0, 2, 20]);
        break;
      case 'stall':
        this.#proxy.stall();
        await sleep(ms);
        this.#proxy.resume();
        this.#proxy.cut();
        break;
      case 'refuse':
        this.#proxy.refuse();
        await sleep(ms);
        this.#proxy.resume();
        break;
      default: {
        const sprung = this.#proxy.cutAt(/^COMMIT/, kind === 'commit sent' ? 'sent' : 'done');
        await Promise.race([sprung, sleep(1_000)]);
        this.#proxy.disarm();
      }
    }
    return `${kind}, ${ms} ms`;
  }

  async move(): Promise<string> {
    const mover = this.#random.pick(this.#living);
    const to: Stage = this.#random.pick(STAGES);
    const before = mover.reports.length;
    mover.moveTo(to);
    if (!this.#random.chance(0.5)) return `to ${to}, and go on meanwhile`;
    const hasEnded = (): boolean =>
      mover.reports.slice(before).some(({ type }) => type === 'moved' || type === 'not moved');
    const deadline = performance.now() + 3_000;
    await until('the move is over', () => hasEnded() || performance.now() > deadline);
    return `to ${to}, ${hasEnded() ? 'to its end' : 'not to its end'}`;
  }

  async holdLock(): Promise<string> {
    const ms = this.#random.pick([20, 300, 1_500]);
    // Whoever holds it now may be a process that sleeps.
    const holding = holdWriteLock(this.#scope, this.#pair.path);
    const letGo = await Promise.race([holding, sleep(6_000)]);
    if (letGo === undefined) {
      // It may get the lock any time later, and would keep it for good.
      void holding.then((late) => late(0));
      return 'not had in time';
    }
    await letGo(ms);
    return `${ms} ms`;
  }

  /** Statements that know nothing of Crossfade, some of them wrong. Whether each was done is theirs to know. */
  async writeByScript(): Promise<string> {
    const client = await this.#connected();
    let done = 0;
    try {
      for (let left = this.#random.between(1, 20); left > 0; left -= 1) {
        const store: StoreName = this.#random.pick(['sqlite', 'postgres']);
        const lane = { lane: 0, lanes: 1 };
        const transaction = randomTransaction(this.#random, { store, writesRefused: false, ...lane });
        // The rows of the API's processes must stay.
        const statements = transaction.statements.filter(({ sql }) => !/accounts|payments|TRUNCATE/.test(sql));
        const run = store === 'sqlite' ? this.#onSqlite() : onPostgres(client);
        try {
          await run('BEGIN', []);
          for (const { sql, values } of statements) await run(sql, values);
          await run(transaction.ends, []);
          done += 1;
        } catch {
          await run('ROLLBACK', []).catch(() => {});
        }
      }
    } finally {
      await client.end().catch(() => {});
    }
    return `${done} transactions`;
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A process that starts while its databases are broken may end by itself; then another one is started. */
  async #start(): Promise<Writer> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#writers.start();
      } catch (error) {
        if (attempt === 3) throw error;
      }
    }
  }

  async #startServer(): Promise<string> {
    const ms = this.#random.pick([0, 100, 1_000]);
    await sleep(ms);
    await this.#server.start();
    return `away for ${ms} ms`;
  }

  #calm(): void {
    this.#proxy.disarm();
    this.#proxy.delayMs = 0;
    this.#proxy.resume();
    this.#proxy.cut();
  }

  async #wrong(): Promise<string[]> {
    const wrong = this.#writers.failures
      .filter((text) => !MAY_FAIL.test(text))
      .map((text) => `a write failed: ${text}`);
    const crossfade = await this.#pair.open(OPTIONS);
    await until('there is one primary', () => hasPrimary(crossfade), HEAL_LIMIT_MS);
    const postgres = await this.#connected();
    this.#scope.teardown(() => postgres.end().catch(() => {}));
    const found = { sqlite: this.#pair.sqlite, postgres };
    wrong.push(...(await wrongAtRest(found, crossfade, [])));
    for (const [store, contents] of Object.entries(await contentsOf(found))) {
      wrong.push(...this.#writers.missing(contents).map((what) => `${store}: ${what}`));
    }
    // Nothing that was broken off is in the way of what comes next.
    for (const stage of ['write', 'read'] as const) await this.#moveAtLeisure(crossfade, stage);
    wrong.push(...(await wrongAtRest(found, crossfade, [])));
    return wrong;
  }

  /** On a machine with other work a switch may run out of its time, and cancels itself: that is no harm. */
  async #moveAtLeisure(crossfade: Crossfade, stage: Stage): Promise<void> {
    await until(
      `it has moved to ${stage}`,
      () =>
        goTo(crossfade, stage).then(
          () => true,
          (error: unknown) => {
            if (!isCrossfadeError(error) || !error.retryable) throw error;
            this.#scope.notes.push(`once more: ${error.message}`);
            return false;
          },
        ),
      60_000,
    );
  }

  async #connected(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#pair.url });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  #onSqlite(): Run {
    return async (sql, values) => this.#pair.sqlite.prepare(sql).run(...values);
  }
}

/** What may be said of a write whose database went away in the middle of it. */
const MAY_FAIL =
  /ECONN|EPIPE|Connection terminated|connection error|not queryable|timeout|terminating connection|shutting down|starting up|recovery mode|database is locked|not yet accepting/i;

type Run = (sql: string, values: readonly unknown[]) => Promise<unknown>;

function onPostgres(client: pg.Client): Run {
  return (sql, values) => {
    let count = 0;
    return client.query(
      sql.replaceAll('?', () => `$${(count += 1)}`),
      [...values],
    );
  };
}

async function hasPrimary(crossfade: Crossfade): Promise<boolean> {
  const { primary, intent } = await crossfade.status();
  return primary !== null && intent === null;
}

interface Contents {
  readonly settings: ReadonlyMap<string, string>;
  readonly payments: ReadonlyMap<string, number>;
}

async function contentsOf({
  sqlite,
  postgres,
}: Pick<Pair, 'sqlite' | 'postgres'>): Promise<Record<StoreName, Contents>> {
  const settings = 'SELECT name, value FROM settings WHERE value IS NOT NULL';
  const payments =
    'SELECT email, (SELECT count(*) FROM payments WHERE note = email AND account_id = accounts.id) AS count FROM accounts';
  const found = await postgres.query<{ name: string; value: string }>(settings);
  const booked = await postgres.query<{ email: string; count: string }>(payments);
  return {
    sqlite: {
      settings: new Map(sqlite.prepare(settings).raw().all() as [string, string][]),
      payments: new Map(sqlite.prepare(payments).raw().all() as [string, number][]),
    },
    postgres: {
      settings: new Map(found.rows.map(({ name, value }) => [name, value])),
      payments: new Map(booked.rows.map(({ email, count }) => [email, Number(count)])),
    },
  };
}

/** A database of its own on a server that all rounds share. */
async function databaseOf(scope: Scope, { url }: StoppableServer): Promise<string> {
  const name = `round_${process.pid}_${(rounds += 1)}`;
  const execute = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  await execute(`CREATE DATABASE ${name} TEMPLATE template0`);
  scope.teardown(() => execute(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  const fresh = new URL(url);
  fresh.pathname = `/${name}`;
  return fresh.href;
}

let rounds = 0;
