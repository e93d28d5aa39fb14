import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { divergenceHtml } from '../compare/divergence-html.ts';
import { divergenceReport } from '../compare/divergence-report.ts';
import type { CompareOptions } from '../compare/compare.ts';
import { divergenceText } from '../compare/divergence-text.ts';
import type { Divergence, DivergenceReport } from '../compare/divergence.ts';
import { repair, repairResult } from '../compare/repair.ts';
import { repairText } from '../compare/repair-text.ts';
import { behindTheFence } from './helpers/behind-the-fence.ts';
import { goTo, makePair } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import type { Crossfade } from '../adapter/index.ts';

const SCHEMA = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../compare/report.schema.json'), 'utf8'),
) as Record<string, unknown>;
const isValid = new Ajv2020({ allErrors: true, strictTypes: false }).compile(SCHEMA);

function assertValid(t: ExecutionContext, report: DivergenceReport): void {
  t.true(isValid(JSON.parse(JSON.stringify(report))), JSON.stringify(isValid.errors));
}

const ROWS = `
  INSERT INTO accounts (email, balance, rate, avatar, settings) VALUES ('a@b.de', 1, 0.5, x'00ff', 'private'), ('it''s', 2, 3, NULL, NULL), ('c', 3, 1e300, x'', '');
  INSERT INTO payments (account_id, cents, note) VALUES (1, 100, 'one'), (1, 200, NULL), (2, 300, 'three');
  INSERT INTO settings VALUES ('key one', 'value'), ('ключ', 'значение');
  INSERT INTO rates VALUES ('de', 2020, 1.5), ('de', 2021, 2);
`;

async function mirrored(t: ExecutionContext): Promise<{ pair: Pair; crossfade: Crossfade }> {
  const pair = await makePair(t);
  pair.sqlite.exec(ROWS);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  return { pair, crossfade };
}

/** On a machine that has much else to do a look may take too long to confirm the one before it: then it looks once more. */
async function compared(crossfade: Crossfade, options: CompareOptions = {}): Promise<DivergenceReport> {
  return await divergenceReport(crossfade, { attempts: 60, ...options });
}

const brief = ({ class: kind, table, key, columns }: Divergence): string =>
  [kind, table, key ?? '', columns.join(',')].join(' ').trimEnd();

test('a clean comparison gives a report that fits the schema, and a page and a text that say so', async (t) => {
  const { crossfade } = await mirrored(t);
  const report = await compared(crossfade);
  assertValid(t, report);
  t.is(report.outcome, 'match', divergenceText(report));
  t.true(report.isFull);
  t.deepEqual(report.differences, []);
  t.is(report.totals.rowsCompared, 10);
  t.regex(divergenceText(report), /^match: no difference\n10 rows in 4 tables/);
  const html = divergenceHtml(report, { history: await crossfade.records.comparisons.list({ limit: 10 }) });
  t.regex(html, /no difference/);
  t.notRegex(html, /<script|https?:\/\/|url\(/);
});

const STATEMENTS: readonly [string, RegExp][] = [
  [
    'DELETE FROM payments WHERE id = 2',
    /^missing payments \[2\]: INSERT INTO "payments" \("id", "account_id", "cents", "note"\) VALUES \(2, \$1, \$2, \$3\)$/,
  ],
  [
    "INSERT INTO settings VALUES ('it''s', 'only here')",
    /^extra settings \["it's"\]: DELETE FROM "settings" WHERE "name" = 'it''s'$/,
  ],
  [
    'UPDATE rates SET rate = 1.5000000000000002 WHERE year = 2020',
    /^differing rates \["de", 2020\] rate: UPDATE "rates" SET "rate" = \$1 WHERE "country" = 'de' AND "year" = 2020$/,
  ],
  [
    "UPDATE accounts SET settings = 'PRIVATE', avatar = '\\x00fe', is_active = false WHERE id = 1",
    /^differing accounts \[1\] is_active,avatar,settings: UPDATE "accounts" SET "is_active" = \$1, "avatar" = \$2, "settings" = \$3 WHERE "id" = 1$/,
  ],
];

test('each difference has its class, its columns, its age and the statement that mends it; values only when asked for', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  const at = { postgres: pair.url };
  for (const [sql] of STATEMENTS) await behindTheFence(at, sql);
  const first = await compared(crossfade);
  assertValid(t, first);
  t.is(first.outcome, 'mismatch');
  const order = ['missing', 'extra', 'differing', 'differing'];
  t.deepEqual(
    first.differences.map((one) => one.class),
    order,
  );
  for (const [, expected] of STATEMENTS) {
    t.true(
      first.differences.some((one) => expected.test(`${brief(one)}: ${one.mend.statement}`)),
      `${expected}: ${divergenceText(first)}`,
    );
  }
  t.true(
    first.differences.every(
      ({ ageSeconds, values, mend }) => ageSeconds < 60 && values === undefined && mend.database === 'postgres',
    ),
  );
  t.notRegex(JSON.stringify(first) + divergenceText(first) + divergenceHtml(first), /private|only here|00ff/i);

  const again = await compared(crossfade, { showValues: true });
  assertValid(t, again);
  t.deepEqual(again.differences.map(brief), first.differences.map(brief));
  t.true(
    again.differences.every(({ firstSeenAt }) => firstSeenAt <= first.finishedAt),
    'an earlier run saw them first',
  );
  t.true(again.differences.every(({ ageSeconds }) => ageSeconds > 0));
  t.deepEqual(again.differences.find(({ table }) => table === 'accounts')?.values, [
    { column: 'is_active', sqlite: '1', postgres: '0' },
    { column: 'avatar', sqlite: "x'00ff'", postgres: "x'00fe'" },
    { column: 'settings', sqlite: '"private"', postgres: '"PRIVATE"' },
  ]);
  t.deepEqual(again.differences.find(({ table }) => table === 'rates')?.values, [
    { column: 'rate', sqlite: '1.5', postgres: '1.5000000000000002' },
  ]);
  t.regex(divergenceHtml(again) + divergenceText(again), /private/);
  t.notRegex((await crossfade.records.comparisons.lastReport()) ?? 'private', /private/i, 'values are not kept');

  for (const { mend } of again.differences) {
    await pair.postgres.query(`${again.byHand?.before}; ${mend.statement}; ${again.byHand?.after}`);
  }
  const mended = await compared(crossfade);
  t.is(mended.outcome, 'match', divergenceText(mended));
  t.is((await crossfade.records.comparisons.list({ limit: 2 })).length, 2);
});

