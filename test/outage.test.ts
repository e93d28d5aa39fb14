import test from 'ava';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import type { Crossfade } from '../adapter/index.ts';
import { openPool } from '../adapter/postgres/connection.ts';
import { Load } from './helpers/load.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import { freshDatabase, stoppableServer } from './helpers/postgres.ts';
import type { StoppableServer } from './helpers/postgres.ts';

const OPTIONS = { leaseMs: 400, waitLimitMs: 500, poolMax: 10 };

const ENDINGS = {
  stopped: (server: StoppableServer) => server.stop(),
  'gone by a crash': (server: StoppableServer) => server.kill(),
} as const;

for (const [how, end] of Object.entries(ENDINGS)) {
  for (const stage of ['dual', 'read'] as const) {
    test.serial(
      `In stage ${stage} nothing fails while PostgreSQL is ${how}, and everything is mirrored after`,
      async (t) => {
        const server = await stoppableServer(t);
        const crossfade = await begin(t, server, stage);
        const load = Load.start(t, crossfade, { writers: 3, readers: 2 });
        await load.goesOn({ writes: 60, reads: 60 });
        t.log('before', rounded(load.takeSlowest()));

        await end(server);
        // Whoever wrote at that moment may have waited for the Mirror up to the limit; those after must not.
        await load.goesOn({ writes: 10, reads: 20 });
        load.takeSlowest();
        await load.goesOn({ writes: 60, reads: 100 });
        const away = load.takeSlowest();
        t.log('while it is away', rounded(away));
        t.true(away.write < OPTIONS.waitLimitMs && away.read < OPTIONS.waitLimitMs);

        await server.start();
        await caughtUp(crossfade);
        const reads = stage === 'read' ? 'postgres' : 'sqlite';
        await until('reads are where they were', async () => (await crossfade.status()).reads === reads);
        await load.goesOn({ writes: 60, reads: 60 });
        await load.stop();

        t.deepEqual(load.failures, []);
        t.deepEqual([...load.retryable, ...load.broken], []);
        t.deepEqual(load.notFound, []);
        await assertAllThere(t, crossfade, server, load);
      },
    );
  }

  test.serial(
    `Reads of stage read turn to SQLite while PostgreSQL is ${how}, behind an open breaker, and come back`,
    async (t) => {
      const server = await stoppableServer(t);
      const crossfade = await begin(t, server, 'read');
      await crossfade.knex('settings').insert({ name: 'before', value: 'there' });
      const load = Load.start(t, crossfade, { writers: 0, readers: 3 });
      const breaker = async (): Promise<string> => (await crossfade.status()).breaker;
      await load.goesOn({ writes: 0, reads: 60 });
      t.is(await breaker(), 'closed');
      await end(server);
      await until('the breaker opens', async () => (await breaker()) === 'open');
      load.takeSlowest();
      await load.goesOn({ writes: 0, reads: 300 });
      t.log(rounded(load.takeSlowest()));
      await server.start();
      await until('the breaker closes', async () => (await breaker()) === 'closed');
      await load.goesOn({ writes: 0, reads: 60 });
      await load.stop();
      t.is((await crossfade.status()).reads, 'postgres');
      t.deepEqual([...load.failures, ...load.retryable, ...load.broken], []);
    },
  );

  test.serial(
    `In stage write, writes fail with retryable errors while PostgreSQL is ${how}, and none is lost`,
    async (t) => {
      const server = await stoppableServer(t);
      const crossfade = await begin(t, server, 'write');
      const load = Load.start(t, crossfade, { writers: 3, readers: 1 });
      await load.goesOn({ writes: 60, reads: 20 });

      await end(server);
      await until('writes fail', () => load.retryable.length > 20);
      await server.start();
      await load.goesOn({ writes: 60, reads: 20 });
      await load.stop();

      t.deepEqual(load.failures, []);
      t.deepEqual(load.notFound, []);
      // Of a query that was under way nobody knows whether it was done; each connection breaks once.
      t.true(load.broken.length <= OPTIONS.poolMax, load.broken.join('; '));
      t.log(`${load.retryable.length} were refused, ${load.broken.length} broken off`);
      await assertAllThere(t, crossfade, server, load);
    },
  );
}

test.serial(
  'An API starts and works while PostgreSQL is away in stage dual, and is mirrored once it is back',
  async (t) => {
    const server = await stoppableServer(t);
    const pair = await makePair(t, { url: server.url });
    const first = await pair.open(OPTIONS);
    await goTo(first, 'dual');
    await first.close();
    await server.stop();

    const startedAt = performance.now();
    const crossfade = await pair.open(OPTIONS);
    t.log(`started in ${Math.round(performance.now() - startedAt)} ms`);
    const load = Load.start(t, crossfade, { writers: 2, readers: 1 });
    await load.goesOn({ writes: 50, reads: 50 });
    const status = await crossfade.status();
    t.like(status, { stage: 'dual', reads: 'sqlite', reachable: { sqlite: true, postgres: false } });
    await server.start();
    await load.goesOn({ writes: 20, reads: 20 });
    await load.stop();
    t.deepEqual([...load.failures, ...load.retryable, ...load.broken, ...load.notFound], []);
    await assertAllThere(t, crossfade, server, load);
  },
);

