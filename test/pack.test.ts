import test from 'ava';
import { Client } from 'pg';
import { RAW_OVERLOADS } from '../migrations/pack/raw-overloads.ts';
import { installPack, PACK_VERSION, packSql } from '../migrations/pack/install-pack.ts';
import { PACK } from '../migrations/pack/signatures.ts';
import { packDatabase } from './helpers/pack-database.ts';
import { freshDatabase } from './helpers/postgres.ts';

const NAMES: Readonly<Record<string, string>> = {
  bigint: 'integer',
  integer: 'integer',
  'double precision': 'real',
  bytea: 'blob',
  'crossfade_sqlite.value': 'any',
  anycompatible: 'common',
};

test('the signatures are those of the functions that are installed', async (t) => {
  const { client } = await packDatabase(t);
  const { rows } = await client.query<{
    name: string;
    kind: string;
    args: string;
    returns: string;
    volatility: string;
    columns: string | null;
  }>(`
    SELECT proname AS name, CASE WHEN prokind = 'a' THEN 'aggregate' WHEN proretset THEN 'table' ELSE 'scalar' END AS kind,
      array_to_string(ARRAY(SELECT CASE WHEN provariadic <> 0 AND n = pronargs THEN '*' || format_type(provariadic, NULL) ELSE format_type(type, NULL) END
        FROM unnest(proargtypes) WITH ORDINALITY AS a(type, n) ORDER BY n), ', ') AS args,
      CASE WHEN proretset THEN 'null' ELSE format_type(prorettype, NULL) END AS returns,
      CASE provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
      array_to_string(CASE WHEN proretset THEN ARRAY(SELECT proargnames[n] || ' ' || format_type(type, NULL)
        FROM unnest(proallargtypes) WITH ORDINALITY AS a(type, n) WHERE proargmodes[n] = 't' ORDER BY n) END, ', ') AS columns
    FROM pg_proc WHERE pronamespace = 'crossfade_sqlite'::regnamespace AND proname NOT LIKE '\\_%'`);
  const ours = (type: string): string =>
    type.startsWith('*') ? `*${NAMES[type.slice(1)] ?? type.slice(1)}` : (NAMES[type] ?? type);
  const listed = (types: string): string =>
    types
      .split(', ')
      .filter((type) => type !== '')
      .map(ours)
      .join(' ');
  const installed = rows.map(
    (row) =>
      `${row.kind} ${row.name}(${listed(row.args)}) ${ours(row.returns)} ${row.volatility}${
        row.columns === null
          ? ''
          : ` of ${row.columns
              .split(', ')
              .map((column) => column.replace(/ (.*)$/, (_, type: string) => ` ${ours(type)}`))
              .join(', ')}`
      }`,
  );
  const wanted = PACK.flatMap((one) => {
    const columns =
      one.columns === undefined ? '' : ` of ${one.columns.map((column) => `${column.name} ${column.type}`).join(', ')}`;
    const line = (args: readonly string[]): string =>
      `${one.kind} ${one.name}(${args.join(' ')}) ${one.returns} ${one.volatility}${columns}`;
    return one.variadic === undefined ? [line(one.args)] : [line(one.args), line([...one.args, `*${one.variadic}`])];
  });
  const raw = RAW_OVERLOADS.map((sql) => /FUNCTION crossfade_sqlite\."(\w+)"\((.*?)\) RETURNS/.exec(sql)).map(
    (found) =>
      `${found?.[1]}(${(found?.[2] ?? '')
        .split(', ')
        .map((arg) => ours(arg.replace(/^\w+ (?=text|bigint|crossfade)/, '')))
        .join(' ')})`,
  );
  const missing = wanted.filter((one) => !installed.includes(one));
  const unlisted = installed.filter((one) => !wanted.includes(one) && !raw.some((known) => one.includes(` ${known} `)));
  t.deepEqual(
    { missing: [...new Set(missing)].sort(), unlisted: [...new Set(unlisted)].sort() },
    { missing: [], unlisted: [] },
  );
});