test('with SQLite as secondary the statements are for SQLite, and mend it', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  await goTo(crossfade, 'write');
  await behindTheFence(
    { sqlite: pair.path },
    `DELETE FROM rates WHERE year = 2021; UPDATE accounts SET rate = 0, avatar = NULL, settings = 'a' || char(0) WHERE id < 3;
     INSERT INTO settings VALUES ('only here', NULL)`,
  );
  const report = await compared(crossfade, { showValues: true });
  assertValid(t, report);
  t.is(report.primary, 'postgres');
  t.deepEqual(report.differences.map(brief), [
    'missing rates ["de", 2021]',
    'extra settings ["only here"]',
    'differing accounts [1] rate,avatar,settings',
    'differing accounts [2] rate,settings',
  ]);
  for (const { mend } of report.differences) {
    t.is(mend.database, 'sqlite');
    pair.sqlite.exec(`${report.byHand?.before}; ${mend.statement}; ${report.byHand?.after}`);
  }
  const mended = await compared(crossfade);
  t.is(mended.outcome, 'match', divergenceText(mended));
});

test('rows in quarantine, sequences behind and schema drift are differences too, each with what to do', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  pair.sqlite.exec("UPDATE payments SET note = 'a' || char(0) WHERE id = 3");
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  await pair.postgres.query(
    'CREATE UNIQUE INDEX one_rate ON rates (rate); ALTER TABLE settings ALTER value SET NOT NULL',
  );
  const report = await compared(crossfade);
  assertValid(t, report);
  t.is(report.outcome, 'mismatch');
  t.deepEqual(
    report.differences.map((one) => `${one.severity}: ${brief(one)}`),
    [
      'mismatch: quarantined payments [3]',
      'warning: schema drift rates  rate',
      'warning: schema drift settings  value',
    ],
  );
  t.true(report.differences.every(({ mend, reason }) => mend.advice !== null && reason !== null));
  t.is(report.totals.schemaWarnings, 2);

  pair.sqlite.exec('UPDATE payments SET note = NULL WHERE id = 3');
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  const warned = await compared(crossfade);
  t.is(warned.outcome, 'match', 'a warning leaves the outcome as it is');
  t.regex(divergenceText(warned), /^match: no difference in rows; the schemas differ/);

  await pair.postgres.query('DROP INDEX one_rate; ALTER TABLE settings ALTER value DROP NOT NULL');
  await goTo(crossfade, 'write');
  await pair.postgres.query("SELECT setval(pg_get_serial_sequence('payments', 'id'), 1)");
  const behind = await compared(crossfade);
  assertValid(t, behind);
  t.deepEqual(behind.differences.map(brief), ['sequence behind payments  id']);
  await pair.postgres.query(behind.differences[0]?.mend.statement ?? '');
  t.is((await compared(crossfade)).outcome, 'match');
  await pair.postgres.query('ALTER TABLE payments ADD COLUMN extra text');
  const drifted = await compared(crossfade, { catchUpMs: 200 });
  assertValid(t, drifted);
  t.is(drifted.outcome, 'mismatch');
  t.is(drifted.totals.schemaDrift, 1);
  t.false(drifted.isFull);
});

