import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Client } from 'pg';
import { removeEmbeddedPostgres, startEmbeddedPostgres, stopEmbeddedPostgres } from '../server/embedded-postgres.ts';
import { tempFolder } from './helpers/sqlite.ts';

function serverFolder(t: ExecutionContext): string {
  const folder = join(tempFolder(t), 'postgres');
  t.teardown(() => removeEmbeddedPostgres(folder));
  return folder;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('data and address stay when the server is stopped and started again', async (t) => {
  const folder = serverFolder(t);
  const first = await startEmbeddedPostgres({ folder, temporary: true });
  await query(first.url, 'CREATE TABLE thing AS SELECT 7 AS id');
  await first.stop();
  const second = await startEmbeddedPostgres({ folder });
  t.is(second.url, first.url);
  t.false(second.wasRunning);
  t.deepEqual(await query(second.url, 'SELECT id FROM thing'), [{ id: 7 }]);
});

test('two that start at the same moment share one server, which stays until both are done', async (t) => {
  const folder = serverFolder(t);
  const child = spawn(process.execPath, ['--input-type=module', '--eval', START, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [[line], own] = await Promise.all([
    once(child.stdout, 'data') as Promise<[Buffer]>,
    startEmbeddedPostgres({ folder, temporary: true }),
  ]);
  t.is(line.toString().trim(), String(own.pid));
  child.stdin.end();
  await once(child, 'exit');
  t.deepEqual(await query(own.url, 'SELECT 1 AS one'), [{ one: 1 }]);
  await own.stop();
  await t.throwsAsync(query(own.url, 'SELECT 1'));
});

test('the server of a process that was killed is found and used', async (t) => {
  const folder = serverFolder(t);
  const child = spawn(process.execPath, ['--input-type=module', '--eval', START, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGKILL');
  await once(child, 'exit');
  const found = await startEmbeddedPostgres({ folder });
  t.true(found.wasRunning);
  t.is(String(found.pid), line.toString().trim());
  await found.stop();
  t.false(await stopEmbeddedPostgres(folder));
});

test('a process id left in the data folder that belongs to another program by now is no obstacle', async (t) => {
  const folder = serverFolder(t);
  const first = await startEmbeddedPostgres({ folder, temporary: true });
  await first.stop();
  writeFileSync(join(first.home, 'data', 'postmaster.pid'), `${process.pid}\n`);
  const second = await startEmbeddedPostgres({ folder });
  t.false(second.wasRunning);
  t.deepEqual(await query(second.url, 'SELECT 1 AS one'), [{ one: 1 }]);
});

test('another port is found when the one of last time is taken', async (t) => {
  const folder = serverFolder(t);
  const first = await startEmbeddedPostgres({ folder, temporary: true });
  await first.stop();
  const squatter = createServer();
  await new Promise<void>((done) => squatter.listen(first.port, '127.0.0.1', done));
  t.teardown(() => squatter.close());
  const second = await startEmbeddedPostgres({ folder });
  t.not(second.port, first.port);
  await second.stop();
  await t.throwsAsync(startEmbeddedPostgres({ folder, port: first.port }), { message: /it is taken/ });
});

test('a server that cannot start says why and leaves nothing running', async (t) => {
  const folder = serverFolder(t);
  const settings = { shared_buffers: 'plenty' };
  await t.throwsAsync(startEmbeddedPostgres({ folder, temporary: true, settings }), {
    code: 'POSTGRES_UNREACHABLE',
    message: /shared_buffers/,
  });
  t.false(await stopEmbeddedPostgres(folder));
});

test('stopping where nothing runs does nothing', async (t) => {
  const folder = serverFolder(t);
  t.false(await stopEmbeddedPostgres(folder));
  mkdirSync(folder);
  t.false(await stopEmbeddedPostgres(folder));
});

/** A program that starts the server, prints its process id, and stops it when its input ends. */
const START = `
  const { startEmbeddedPostgres } = await import(${JSON.stringify(new URL('../server/embedded-postgres.js', import.meta.url).href)});
  const server = await startEmbeddedPostgres({ folder: process.argv[1], temporary: true });
  console.log(server.pid);
  process.stdin.resume().on('end', () => server.stop());
`;