test('the pack installs for a plain role, twice, at once by many, and leaves a newer one alone', async (t) => {
  const url = await freshDatabase(t);
  const admin = new Client({ connectionString: url });
  await admin.connect();
  t.teardown(() => admin.end());
  const role = `plain_${process.pid}`;
  const database = new URL(url).pathname.slice(1);
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'plain'`);
  await admin.query(`GRANT CREATE ON DATABASE ${database} TO ${role}`);
  const plain = new URL(url);
  plain.username = role;
  plain.password = 'plain';
  const clients = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const client = new Client({ connectionString: plain.href });
      await client.connect();
      return client;
    }),
  );
  t.teardown(async () => {
    await admin.query(`DROP OWNED BY ${role} CASCADE`);
    await admin.query(`DROP ROLE ${role}`);
  });
  const outcomes = await Promise.all(clients.map((client) => installPack(client)));
  t.deepEqual(outcomes.map((one) => one.outcome).sort(), ['installed', 'kept', 'kept', 'kept']);
  const [client] = clients;
  if (client === undefined) throw new Error('no client');
  await client.query(packSql());
  await client.query(`COMMENT ON SCHEMA crossfade_sqlite IS 'crossfade function pack, version 0'`);
  t.deepEqual(await installPack(client), { version: PACK_VERSION, outcome: 'replaced' });
  await client.query(`COMMENT ON SCHEMA crossfade_sqlite IS 'crossfade function pack, version 999'`);
  t.deepEqual(await installPack(client), { version: 999, outcome: 'newer' });
  t.deepEqual((await client.query<{ x: string }>(`SELECT crossfade_sqlite.printf('%05d', 42) AS x`)).rows, [
    { x: '00042' },
  ]);
  await Promise.all(clients.map((one) => one.end()));
});

test('SQL that was written for SQLite runs as it is with the pack first on the search path', async (t) => {
  const { client } = await packDatabase(t);
  await client.query(
    `CREATE TABLE public.note (id bigint, title text, body text, at text, rating double precision, done boolean)`,
  );
  await client.query(
    `INSERT INTO public.note VALUES (1, 'Ärger', '{"tags":["a","b"],"n":5}', '2024-02-29 10:00:00', 1.005, true), (2, NULL, '{}', '2024-03-01', 2.5, false)`,
  );
  await client.query('SET search_path = crossfade_sqlite, public, pg_catalog');
  const answers: Readonly<Record<string, unknown>> = {
    [`ifnull(NULL, 1)`]: 1,
    [`ifnull(title, 'none')`]: 'Ärger',
    [`iif(id > 1, 'many', 'one')`]: 'one',
    [`substr('abc', 2)`]: 'bc',
    [`substr(title, -2)`]: 'er',
    [`substr('abcdef', -3, 2)`]: 'de',
    [`upper(title)`]: 'ÄRGER'.replace('Ä', 'Ä'),
    [`lower('ÄB')`]: 'Äb',
    [`length(title)`]: '5',
    [`length(12345)`]: '5',
    [`instr(title, 'g')`]: '3',
    [`replace(title, 'r', 'x')`]: 'Äxgex',
    [`hex('ab')`]: '6162',
    [`typeof('x')`]: 'text',
    [`typeof(id)`]: 'integer',
    [`typeof(rating)`]: 'real',
    [`typeof(NULL)`]: 'null',
    [`round(rating, 2)`]: 1,
    [`round(2.5::double precision)`]: 3,
    [`abs(-3)`]: 3,
    [`max(1, 2)`]: 2,
    [`max(id, 7)`]: '7',
    [`min('b', 'a')`]: 'a',
    [`max(1, NULL)`]: null,
    [`printf('%d-%s', id, title)`]: '1-Ärger',
    [`printf('%.2f|%5s|%d', rating, 'x', 3)`]: '1.00|    x|3',
    [`datetime('2024-02-29', '+1 day')`]: '2024-03-01 00:00:00',
    [`datetime(at)`]: '2024-02-29 10:00:00',
    [`date(at, 'start of month')`]: '2024-02-01',
    [`strftime('%Y-%m', at)`]: '2024-02',
    [`strftime('%s', at)`]: '1709200800',
    [`unixepoch(at)`]: '1709200800',
    [`datetime(1709200800, 'unixepoch')`]: '2024-02-29 10:00:00',
    [`julianday('2024-02-29')`]: 2460369.5,
    [`julianday(at) - julianday('2024-02-28')`]: 1.4166666665114462,
    [`strftime('%Y', 'now') = strftime('%Y', current_timestamp)`]: true,
    [`json_extract(body, '$.n')`]: '5',
    [`json_extract(body, '$.tags')`]: '["a","b"]',
    [`body ->> '$.tags[1]'`]: 'b',
    [`(body -> '$.tags') ->> 0`]: 'a',
    [`json_type(body, '$.n')`]: 'integer',
    [`json_array_length(body, '$.tags')`]: '2',
    [`json_valid('{')`]: false,
    [`json_set(body, '$.n', 6)`]: { tags: ['a', 'b'], n: 6 },
    [`json_set(body, '$.n', 'x')`]: { tags: ['a', 'b'], n: 'x' },
    [`json_remove(body, '$.n')`]: { tags: ['a', 'b'] },
    [`(SELECT group_concat(value, '+') FROM json_each(body, '$.tags'))`]: 'a+b',
    [`(SELECT group_concat(id) FROM note)`]: '1,2',
    [`(SELECT total(rating) FROM note)`]: 3.505,
    [`(SELECT sum(id) FROM note)`]: '3',
    [`(SELECT avg(id) FROM note)`]: 1.5,
    [`glob('Ä*', title)`]: true,
    [`like('%ger', title)`]: true,
    [`quote(title)`]: `'Ärger'`,
    [`quote('it''s')`]: `'it''s'`,
    [`trim('  x ')`]: 'x',
    [`ltrim('xxa', 'x')`]: 'a',
    [`unicode('A')`]: '65',
    [`random() <> random()`]: true,
    [`length(randomblob(4))`]: '4',
    [`total(id) OVER ()`]: 1,
  };
  for (const [expression, answer] of Object.entries(answers)) {
    const { rows } = await client.query<{ x: unknown }>(`SELECT ${expression} AS x FROM note WHERE id = 1`);
    t.deepEqual(rows[0]?.x, answer, expression);
  }
});

test(`PostgreSQL's own expressions go on working with the pack first on the search path`, async (t) => {
  const { client } = await packDatabase(t);
  await client.query('SET search_path = crossfade_sqlite, public, pg_catalog');
  const expressions = [
    `concat('a', 1, 2.5)`,
    `concat_ws('-', 'a', 1)`,
    `format('%s and %I', 'x', 'y')`,
    `lower('AB')`,
    `round(1.25, 1)`,
    `round(1.5)`,
    `length('abc')`,
    `lower(int4range(1, 5))`,
    `abs(-1.5)`,
    `substring('abcdef' from 2 for 3)`,
    `substring('abc' from '[b-c]+')`,
    `position('b' in 'abc')`,
    `trim(both 'x' from 'xax')`,
    `to_char(timestamp '2024-02-29', 'YYYY')`,
    `date_trunc('day', timestamp '2024-02-29 10:00')`,
    `extract(epoch from timestamptz '2024-02-29 00:00Z')`,
    `coalesce(null, 1)`,
    `greatest(1, 2)`,
    `'{"a":1}'::jsonb -> 'a'`,
    `'{"a":1}'::jsonb ->> 'a'`,
    `'{"a":[1]}'::json #> '{a,0}'`,
    `json_build_object('a', 1)`,
    `jsonb_set('{"a":1}', '{a}', '2')`,
    `(SELECT string_agg(x, ',') FROM (VALUES ('a'), ('b')) v(x))`,
    `(SELECT max(x) FROM (VALUES (1), (2)) v(x))`,
    `(SELECT min(x) FROM (VALUES ('a'), ('b')) v(x))`,
    `(SELECT max(x) FROM (VALUES (now()), (now())) v(x)) IS NOT NULL`,
    `(SELECT sum(x) FROM (VALUES (1), (2)) v(x))`,
    `(SELECT sum(x) FROM (VALUES (1.5), (2)) v(x))`,
    `(SELECT count(*) FROM (VALUES (1)) v(x))`,
    `(SELECT array_agg(key) FROM json_each('{"a":1}'::json))`,
    `(SELECT json_agg(x) FROM (VALUES (1)) v(x))`,
    `power(2, 3)`,
    `sqrt(4)`,
    `mod(7, 3)`,
    `floor(1.5)`,
    `ceil(1.2)`,
    `log(100)`,
    `pi()`,
    `sign(-2.5)`,
    `trunc(1.7)`,
    `date '2024-02-29' + 1`,
    `'2024-02-29'::date`,
    `time '10:00'`,
    `'abc' LIKE 'a%'`,
    `'abc' ~ 'b'`,
    `replace('abc', 'b', 'x')`,
    `upper('abc')`,
    `char_length('abc')`,
    `md5('x')`,
    `1 IN (1, 2)`,
    `concat('a', 'b')`,
    `'a' || 1`,
    `(SELECT count(*) FROM information_schema.columns WHERE table_name = 'x')`,
    `current_setting('server_version_num') <> ''`,
    `quote_literal('x')`,
    `to_json('x'::text)`,
    `bool_or(true)`,
    `degrees(pi())`,
    `exp(0)`,
  ];
  for (const expression of expressions) await t.notThrowsAsync(client.query(`SELECT ${expression}`), expression);
});