test('a repair first says what it would do; with a yes the Mirror does it, and exactly these rows are looked at again', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  for (const [sql] of STATEMENTS) await behindTheFence({ postgres: pair.url }, sql);
  const before = pair.sqlite.prepare('SELECT * FROM accounts').all();
  const report = await compared(crossfade);
  const planned = await repair(crossfade, report);
  t.is(repairResult(planned), 'dry run');
  t.deepEqual(planned.tables, [
    { table: 'accounts', before: { missing: 0, extra: 0, differing: 1 }, after: null },
    { table: 'payments', before: { missing: 1, extra: 0, differing: 0 }, after: null },
    { table: 'rates', before: { missing: 0, extra: 0, differing: 1 }, after: null },
    { table: 'settings', before: { missing: 0, extra: 1, differing: 0 }, after: null },
  ]);
  t.regex(repairText(planned), /nothing was done: give --yes/);
  t.is((await compared(crossfade)).differences.length, 4, 'nothing was done');

  const done = await repair(crossfade, report, { yes: true });
  t.is(repairResult(done), 'repaired', repairText(done));
  t.true(done.tables.every(({ after }) => after !== null && Object.values(after).every((rows) => rows === 0)));
  t.deepEqual(pair.sqlite.prepare('SELECT * FROM accounts').all(), before, 'the primary is left alone');
  t.is((await compared(crossfade)).outcome, 'match');
});

test('a repair says what remains: a row that the secondary refuses', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  await behindTheFence({ postgres: pair.url }, "UPDATE payments SET note = 'x' WHERE id < 3");
  const report = await compared(crossfade);
  t.is(report.differences.length, 2);
  // Between the report and the repair the row becomes one that PostgreSQL cannot hold.
  pair.sqlite.exec("UPDATE payments SET note = 'a' || char(0) WHERE id = 1");
  const done = await repair(crossfade, report, { yes: true });
  t.is(repairResult(done), 'remains', repairText(done));
  const [payments] = done.tables;
  t.deepEqual(payments?.after, { missing: 0, extra: 0, differing: 0, quarantined: 1, inconclusive: 0 });
});

test('ten thousand differences make a page that is whole, and names and keys that are markup stay text', async (t) => {
  const name = '<img src=x onerror=alert(1)> & "co" \u202e';
  const quoted = `"${name.replaceAll('"', '""')}"`;
  const pair = await makePair(t, {
    tables: {
      sqlite: `CREATE TABLE ${quoted} ("<k>" TEXT PRIMARY KEY NOT NULL, "</table>" TEXT)`,
      postgres: `CREATE TABLE ${quoted} ("<k>" text PRIMARY KEY, "</table>" text)`,
    },
  });
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  await behindTheFence(
    { postgres: pair.url },
    `INSERT INTO ${quoted} SELECT '</code><script>alert(' || n || ')</script>', '</style>' FROM generate_series(1, 10000) n`,
  );
  const report = await compared(crossfade, { maxDifferences: 10_000, showValues: true });
  assertValid(t, report);
  t.is(report.differences.length, 10_000);
  t.is(report.differencesLeftOff, 0);
  const html = divergenceHtml(report, { history: await crossfade.records.comparisons.list({ limit: 10 }) });
  t.is(html.match(/<tr>/g)?.length, 10_000 + 50 + 2, 'a row for each, fifty headers, and the history');
  t.notRegex(html, /<script|<img|\u202e/);
  t.is(html.match(/<\/style>/g)?.length, 1);
  t.true(html.includes('&lt;/code&gt;&lt;script&gt;alert(10000)&lt;/script&gt;'));
  t.notRegex(divergenceText(report), /\u202e/);
  const few = await compared(crossfade, { maxDifferences: 7 });
  t.is(few.differences.length, 7);
  t.is(few.differencesLeftOff, 9_993);
  t.regex(divergenceText(few), /… and 9,993 more/);
});

