import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createCrossfade } from '../adapter/index.ts';
import type { Crossfade } from '../adapter/index.ts';
import type { Stage } from '../adapter/stage.ts';
import type { Status } from '../adapter/status.ts';
import { compareDatabases } from '../compare/compare.ts';
import { createLedgerFile } from '../server/ledger-file.ts';
import { migratePostgres } from '../server/migrate-databases.ts';
import { openExample } from '../server/open-example.ts';
import { freshDatabase, stoppableServer } from './helpers/postgres.ts';
import { tempFolder } from './helpers/sqlite.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

interface Api {
  readonly crossfade: Crossfade;
  readonly logged: string[];
  readonly send: (method: string, path: string, body?: unknown) => Promise<Answer>;
}

/** The example API on a small ledger, in stage `sqlite`, closed with the test. */
async function openApi(t: ExecutionContext, postgres?: string): Promise<Api> {
  const url = postgres ?? (await freshDatabase(t));
  const sqlite = join(tempFolder(t), 'ledger.sqlite');
  await createLedgerFile(sqlite, { scale: 0.005 });
  await migratePostgres(url);
  const crossfade = await createCrossfade({
    sqlite,
    postgres: url,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
  });
  t.teardown(() => crossfade.close());
  const logged: string[] = [];
  const example = await openExample(crossfade, { port: 0, log: (message) => logged.push(message) });
  t.teardown(() => example.close());
  return { crossfade, logged, send: (method, path, body) => request(method, `${example.url}${path}`, body) };
}

