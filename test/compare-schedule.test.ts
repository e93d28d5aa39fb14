import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import express from 'express';
import { isCrossfadeError } from '../adapter/errors.ts';
import { crossfadeRoutes, scheduleComparisons } from '../server/express.ts';
import type { ComparisonSchedule } from '../server/express.ts';
import { behindTheFence } from './helpers/behind-the-fence.ts';
import { goTo, makePair, until } from './helpers/pair.ts';

const total = ({ results }: ReturnType<ComparisonSchedule['status']>): number =>
  Object.values(results).reduce((sum, count) => sum + count, 0);

test('of two processes with the same schedule one compares at each time, and what became of each is counted', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec("INSERT INTO accounts (email) VALUES ('a'), ('b')");
  const first = await pair.open();
  await goTo(first, 'dual');
  const second = await pair.open();
  const log: string[] = [];
  const schedules = [first, second].map((crossfade) =>
    scheduleComparisons(crossfade, { cron: '* * * * * *', log: (message) => log.push(message) }),
  );
  t.teardown(() => Promise.all(schedules.map((schedule) => schedule.close())));
  const sum = (...results: readonly (keyof ReturnType<ComparisonSchedule['status']>['results'])[]): number =>
    schedules
      .flatMap((schedule) => results.map((result) => schedule.status().results[result]))
      .reduce((a, b) => a + b, 0);
  await until('both have come to several times', () =>
    Promise.resolve(sum('ran') >= 2 && sum('elsewhere', 'done') >= 2),
  );
  for (const schedule of schedules) await schedule.close();
  const { comparisons } = first.records;
  const runs = (await comparisons.list({ limit: 100 })).toReversed();
  const [one] = schedules.map((schedule) => schedule.status().results);
  t.is(runs.length, sum('ran'));
  t.is(sum('failed', 'idle'), 0);
  for (const [index, run] of runs.entries()) {
    const next = runs[index + 1];
    t.true(next === undefined || run.finishedAt <= next.startedAt, 'two never run at once');
  }
  t.true(runs.every(({ outcome }) => outcome === 'match'));
  t.deepEqual(log, []);
  const metrics = await first.metrics.metrics();
  t.regex(metrics, new RegExp(`crossfade_comparison_scheduled_total\\{result="ran"\\} ${one?.ran}\n`));
  t.regex(metrics, /crossfade_comparison_outcome\{outcome="match"\} 1\n/);
  t.regex(metrics, /crossfade_comparison_rows 2\n/);
  t.regex(metrics, /crossfade_comparison_differences\{class="missing",table="accounts"\} 0\n/);
  t.regex(await second.metrics.metrics(), /crossfade_comparison_age_seconds [\d.]+\n/, 'in every process');
});

test('a schedule that cannot be read is refused at once, with the reason', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  for (const [cron, timeZone, reason] of [
    ['61 * * * *', 'UTC', /Invalid value for minute: 61/],
    ['every night', 'UTC', /space separated parts/],
    ['0 0 30 2 *', 'UTC', /never comes/],
    ['0 3 * * *', 'Europe/Atlantis', /Atlantis/],
  ] as const) {
    const error = t.throws(() => scheduleComparisons(crossfade, { cron, timeZone }));
    t.true(isCrossfadeError(error, 'CONFIG_INVALID'));
    t.regex(error?.message ?? '', reason);
  }
  const berlin = scheduleComparisons(crossfade, { cron: '0 3 1 7 *', timeZone: 'Europe/Berlin' });
  t.regex(berlin.status().next ?? '', /-07-01T01:00:00/);
  await berlin.close();
  const utc = scheduleComparisons(crossfade, { cron: '0 3 1 7 *' });
  t.regex(utc.status().next ?? '', /-07-01T03:00:00/);
  await utc.close();
});

test('where nothing is mirrored a schedule does nothing, and closing breaks off what is under way', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  const idle = scheduleComparisons(crossfade, { cron: '* * * * * *' });
  await until('its time has come', async () => Promise.resolve(idle.status().results.idle > 0));
  await idle.close();
  t.is(total(idle.status()), idle.status().results.idle);
  pair.sqlite.exec(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) INSERT INTO accounts (email) SELECT 'e' || i FROM n`,
  );
  await goTo(crossfade, 'dual');
  const busy = scheduleComparisons(crossfade, { cron: '* * * * * *', compare: { rowsPerSecond: 1_000 } });
  await until('it compares', async () => Promise.resolve(busy.status().isRunning));
  await busy.close();
  t.false(busy.status().isRunning);
  t.is(busy.status().results.failed, 0);
});

test('the routes show the last report as a page and as JSON, and the schedule in the status', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec("INSERT INTO accounts (email, settings) VALUES ('a', 'private'), ('b', NULL)");
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  await behindTheFence({ postgres: pair.url }, "UPDATE accounts SET settings = 'other' WHERE id = 1");
  const said: string[] = [];
  const comparisons = scheduleComparisons(crossfade, { cron: '* * * * * *', log: (message) => said.push(message) });
  t.teardown(() => comparisons.close());
  const app = express().use('/operators', crossfadeRoutes(crossfade, { comparisons }));
  const server = createServer(app).listen(0);
  t.teardown(() => server.close());
  const url = `http://localhost:${(server.address() as AddressInfo).port}/operators/crossfade`;
  const before = await fetch(`${url}/comparison.json`);
  if (comparisons.status().results.ran === 0) t.is(before.status, 404);
  await before.text();
  await until('it has compared', async () => Promise.resolve(comparisons.status().results.ran > 0));
  await comparisons.close();
  t.regex(said[0] ?? '', /^crossfade: the databases differ: 1 differing; see crossfade compare$/);

  const page = await fetch(`${url}/comparison`);
  t.is(page.status, 200);
  t.regex(page.headers.get('Content-Security-Policy') ?? '', /^default-src 'none'; img-src data:; style-src 'sha256-/);
  const html = await page.text();
  t.regex(html, /1 differing/);
  t.notRegex(html, /private|other/);
  const report = (await (await fetch(`${url}/comparison.json`)).json()) as { version: number; outcome: string };
  t.is(report.version, 1);
  t.is(report.outcome, 'mismatch');
  const status = (await (await fetch(`${url}/status`)).json()) as {
    comparisons: { outcome: string }[];
    comparisonSchedule: { cron: string; timeZone: string; isRunning: boolean };
  };
  t.is(status.comparisons[0]?.outcome, 'mismatch');
  t.like(status.comparisonSchedule, { cron: '* * * * * *', timeZone: 'UTC', isRunning: false });
  server.closeAllConnections();
});
