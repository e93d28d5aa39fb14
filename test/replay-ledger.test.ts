import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createCrossfade } from '../adapter/index.ts';
import { STAGE_NAMES } from '../adapter/stage.ts';
import type { Stage } from '../adapter/stage.ts';
import { createLedgerFile } from '../server/ledger-file.ts';
import { migratePostgres } from '../server/migrate-databases.ts';
import { openExample } from '../server/open-example.ts';
import { LedgerTraffic } from './helpers/ledger-traffic.ts';
import type { RecordedRequest } from './helpers/ledger-traffic.ts';
import { goTo } from './helpers/pair.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { Random } from './helpers/random.ts';
import { tempFolder } from './helpers/sqlite.ts';

/** How many requests are recorded; CROSSFADE_REPLAY asks for more. */
const REQUESTS = Number(process.env['CROSSFADE_REPLAY'] ?? 80);

interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly body: string;
}

/** The example API in a stage, on a pair of its own that begins with the same rows. */
async function openStage(
  t: ExecutionContext,
  seeded: string,
  stage: Stage,
): Promise<(request: RecordedRequest) => Promise<Answer>> {
  const url = await freshDatabase(t);
  const sqlite = join(tempFolder(t), 'ledger.sqlite');
  copyFileSync(seeded, sqlite);
  await migratePostgres(url);
  const crossfade = await createCrossfade({
    sqlite,
    postgres: url,
    logger: { info: () => {}, warn: () => {}, error: (text) => t.log(text) },
    pollMs: 2,
  });
  t.teardown(() => crossfade.close());
  if (stage !== 'sqlite') await goTo(crossfade, stage);
  const example = await openExample(crossfade, { port: 0, log: (text) => t.log(text) });
  t.teardown(() => example.close());
  return async ({ method, path, body }) => {
    const response = await fetch(`${example.url}${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, location: response.headers.get('location'), body: await response.text() };
  };
}

test('in every stage the example API answers a recorded traffic byte for byte as on SQLite alone', async (t) => {
  t.timeout(600_000);
  const seeded = join(tempFolder(t), 'seeded.sqlite');
  await createLedgerFile(seeded, { scale: 0.002 });
  const random = new Random(Random.seedOfSuite());
  const traffic = new LedgerTraffic(random);
  const requests: RecordedRequest[] = [];
  const answers: Answer[] = [];
  const record = await openStage(t, seeded, 'sqlite');
  const take = async (request: RecordedRequest): Promise<void> => {
    const answer = await record(request);
    requests.push(request);
    answers.push(answer);
    traffic.learn(request, answer);
  };
  while (requests.length < REQUESTS) await take(traffic.next());
  // On PostgreSQL an insert that fails takes a number all the same, so that ids after it differ.
  for (const request of traffic.failing()) await take(request);
  t.deepEqual(
    [...new Set(answers.map(({ status }) => status))].sort((a, b) => a - b),
    [200, 201, 204, 400, 404, 409],
  );
  for (const stage of STAGE_NAMES.filter((name) => name !== 'sqlite')) {
    const ask = await openStage(t, seeded, stage);
    for (const [number, request] of requests.entries()) {
      const answer = await ask(request);
      if (JSON.stringify(answer) === JSON.stringify(answers[number])) continue;
      t.deepEqual(answer, answers[number], `stage ${stage}, request ${number}: ${request.method} ${request.path}`);
      return;
    }
  }
  t.pass();
});