test('of past runs the newest come first, with their counts by table; old ones are forgotten', async (t) => {
  const { crossfade } = await mirrored(t);
  const { comparisons } = crossfade.records;
  t.deepEqual(await comparisons.list({ limit: 10 }), []);
  t.is(await comparisons.lastReport(), undefined);
  await compared(crossfade, { tables: ['rates'] });
  const report = await compared(crossfade);
  const [last, first, ...others] = await comparisons.list({ limit: 10 });
  t.deepEqual(others, []);
  t.is(last?.startedAt.toISOString(), report.startedAt);
  t.is(last?.isFull, true);
  t.is(first?.isFull, false);
  t.deepEqual(
    last?.tables?.map(({ table, rowsCompared }) => [table, rowsCompared]),
    [
      ['accounts', 3],
      ['payments', 3],
      ['rates', 2],
      ['settings', 2],
    ],
  );
  t.deepEqual(JSON.parse((await comparisons.lastReport()) ?? ''), JSON.parse(JSON.stringify(report)));

  // As if there had been many since: all partial, so that the last full one must stay for the gates.
  await pairQuery(
    crossfade,
    `INSERT INTO crossfade.comparisons (started, finished, outcome, is_full, rows_compared, missing, extra, differing, inconclusive)
    SELECT now(), now(), 'match', false, 0, 0, 0, 0, 0 FROM generate_series(1, 1500)`,
  );
  await compared(crossfade, { tables: ['rates'] });
  const kept = await comparisons.list({ limit: 5_000 });
  t.is(kept.length, 1_001);
  t.is(kept.filter(({ isFull }) => isFull).length, 1);
  t.is((await crossfade.records.lastComparison({ onlyFull: true }))?.startedAt.toISOString(), report.startedAt);
});

test('a database that was installed by an earlier release gets what the history needs when it is first used', async (t) => {
  const { crossfade } = await mirrored(t);
  await pairQuery(
    crossfade,
    'ALTER TABLE crossfade.comparisons DROP COLUMN detail, DROP COLUMN report; DROP TABLE crossfade.differences_seen',
  );
  t.deepEqual(await crossfade.records.comparisons.list({ limit: 1 }), []);
  await compared(crossfade);
  t.is((await crossfade.records.comparisons.list({ limit: 9 })).length, 1);
});

async function pairQuery(crossfade: Crossfade, sql: string): Promise<void> {
  await crossfade.direct.postgres.raw(sql);
}

test('a difference is known since it was first found, listed or not; one that was mended and comes back is new', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  const hurt = (sql: string): Promise<void> => behindTheFence({ postgres: pair.url }, sql);
  pair.sqlite.exec(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO rates SELECT 'xx', i, i FROM n`,
  );
  await crossfade.mirror.caughtUp({ timeoutMs: 45_000 });
  await hurt(`UPDATE rates SET rate = -1 WHERE country = 'xx'; INSERT INTO rates VALUES ('yy', 1, 1)`);
  const first = await compared(crossfade, { maxDifferences: 4 });
  t.deepEqual(
    first.differences.map(({ class: kind, key }) => `${kind} ${key}`),
    ['extra ["yy", 1]', 'differing ["xx", 1]', 'differing ["xx", 2]', 'differing ["xx", 3]'],
    'the first ones of each class',
  );
  t.is(first.differencesLeftOff, 37);
  const second = await compared(crossfade);
  t.is(second.differences.length, 41);
  t.true(second.differences.every(({ firstSeenAt }) => firstSeenAt <= first.finishedAt));
  // Of a part of them nothing is forgotten about the others.
  const part = await compared(crossfade, { where: [`rates:country='xx' and year<10`] });
  t.is(part.differences.length, 9);
  t.true(part.differences.every(({ firstSeenAt }) => firstSeenAt <= first.finishedAt));

  await repair(crossfade, part, { yes: true });
  await hurt(`UPDATE rates SET rate = -2 WHERE country = 'xx' AND year = 5`);
  const third = await compared(crossfade);
  t.deepEqual(
    third.differences.filter(({ firstSeenAt }) => firstSeenAt > second.finishedAt).map(({ key }) => key),
    ['["xx", 5]'],
  );
  t.is(third.differences.length, 33);
});

test('of a partial comparison only the compared tables are looked at for drift', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  await pair.postgres.query('CREATE UNIQUE INDEX drifted ON payments (note)');
  t.true((await compared(crossfade)).totals.schemaWarnings > 0);
  const part = await compared(crossfade, { where: ["rates:country>='a'"] });
  t.is(part.totals.schemaWarnings, 0, divergenceText(part));
});
