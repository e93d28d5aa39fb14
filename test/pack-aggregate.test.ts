import Database from 'better-sqlite3';
import test from 'ava';
import type { SqliteValue } from './helpers/against-sqlite.ts';
import { packDatabase } from './helpers/pack-database.ts';
import { Random } from './helpers/random.ts';

test('aggregates add, join and collect as in SQLite, in groups of every size', async (t) => {
  const { client } = await packDatabase(t);
  const sqlite = new Database(':memory:').defaultSafeIntegers();
  t.teardown(() => {
    sqlite.close();
  });
  const random = new Random(Random.seedOfSuite());
  t.log(`CROSSFADE_SEED=${random.seed}`);
  sqlite.exec('CREATE TABLE item (id INTEGER PRIMARY KEY, bucket INT, i INT, r REAL, s TEXT)');
  await client.query('CREATE TABLE item (id bigint PRIMARY KEY, bucket bigint, i bigint, r double precision, s text)');
  for (let id = 0; id < 1500; id++) {
    const row: SqliteValue[] = [
      BigInt(id),
      BigInt(random.between(0, 12) * random.between(0, 12)),
      random.chance(0.1) ? null : random.chance(0.1) ? 9007199254740993n : BigInt(random.between(-1000, 1000)),
      random.chance(0.1) ? null : random.next() * 10 ** random.between(-5, 17) * random.pick([1, -1]),
      random.chance(0.2) ? null : random.pick(['', 'a', 'é', '12', '1.5', 'x,y', '"q"', 'tab\t']),
    ];
    sqlite.prepare('INSERT INTO item VALUES (?, ?, ?, ?, ?)').run(...row);
    await client.query('INSERT INTO item VALUES ($1, $2, $3, $4, $5)', row);
  }
  const expressions = [
    'total(i)',
    'total(r)',
    'sum(i)',
    'sum(r)',
    'avg(i)',
    'avg(r)',
    'count(*)',
    'count(i)',
    'group_concat(s)',
    `group_concat(s, ' | ')`,
    `group_concat(i, '')`,
    'group_concat(i)',
    'group_concat(r)',
    `string_agg(i, '-')`,
    'group_concat(s, s)',
    `group_concat(s, null)`,
    'json_group_array(s)',
    'json_group_array(i)',
    'json_group_array(r)',
    'json_group_object(s, i)',
    'json_group_object(s, s)',
    'json_group_array(json_array(i, s))',
    'group_concat(DISTINCT bucket)',
  ];
  await client.query('SET search_path = crossfade_sqlite, public, pg_catalog');
  for (const expression of expressions) {
    const ours = expression
      .replaceAll('json_array(i', 'crossfade_sqlite.json_array(i')
      .replace('s, null)', 's, null::text)');
    const source = 'FROM (SELECT * FROM item ORDER BY id) AS item';
    for (const query of [
      [
        `SELECT bucket, ${expression} AS found ${source} GROUP BY bucket ORDER BY bucket`,
        `SELECT bucket, ${ours} AS found ${source} GROUP BY bucket ORDER BY bucket`,
      ],
      [`SELECT ${expression} AS found FROM item WHERE id < 0`, `SELECT ${ours} AS found FROM item WHERE id < 0`],
    ] as const) {
      const expected = (sqlite.prepare(query[0]).all() as { found: SqliteValue }[]).map((row) => row.found);
      const found = (
        await client.query<{ found: unknown }>({
          text: query[1],
          types: { getTypeParser: () => (text: string) => text },
        })
      ).rows.map((row) => row.found);
      const shown = expected.map((one) => (one === null ? null : String(one)));
      const same = found.map((one, i) => (typeof expected[i] === 'number' ? String(Number(one)) : one));
      t.deepEqual(same, shown, query[0]);
    }
  }
});

test('sums past the range of integers are an error, as in SQLite', async (t) => {
  const { client } = await packDatabase(t);
  await t.throwsAsync(
    client.query(`SELECT crossfade_sqlite.sum(x) FROM (VALUES (9223372036854775807::bigint), (1)) AS v(x)`),
    { message: /out of range/ },
  );
});

test('an aggregate serves as a window function', async (t) => {
  const { client } = await packDatabase(t);
  const { rows } = await client.query(
    `SELECT crossfade_sqlite.group_concat(x, '-') OVER (ORDER BY x) AS run FROM (VALUES ('a'), ('b'), ('c')) AS v(x)`,
  );
  t.deepEqual(
    rows.map((row: { run: string }) => row.run),
    ['a', 'a-b', 'a-b-c'],
  );
});
