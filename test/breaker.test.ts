import { createServer } from 'node:net';
import { once } from 'node:events';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import knex from 'knex';
import { Client } from 'pg';
import { Breaker } from '../adapter/breaker.ts';
import type { BreakerState } from '../adapter/breaker.ts';
import { CrossfadeError } from '../adapter/errors.ts';
import { isFenceError } from '../adapter/fence-error.ts';
import { isInfrastructureError } from '../adapter/infrastructure-error.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { sqliteFile } from './helpers/sqlite.ts';

function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}

function newBreaker(t: ExecutionContext, options: ConstructorParameters<typeof Breaker>[0] = {}): Breaker {
  const breaker = new Breaker({ minimumCalls: 3, resetMs: 10, ...options });
  t.teardown(() => breaker.close());
  return breaker;
}

async function fail(t: ExecutionContext, breaker: Breaker, times: number): Promise<void> {
  for (let call = 0; call < times; call++) {
    await t.throwsAsync(
      breaker.run(() => Promise.reject(refused())),
      { code: 'ECONNREFUSED' },
    );
  }
}

async function becomes(breaker: Breaker, state: BreakerState): Promise<void> {
  if (breaker.state === state) return;
  await new Promise<void>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`still ${breaker.state} after 5 s, not ${state}`)), 5_000);
    breaker.onChange((now) => {
      if (now !== state) return;
      clearTimeout(limit);
      resolve();
    });
  });
}

async function errorOf(work: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test('a closed breaker gives back what the work gives, and opens only after a number of calls', async (t) => {
  const breaker = newBreaker(t);
  t.is(await breaker.run(async () => 'value'), 'value');
  await fail(t, breaker, 1);
  t.is(breaker.state, 'closed');
  await fail(t, breaker, 1);
  t.is(breaker.state, 'open');
});

test('an open breaker refuses with a typed error and does not call the work', async (t) => {
  const breaker = newBreaker(t, { resetMs: 60_000 });
  await fail(t, breaker, 3);
  const error = await t.throwsAsync(
    breaker.run(async () => t.fail()),
    { code: 'BREAKER_OPEN' },
  );
  t.true(error instanceof CrossfadeError && error.retryable);
});

test('after a while one call may try: it closes the breaker, or opens it again', async (t) => {
  const breaker = newBreaker(t);
  const states: BreakerState[] = [];
  breaker.onChange((state) => states.push(state));
  await fail(t, breaker, 3);
  await becomes(breaker, 'half-open');
  await fail(t, breaker, 1);
  t.is(breaker.state, 'open');
  await becomes(breaker, 'half-open');
  t.is(await breaker.run(async () => 1), 1);
  t.is(breaker.state, 'closed');
  t.deepEqual(states, ['open', 'half-open', 'open', 'half-open', 'closed']);
});

test('while one call tries, others are refused', async (t) => {
  const breaker = newBreaker(t);
  await fail(t, breaker, 3);
  await becomes(breaker, 'half-open');
  let finish = (): void => {};
  const trying = breaker.run(() => new Promise<void>((resolve) => (finish = resolve)));
  await t.throwsAsync(
    breaker.run(async () => t.fail()),
    { code: 'BREAKER_OPEN' },
  );
  finish();
  await trying;
  t.is(breaker.state, 'closed');
});

test('the application’s own errors never open it, and prove that the server answers', async (t) => {
  const breaker = newBreaker(t);
  const url = await freshDatabase(t);
  const client = new Client({ connectionString: url });
  await client.connect();
  t.teardown(() => client.end());
  const violate = (): Promise<unknown> => client.query('selec');
  for (let call = 0; call < 10; call++) await t.throwsAsync(breaker.run(violate), { code: '42601' });
  t.is(breaker.state, 'closed');
  const other = newBreaker(t);
  await fail(t, other, 3);
  await becomes(other, 'half-open');
  await t.throwsAsync(other.run(violate), { code: '42601' });
  t.is(other.state, 'closed');
});

test('failures seen elsewhere count as well', (t) => {
  const breaker = newBreaker(t);
  for (let call = 0; call < 10; call++) breaker.observe(new Error('a mistake of the application'));
  t.is(breaker.state, 'closed');
  return (async () => {
    for (let call = 0; call < 3; call++) breaker.observe(refused());
    await becomes(breaker, 'open');
    t.not(breaker.state, 'closed');
  })();
});

test('a closed-down breaker refuses, and a listener that was taken back hears nothing', async (t) => {
  const breaker = newBreaker(t);
  const stop = breaker.onChange(() => t.fail());
  stop();
  await fail(t, breaker, 3);
  breaker.close();
  await t.throwsAsync(
    breaker.run(async () => t.fail()),
    { code: 'CLOSED' },
  );
});

test('a server that refuses, hangs up, or shuts down is an infrastructure error', async (t) => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  const url = `postgresql://user:secret@127.0.0.1:${address.port}/db`;
  const connect = (): Promise<unknown> => new Client({ connectionString: url }).connect();
  t.true(isInfrastructureError(await errorOf(connect)), 'hangs up');
  server.close();
  await once(server, 'close');
  t.true(isInfrastructureError(await errorOf(connect)), 'refuses');

  const target = await freshDatabase(t);
  const db = knex({ client: 'pg', connection: target, pool: { min: 0, max: 1 } });
  t.teardown(() => db.destroy());
  const ended = await errorOf(() => db.raw('select pg_terminate_backend(pg_backend_pid())'));
  t.true(isInfrastructureError(ended), String(ended));
});