async function request(method: string, url: string, body: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { 'Content-Type': 'application/json', Connection: 'close' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const { status, headers } = response;
  const text = await response.text();
  const isJson = headers.get('content-type')?.startsWith('application/json') ?? false;
  return { status, headers, text, body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

async function moveTo(t: ExecutionContext, crossfade: Crossfade, stage: Stage): Promise<void> {
  await crossfade.backfill();
  if (stage !== 'dual') {
    await crossfade.cutover.moveTo('shadow');
    await compareDatabases(crossfade);
  }
  t.like(await crossfade.cutover.moveTo(stage), { outcome: 'moved' });
}

/** The error of an answer, after checking its form and that it gives nothing of the inside away. */
function errorOf(t: ExecutionContext, { body, text }: Answer): { code: string; message: string; hint: string } {
  const { error } = body as { error: { code: string; message: string; hint: string } };
  t.deepEqual(Object.keys(body), ['error']);
  t.deepEqual(Object.keys(error), ['code', 'message', 'hint']);
  t.notRegex(text, /insert into|update `|select |node_modules|\.ts:\d|\.js:\d|\bat .*\(/i);
  return error;
}

const SOMEBODY = { email: 'some.body@example.com', name: 'Zoë Þórr 🐘', profile: { a: [1, null] }, avatar: 'AAH/' };

for (const stage of ['sqlite', 'read', 'write'] as const) {
  test(`accounts can be made, read, changed, replaced and deleted in stage ${stage}`, async (t) => {
    const { crossfade, send } = await openApi(t);
    if (stage !== 'sqlite') await moveTo(t, crossfade, stage);

    const made = await send('POST', '/accounts', SOMEBODY);
    t.is(made.status, 201);
    const path = `/accounts/${String(made.body['id'])}`;
    t.is(made.headers.get('location'), path);
    t.like(made.body, { ...SOMEBODY, country: null, is_active: true, is_provider: false, balance_cents: 0 });
    t.deepEqual((await send('GET', path)).body, made.body);

    const changed = await send('PATCH', path, { is_active: false, profile: null });
    t.is(changed.status, 200);
    t.deepEqual(changed.body, { ...made.body, is_active: false, profile: null });

    const replaced = await send('PUT', path, { email: 'other@example.com', name: 'Other', created_at: 5 });
    t.is(replaced.status, 200);
    t.like(replaced.body, { email: 'other@example.com', avatar: null, is_active: true, created_at: 5 });

    t.is((await send('DELETE', path)).status, 204);
    t.is((await send('GET', path)).status, 404);
    t.is((await send('DELETE', path)).status, 404);
    t.is((await send('PATCH', path, { name: 'Nobody' })).status, 404);
  });
}

test('a list is a page of the collection in the order of its ids', async (t) => {
  const { send } = await openApi(t);
  const page = await send('GET', '/offerings?limit=3&offset=4');
  t.is(page.status, 200);
  const items = page.body['items'] as { id: number; is_listed: unknown }[];
  t.deepEqual(
    items.map(({ id }) => id),
    [5, 6, 7],
  );
  t.is(typeof items[0]?.is_listed, 'boolean');
  t.like(page.body, { limit: 3, offset: 4 });
  t.is(((await send('GET', '/accounts')).body['items'] as unknown[]).length, 25);
});

test('a contract is made with its first payment, or neither is', async (t) => {
  const { crossfade, send } = await openApi(t);
  const contract = { account_id: 1, offering_id: 1, hours: 3, total_cents: 300, terms: { days: 2 } };
  const payment = { amount_cents: 300, currency: 'EUR', method: 'card', reference: 'only-once' };
  const made = await send('POST', '/contracts', { ...contract, payment });
  t.is(made.status, 201);
  t.like(made.body, { ...contract, status: 'draft', auto_renew: false });
  const payments: unknown[] = await crossfade.knex('payments').where({ contract_id: made.body['id'] });
  t.is(payments.length, 1);
  t.like(payments[0], { amount_cents: 300, reference: 'only-once' });

  const before = await rowsIn(crossfade, 'contracts');
  const again = await send('POST', '/contracts', { ...contract, payment });
  t.is(again.status, 409);
  t.like(errorOf(t, again), { code: 'NOT_UNIQUE', message: 'another row already has this reference' });
  t.is(await rowsIn(crossfade, 'contracts'), before);
});

test('wrong input is refused with the name of the field', async (t) => {
  const { send } = await openApi(t);
  const wrong: readonly [string, string, unknown][] = [
    ['email', '/accounts', { name: 'X' }],
    ['email', '/accounts', { ...SOMEBODY, email: 'nobody' }],
    ['name', '/accounts', { ...SOMEBODY, name: 'with a NUL \0' }],
    ['name', '/accounts', { ...SOMEBODY, name: 'half a pair \ud83d' }],
    ['is_active', '/accounts', { ...SOMEBODY, is_active: 1 }],
    ['balance_cents', '/accounts', { ...SOMEBODY, balance_cents: 1.5 }],
    ['balance_cents', '/accounts', { ...SOMEBODY, balance_cents: 2 ** 60 }],
    ['avatar', '/accounts', { ...SOMEBODY, avatar: 'not base64!' }],
    ['emial', '/accounts', { ...SOMEBODY, emial: 'x@y.example' }],
    ['__proto__', '/accounts', '{"email":"x@y.example","name":"X","__proto__":{"a":1}}'],
    ['body', '/accounts', []],
    ['email', '/accounts', undefined],
    ['latitude', '/offerings', { provider_id: 1, title: 'T', category: 'gpu', price_cents_per_hour: 1, latitude: 91 }],
    ['category', '/offerings', { provider_id: 1, title: 'T', category: 'none', price_cents_per_hour: 1 }],
    ['payment', '/contracts', { account_id: 1, hours: 1, total_cents: 1 }],
    ['payment.currency', '/contracts', { account_id: 1, hours: 1, total_cents: 1, payment: { amount_cents: 1 } }],
  ];
  for (const [field, path, body] of wrong) {
    const answer = await send('POST', path, body);
    t.is(answer.status, 400, field);
    const { code, message, hint } = errorOf(t, answer);
    t.is(code, 'FIELD_INVALID');
    t.true(message.startsWith(`field "${field}" `), message);
    t.true(hint.includes(field) && hint.length > field.length + 10, hint);
  }
  for (const query of ['limit=0', 'limit=201', 'limit=x', 'limit=1&limit=2', 'offset=-1', 'offset=1e3']) {
    const answer = await send('GET', `/accounts?${query}`);
    t.is(answer.status, 400, query);
    t.regex(errorOf(t, answer).message, /^field "(limit|offset)" /);
  }
});

test('what is not there, not JSON or in the way is answered as such', async (t) => {
  const { send, logged } = await openApi(t);
  const email = (await send('GET', '/accounts/2')).body['email'];
  const cases: readonly [number, string, Promise<Answer>][] = [
    [404, 'NOT_FOUND', send('GET', '/accounts/999999')],
    [404, 'NOT_FOUND', send('GET', '/accounts/1%20or%201=1')],
    [404, 'NOT_FOUND', send('GET', '/nothing')],
    [400, 'JSON_INVALID', send('POST', '/accounts', '{"email":')],
    [413, 'BODY_TOO_LARGE', send('POST', '/accounts', { ...SOMEBODY, name: 'x'.repeat(300_000) })],
    [409, 'NOT_UNIQUE', send('PATCH', '/accounts/1', { email })],
    [409, 'REFERENCE_BROKEN', send('PATCH', '/contracts/1', { account_id: 999_999 })],
  ];
  for (const [status, code, answering] of cases) {
    const answer = await answering;
    t.is(answer.status, status, code);
    t.is(errorOf(t, answer).code, code);
  }
  t.deepEqual(logged, []);
});

test('/metrics counts the queries of the API in the format of Prometheus', async (t) => {
  const { send } = await openApi(t);
  const count = async (): Promise<number> => {
    const { headers, text } = await send('GET', '/metrics');
    t.regex(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const line = /^crossfade_query_duration_seconds_count\{(?=[^}]*store="sqlite")(?=[^}]*kind="write")[^}]*\} (\d+)$/m;
    return Number(line.exec(text)?.[1] ?? 0);
  };
  const before = await count();
  await send('POST', '/accounts', SOMEBODY);
  t.is(await count(), before + 1);
});

test('/crossfade/status tells the stage and the way on, and no secret', async (t) => {
  const { crossfade, send } = await openApi(t);
  t.like((await send('GET', '/crossfade/status')).body, { isInstalled: false, stage: 'sqlite', primary: 'sqlite' });
  await moveTo(t, crossfade, 'read');
  const { status, text, body } = await send('GET', '/crossfade/status');
  t.is(status, 200);
  t.like(body, {
    isInstalled: true,
    stage: 'read',
    nextStage: 'write',
    primary: 'sqlite',
    reads: 'postgres',
    breaker: 'closed',
    quarantined: [],
    reachable: { sqlite: true, postgres: true },
    backfill: { isDone: true },
    lastComparison: { outcome: 'match', isFull: true },
  });
  t.notRegex(text, /postgres(ql)?:\/\/|password/i);
});

test('the status page needs nothing from outside, and its policy allows just its own script and style', async (t) => {
  const { send } = await openApi(t);
  const { status, headers, text } = await send('GET', '/crossfade');
  t.is(status, 200);
  t.regex(headers.get('content-type') ?? '', /^text\/html/);
  const addresses = [...text.matchAll(/https?:\/\/[^\s'"<)]+/g)].map(([address]) => address);
  // The name of SVG's namespace is no address that anybody asks.
  t.deepEqual([...new Set(addresses)], ['http://www.w3.org/2000/svg']);
  t.notRegex(text, /<(?:script|img|iframe)[^>]*\ssrc=|@import|url\(|\son\w+=|\sstyle=/i);
  t.deepEqual(
    [...text.matchAll(/\shref="([^"]*)"/g)].map(([, href]) => href),
    ['data:,'],
  );
  const policy = headers.get('content-security-policy') ?? '';
  t.regex(policy, /default-src 'none'/);
  t.regex(policy, /script-src 'sha256-[\w+/=]+';/);
  t.regex(policy, /style-src 'sha256-[\w+/=]+';/);
  t.notRegex(policy, /unsafe/);
  t.true(text.includes('"writes":"postgres"'), 'the table of stages is in the page');
});

test('without PostgreSQL the API is ready and writes in stage dual, and says what is missing in stage write', async (t) => {
  const server = await stoppableServer(t);
  const { crossfade, send } = await openApi(t, server.url);
  await moveTo(t, crossfade, 'dual');
  t.is((await send('GET', '/readyz')).status, 200);

  await server.stop();
  t.is((await send('GET', '/readyz')).status, 200);
  t.is((await send('POST', '/accounts', SOMEBODY)).status, 201);
  t.like((await send('GET', '/crossfade/status')).body, { reachable: { sqlite: true, postgres: false } });

  await server.start();
  await until(async () => ((await send('GET', '/crossfade/status')).body as unknown as Status).reachable.postgres);
  await moveTo(t, crossfade, 'write');
  t.is((await send('GET', '/readyz')).status, 200);

  await server.stop();
  const unready = await send('GET', '/readyz');
  t.is(unready.status, 503);
  t.regex(unready.text, /postgres, which takes the writes in stage write, cannot be reached/);
  t.is((await send('GET', '/healthz')).status, 200);
  const refused = await send('POST', '/accounts', { ...SOMEBODY, email: 'later@example.com' });
  t.is(refused.status, 503);
  t.is(refused.headers.get('retry-after'), '1');
  t.true(errorOf(t, refused).hint.length > 0);

  await server.start();
  await until(async () => (await send('GET', '/readyz')).status === 200);
  await until(
    async () => (await send('POST', '/accounts', { ...SOMEBODY, email: 'later@example.com' })).status === 201,
  );
});

async function rowsIn(crossfade: Crossfade, table: string): Promise<number> {
  const [row] = (await crossfade.knex(table).count({ rows: '*' })) as { rows: number }[];
  return row?.rows ?? -1;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition did not come true within 20 s');
    await pause(50);
  }
}
