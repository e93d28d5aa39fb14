import test from 'ava';
import { EVERYTHING, newSalt, splitAtAll } from '../adapter/digest.ts';
import type { DigestRequest, KeyRange, RangeDigest } from '../adapter/digest.ts';
import type { Key, TableSpec } from '../adapter/spec.ts';
import { compareDigests } from '../compare/digest-pair.ts';
import { Pair } from '../compare/pair.ts';
import { behindTheFence } from './helpers/behind-the-fence.ts';
import { goTo, makePair } from './helpers/pair.ts';

const TABLES = {
  sqlite: 'CREATE TABLE stock (region TEXT NOT NULL, id INTEGER NOT NULL, title TEXT, PRIMARY KEY (region, id))',
  postgres:
    'CREATE TABLE stock (region text COLLATE "C" NOT NULL, id bigint NOT NULL, title text, PRIMARY KEY (region, id))',
};

const ROWS = `INSERT INTO stock
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
  SELECT CASE i % 3 WHEN 0 THEN 'de' WHEN 1 THEN 'DE' ELSE 'é' END, i, 'title ' || i FROM n`;

/** Parts of about so many rows. */
const PART = 61;

test('a range is cut at the same keys in both databases, and its parts have the digests that the whole has together', async (t) => {
  const pair = await makePair(t, { tables: TABLES });
  pair.sqlite.exec(ROWS);
  const crossfade = await pair.open({ backfillRows: 5_000 });
  await goTo(crossfade, 'dual');
  const [table] = crossfade.tables as [TableSpec];
  const { sqlite, postgres } = crossfade.stores;
  const { blobsInArrays } = await postgres.digests.fitness([table]);
  const salt = newSalt(blobsInArrays);
  const range = { after: ['DE', 400n], upTo: ['é', 1_700n] };

  const cuts = await postgres.digests.boundaries(table, range, PART);
  t.deepEqual(await sqlite.digests.boundaries(table, range, PART), cuts);
  const first = await postgres.digests.boundary(table, range, PART);
  t.deepEqual(cuts[0], first ?? []);
  t.deepEqual(await postgres.digests.boundaries(table, range, 100_000), []);

  const parts = splitAtAll(range, cuts);
  t.is(parts.length, cuts.length + 1);
  const keys: Key[] = [
    ['DE', 403n],
    ['de', 300n],
    ['é', 1_700n],
    ['é', 1_703n],
    ['de', 4_711n],
  ];
  for (const asked of [{}, { keys }] satisfies Partial<DigestRequest>[]) {
    const request = { table, salt, ...asked };
    const ofParts = await postgres.digests.asSecondary({ ...request, ranges: parts }, ({ digests }) => digests);
    t.is(ofParts.length, parts.length);
    t.deepEqual(await sqlite.digests.asSecondary({ ...request, ranges: parts }, ({ digests }) => digests), ofParts);
    const [whole] = await postgres.digests.asSecondary({ ...request, ranges: [range] }, ({ digests }) => digests);
    t.deepEqual(together(ofParts), whole);
    t.is(whole?.rows, 'keys' in asked ? 3 : 533 + 667 + 567);
  }
  t.is(new Set(parts.map(({ upTo }) => JSON.stringify(upTo?.map(String)))).size, parts.length);
  t.deepEqual(splitAtAll(EVERYTHING, []), [EVERYTHING]);

  // The share of keys is told for each part, whoever is asked.
  const digestsOf = async (name: 'sqlite' | 'postgres'): Promise<readonly RangeDigest[]> =>
    crossfade.stores[name].digests.asSecondary({ table, salt, ranges: parts }, (snapshot) => snapshot.ofKeys(keys));
  const shares = await digestsOf('postgres');
  t.deepEqual(await digestsOf('sqlite'), shares);
  t.is(shares.filter(({ rows }) => rows > 0).length, 3);
  t.is(together(shares).rows, 3);
});

test('rows on their way are left out of each part, and one that differs makes its own part another', async (t) => {
  const both = await makePair(t, { tables: TABLES });
  both.sqlite.exec(ROWS);
  const filling = await both.open();
  await goTo(filling, 'dual');
  await filling.close();
  // With nobody to mirror them, changes stay on their way.
  const { stores, tables } = await both.open({ mirror: 'off' });
  const [table] = tables as [TableSpec];
  both.sqlite.exec(`UPDATE stock SET title = 'another' WHERE id IN (0, 1, 1000, 1998); DELETE FROM stock WHERE id = 5;
    INSERT INTO stock VALUES ('de', 5000, 'new')`);
  const [sqlite, postgres] = await Promise.all([stores.sqlite.state(), stores.postgres.state()]);
  if (!sqlite || !postgres) return t.fail('not installed');
  const pair = Pair.of(stores, { sqlite, postgres });
  const { blobsInArrays } = await stores.postgres.digests.fitness([table]);
  const ranges = splitAtAll(EVERYTHING, await stores.postgres.digests.boundaries(table, EVERYTHING, PART));
  const request = { table, ranges, salt: newSalt(blobsInArrays) };

  const before = await compareDigests(pair, request);
  if (before.is !== 'told') return t.fail(before.is);
  t.deepEqual(
    before.of.map(({ is }) => is),
    ranges.map(() => 'same'),
  );
  t.deepEqual(
    before.changed.map(([, id]) => Number(id)).toSorted((a, b) => a - b),
    [0, 1, 5, 1_000, 1_998, 5_000],
  );

  await behindTheFence({ postgres: both.url }, `UPDATE stock SET title = 'other' WHERE region = 'de' AND id = 600`);
  const after = await compareDigests(pair, request);
  if (after.is !== 'told') return t.fail(after.is);
  const different = ranges.filter((_, index) => after.of[index]?.is === 'different');
  t.is(different.length, 1);
  const [{ after: from, upTo }] = different as [KeyRange];
  t.deepEqual([from?.[0], upTo?.[0]], ['de', 'de']);
  t.true(Number(from?.[1]) < 600 && Number(upTo?.[1]) >= 600);
});

function together(digests: readonly RangeDigest[]): RangeDigest {
  return digests.reduce((sum, digest) => ({
    rows: sum.rows + digest.rows,
    sum: BigInt.asUintN(64, sum.sum + digest.sum),
    refused: sum.refused + digest.refused,
  }));
}