test('a pool without a free connection is an infrastructure error, a query’s own time limit is none', async (t) => {
  const url = await freshDatabase(t);
  const db = knex({
    client: 'pg',
    connection: url,
    pool: { min: 0, max: 1 },
    acquireConnectionTimeout: 1_500,
    log: { warn: () => {} },
  });
  t.teardown(() => db.destroy());
  const trx = await db.transaction();
  t.true(isInfrastructureError(await errorOf(() => db.raw('select 1'))));
  await trx.rollback();
  const limited = await errorOf(() => db.raw('select pg_sleep(10)').timeout(20, { cancel: true }));
  t.true(limited instanceof Error && limited.name === 'KnexTimeoutError');
  t.false(isInfrastructureError(limited));
});

test('which SQLSTATEs speak of the server', (t) => {
  const withCode = (code: string): Error => Object.assign(new Error('x'), { code });
  const infrastructure = ['08006', '53300', '53100', '57P01', '57P02', '57P03', '58030', 'EPIPE'];
  const application = ['23505', '42601', '57014', '40001', '25P02', '28P01', '55P03', 'CF001', 'SQLITE_BUSY'];
  t.deepEqual(
    infrastructure.filter((code) => !isInfrastructureError(withCode(code))),
    [],
  );
  t.deepEqual(
    application.filter((code) => isInfrastructureError(withCode(code))),
    [],
  );
  t.false(isInfrastructureError(undefined));
  t.false(isInfrastructureError('08006'));
  t.true(isInfrastructureError(new CrossfadeError('POSTGRES_UNREACHABLE', 'x', { hint: 'y' })));
  t.false(isInfrastructureError(new CrossfadeError('BREAKER_OPEN', 'x', { hint: 'y' })));
});

test('a fence is recognised as each database says it, also through Knex, and nothing else is one', async (t) => {
  const path = sqliteFile(
    t,
    `create table t (a text unique);
     insert into t values ('a - crossfade: fenced');
     create trigger fence before delete on t begin select raise(abort, 'crossfade: fenced: go away'); end;
     create trigger other before update on t begin select raise(abort, 'crossfade is not involved'); end;`,
  );
  const raw = new Database(path);
  t.teardown(() => raw.close());
  const db = knex({ client: 'better-sqlite3', connection: { filename: path }, useNullAsDefault: true });
  t.teardown(() => db.destroy());
  t.true(isFenceError(t.throws(() => raw.exec('delete from t'), { any: true })));
  t.true(isFenceError(await errorOf(() => db('t').del())));
  t.false(isFenceError(await errorOf(() => db('t').update({ a: 'b' }))));
  t.false(isFenceError(await errorOf(() => db('t').insert({ a: 'a - crossfade: fenced' }))));

  const client = new Client({ connectionString: await freshDatabase(t) });
  await client.connect();
  t.teardown(() => client.end());
  const raise = (state: string): string =>
    `do $$ begin raise exception 'crossfade: fenced' using errcode = '${state}'; end $$`;
  t.true(isFenceError(await errorOf(() => client.query(raise('CF001')))));
  t.false(isFenceError(await errorOf(() => client.query(raise('CF002')))));
});