test.serial(
  'PostgreSQL that goes away again and again under load, in the middle of a backfill too, ends up equal',
  async (t) => {
    const server = await stoppableServer(t);
    const pair = await makePair(t, { url: server.url });
    pair.sqlite.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
     INSERT INTO rates (country, year, rate) SELECT 'c' || i, i, i / 8.0 FROM n`,
    );
    const crossfade = await pair.open({ ...OPTIONS, backfillRows: 10 });
    await crossfade.cutover.step('dual');
    const load = Load.start(t, crossfade, { writers: 2, readers: 1 });
    for (const end of [ENDINGS.stopped, ENDINGS['gone by a crash'], ENDINGS['gone by a crash']]) {
      await load.goesOn({ writes: 40, reads: 10 });
      await end(server);
      await load.goesOn({ writes: 40, reads: 10 });
      await server.start();
    }
    await load.stop();
    await caughtUp(crossfade);
    t.true((await crossfade.backfill()).isDone);
    t.deepEqual([...load.failures, ...load.retryable, ...load.broken, ...load.notFound], []);
    await assertAllThere(t, crossfade, server, load);
  },
);

test.serial('A session that ends between two statements of a transaction does not end the process', async (t) => {
  const url = await freshDatabase(t);
  const pool = openPool(url, 60_000);
  t.teardown(() => pool.end());
  const client = await pool.connect();
  const hasEnded = new Promise((resolve) => client.once('end', resolve));
  await client.query('BEGIN');
  const { rows } = await client.query<{ pid: string }>('SELECT pg_backend_pid() AS pid');
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  await other.query('SELECT pg_terminate_backend($1::integer)', [rows[0]?.pid]);
  await other.end();
  await hasEnded;
  client.release(true);
  t.is((await pool.query<{ one: string }>('SELECT 1 AS one')).rows[0]?.one, '1');
});

async function begin(
  t: ExecutionContext,
  server: StoppableServer,
  stage: 'dual' | 'read' | 'write',
): Promise<Crossfade> {
  const pair = await makePair(t, { url: server.url });
  const crossfade = await pair.open(OPTIONS);
  await goTo(crossfade, stage);
  return crossfade;
}

function rounded({ write, read }: { write: number; read: number }): string {
  return `the slowest write took ${Math.round(write)} ms, the slowest read ${Math.round(read)} ms`;
}

async function caughtUp(crossfade: Crossfade): Promise<void> {
  await until('everything is mirrored', () =>
    crossfade.mirror.caughtUp({ timeoutMs: 2_000 }).then(
      () => true,
      () => false,
    ),
  );
}

async function assertAllThere(
  t: ExecutionContext,
  crossfade: Crossfade,
  server: StoppableServer,
  load: Load,
): Promise<void> {
  await caughtUp(crossfade);
  t.deepEqual(await differences(crossfade), []);
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const onPostgres = (await client.query<{ name: string }>('SELECT name FROM settings')).rows.map(({ name }) => name);
  await client.end();
  const onSqlite = await crossfade.direct.sqlite<{ name: string }>('settings').pluck('name');
  for (const names of [new Set(onSqlite), new Set(onPostgres)]) {
    t.deepEqual(
      load.written.filter((name) => !names.has(name)),
      [],
    );
    t.deepEqual(
      [...names].filter((name) => name.endsWith('/a') && !names.has(name.slice(0, -2))),
      [],
    );
  }
  t.log(`${load.written.length} writes acknowledged`);
}

test.serial('what Knex says of a broken connection goes to the logger, and not past it to the console', async (t) => {
  const pair = await makePair(t);
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (text: string) => warnings.push(text), error: () => {} };
  const crossfade = await pair.open({ logger });
  await goTo(crossfade, 'write');
  const printed: unknown[] = [];
  const { log } = console;
  console.log = (...values: unknown[]) => printed.push(...values);
  t.teardown(() => (console.log = log));
  const broken = crossfade.knex.raw('SELECT pg_sleep(30)');
  await t.throwsAsync(
    Promise.all([
      broken,
      until('it is on its way', async () => {
        const { rowCount } = await pair.postgres.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid() AND datname = current_database()`,
        );
        return rowCount === 1;
      }),
    ]),
    { any: true },
  );
  await until('the next query gets another connection', () =>
    crossfade.knex('settings').then(
      () => true,
      () => false,
    ),
  );
  t.deepEqual(printed, []);
  t.true(
    warnings.some((text) => text.includes('Connection Error')),
    warnings.join('\n'),
  );
});
