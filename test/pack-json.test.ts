import test from 'ava';
import fc from 'fast-check';
import type { SqliteValue } from './helpers/against-sqlite.ts';
import { VALUES } from './helpers/nasty-values.ts';
import { combinations, packDatabase } from './helpers/pack-database.ts';

const DOCUMENTS: readonly string[] = [
  '{}',
  '[]',
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1.50',
  '1e5',
  '1E+2',
  '-1.5e-3',
  '12345678901234567890',
  '""',
  '"a"',
  '"\\u0041\\n\\t\\"\\\\\\/"',
  '"é😀"',
  '"\\ud83d\\ude00"',
  '{"a":1}',
  ' { "a" : 1 , "b" : [ 1 , 2 , { "c" : null } ] } ',
  '{"a":{"b":{"c":[1,2,3]}}}',
  '[1,2,3]',
  '[[1,[2,[3]]],{"x":[]}]',
  '{"a":1,"a":2}',
  '{"b":1,"a":2,"B":3}',
  '{"":1," ":2,"a b":3,"a.b":4,"a[0]":5,"0":6,"é":7,"A1":8,"_x":9}',
  '{"a":"x","b":true,"c":false,"d":null,"e":1.5,"f":"1","g":[],"h":{}}',
  '[null,true,false,1,1.5,"x",[],{}]',
  '{"a":[{"b":1},{"b":2}]}',
  '"spaces  in \\t text"',
  '[\n1\t,\r2 ]',
  '{"n":1.0,"m":100,"big":9223372036854775807,"bigger":9223372036854775808}',
  '{"a\\"b":1}',
  '[1.0,2.50,-3e10]',
];
const BROKEN: readonly string[] = [
  '',
  ' ',
  '{',
  '[',
  '{"a"}',
  '{"a":}',
  '[1,]',
  '{"a":1,}',
  '{a:1}',
  "{'a':1}",
  '01',
  '+1',
  '.5',
  '5.',
  '1e',
  'nul',
  'True',
  '"a',
  '"\t"',
  '"\\x"',
  '[1 2]',
  '{"a":1 "b":2}',
  '1 2',
  '[]]',
  '// x',
  'NaN',
  'Infinity',
  '{"a":1}{"b":2}',
  '""""',
  '"a""b"',
  '[1,,2]',
  '{,}',
  '{1:2}',
  '-',
  '--1',
  '0x10',
  'truefalse',
  '1true',
];
const PATHS: readonly string[] = [
  '$',
  '$.a',
  '$.b',
  '$.a.b',
  '$.a.b.c',
  '$.a.b.c[1]',
  '$.b[2].c',
  '$[0]',
  '$[1]',
  '$[2]',
  '$[3]',
  '$[10]',
  '$[#]',
  '$[#-1]',
  '$[#-3]',
  '$[#-10]',
  '$[0][1][0]',
  '$.a[1].b',
  '$."a b"',
  '$."a.b"',
  '$."a[0]"',
  '$.""',
  '$." "',
  '$.é',
  '$."a\\"b"',
  '$.0',
  '$.B',
  '$.x.y',
  '$.x[0]',
  '$.x[1]',
  '$[1].x',
  '$.a[#]',
  '$.g[0].z',
  '$.n',
  '$.big',
  '$.bigger',
  '$.e',
];
const BAD_PATHS: readonly string[] = [
  '',
  'a',
  '.a',
  '[0]',
  '$a',
  '$.',
  '$[',
  '$[a]',
  '$[-1]',
  '$[#1]',
  '$[#-]',
  '$."a',
  '$..a',
  '$.a.',
  '$[0',
  '$ ',
];

test('documents are minified, kept as they are, or refused as in SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  const rows = [...DOCUMENTS, ...BROKEN.filter((one) => !isJson5(one)), null].map((one) => [one]);
  for (const name of ['json', 'json_type', 'json_array_length', 'json_pretty']) {
    await agree({ sql: `${name}(a)`, types: ['text'], rows });
  }
  await agree({ sql: 'json_valid(a)', types: ['text'], rows: [...DOCUMENTS, ...BROKEN, null].map((one) => [one]) });
  await agree({
    sql: 'json_valid(a)',
    types: ['any'],
    rows: VALUES.filter((one) => !Buffer.isBuffer(one)).map((one) => [one]),
  });
  await agree({
    sql: 'json_pretty(a, b)',
    types: ['text', 'text'],
    rows: combinations<string | null>(DOCUMENTS, ['', '\t', '--', null]),
  });
  await agree({ sql: 'json_quote(a)', types: ['any'], rows: VALUES.map((one) => [one]) });
});

test('paths find what they find in SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  const documents = [...DOCUMENTS, null];
  const rows = combinations<SqliteValue>(documents, [...PATHS, ...BAD_PATHS, null]);
  await agree({ sql: 'json_extract(a, b)', postgres: 'json_extract_value(a, b)', types: ['any', 'text'], rows });
  await agree({
    sql: 'CAST(json_extract(a, b) AS text)',
    postgres: 'json_extract(a, b)',
    types: ['text', 'text'],
    rows,
  });
  await agree({
    sql: 'json_extract(a, b, c)',
    types: ['text', 'text', 'text'],
    rows: combinations<SqliteValue>(documents, PATHS.slice(0, 14), ['$.a', '$[1]', null, '$.zz', '$']),
  });
  for (const name of ['json_type', 'json_array_length']) {
    await agree({ sql: `${name}(a, b)`, types: ['text', 'text'], rows });
  }
  const labels = [
    'a',
    'b',
    'a b',
    'a.b',
    '$.a',
    '$[0]',
    '[0]',
    '[#-1]',
    '0',
    '-1',
    '',
    'é',
    'A1',
    '_x',
    '$.a.b',
    0n,
    1n,
    -1n,
    -3n,
    7n,
    null,
  ];
  await agree({
    sql: 'a -> b',
    postgres: 'arrow(a, b)',
    types: ['any', 'any'],
    rows: combinations<SqliteValue>(documents, labels),
  });
  await agree({
    sql: 'a ->> b',
    postgres: 'arrow_value(a, b)',
    types: ['any', 'any'],
    rows: combinations<SqliteValue>(documents, labels),
  });
});

test('documents are changed as in SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  const changes = [...PATHS, ...BAD_PATHS.slice(0, 6)];
  const made: SqliteValue[] = [1n, 'x', null, 1.5];
  for (const name of ['json_insert', 'json_replace', 'json_set', 'json_array_insert']) {
    await agree({
      sql: `${name}(a, b, c)`,
      types: ['any', 'text', 'any'],
      rows: combinations<SqliteValue>(DOCUMENTS, changes, made.slice(0, 2)),
      postgres: `${name}(a, b::crossfade_sqlite.value, c)`,
    });
    await agree({
      sql: `${name}(a, b, json('{"new":[1]}'))`,
      postgres: `${name}(a, b::crossfade_sqlite.value, json('{"new":[1]}'))`,
      types: ['any', 'text'],
      rows: combinations<SqliteValue>(DOCUMENTS.slice(15), PATHS),
    });
    await agree({
      sql: `${name}(a, '$.q', b, '$.r[0]', c)`,
      postgres: `${name}(a, '$.q'::text, b, '$.r[0]'::text, c)`,
      types: ['any', 'any', 'any'],
      rows: combinations<SqliteValue>(DOCUMENTS.slice(15), made, made),
    });
  }
  await agree({
    sql: 'json_remove(a, b)',
    types: ['text', 'text'],
    rows: combinations<SqliteValue>([...DOCUMENTS, null], [...changes, null]),
  });
  await agree({
    sql: 'json_remove(a, b, c)',
    types: ['text', 'text', 'text'],
    rows: combinations<SqliteValue>(DOCUMENTS, PATHS.slice(1, 12), ['$.b', '$[0]', '$[#-1]']),
  });
  const patches = [
    ...DOCUMENTS.slice(15),
    '{"a":null}',
    '{"b":{"c":1,"d":null}}',
    '{"z":{"y":null,"x":1}}',
    'null',
    '5',
  ];
  await agree({
    sql: 'json_patch(a, b)',
    types: ['text', 'text'],
    rows: combinations<SqliteValue>([...DOCUMENTS, null], [...patches, null]),
  });
});

test('arrays and objects are made as in SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  const few = VALUES.filter((one, i) => i % 4 === 0 && !Buffer.isBuffer(one));
  await agree({
    sql: 'json_array(a, b)',
    types: ['any', 'any'],
    rows: combinations<SqliteValue>(few, few.slice(0, 9)),
  });
  await agree({ sql: 'json_array()', types: [], rows: [[]] });
  await agree({
    sql: `json_object('k', a, b, json_array(a))`,
    postgres: `json_object('k'::text, a, b, json_array(a))`,
    types: ['any', 'text'],
    rows: combinations<SqliteValue>(few, ['x', '', 'é"\n', 'k']),
  });
  await agree({
    sql: 'json_object(a, b)',
    types: ['any', 'any'],
    rows: [
      [1n, 2n],
      [null, 2n],
      [1.5, 'x'],
      ['x', null],
    ],
  });
});

test('json_each and json_tree list what SQLite lists, in its order', async (t) => {
  const { agree } = await packDatabase(t);
  for (const name of ['json_each', 'json_tree']) {
    const listed = (source: string): string =>
      `(SELECT json_group_array(json_array(key, value, type, atom, fullkey, path)) FROM ${source})`;
    const on = (source: string): string =>
      `(SELECT json_group_array(json_array(e.key, e.value, e.type, e.atom, e.fullkey, e.path)) FROM crossfade_sqlite.${source} e)`;
    await agree({
      sql: listed(`${name}(a)`),
      postgres: on(`${name}_value(a)`),
      types: ['any'],
      rows: [...DOCUMENTS, null].map((one) => [one]),
    });
    const roots = ['$', '$.a', '$.b', '$[0]', '$[1]', '$.a.b', '$.zz', '$."a b"'];
    await agree({
      sql: listed(`${name}(a, b)`),
      postgres: on(`${name}_value(a, b)`),
      types: ['any', 'text'],
      rows: combinations<SqliteValue>(DOCUMENTS, roots),
    });
  }
  // The ids are numbers of its own, but they and the parents tie the rows together as there.
  const tied = (source: string): string =>
    `(SELECT json_group_array(x.p) FROM (SELECT t.fullkey || ' of ' || coalesce(u.fullkey, '-') AS p FROM ${source} t LEFT JOIN ${source} u ON u.id = t.parent ORDER BY t.id) x)`;
  await agree({
    sql: tied('json_tree(a)'),
    postgres: tied('crossfade_sqlite.json_tree(a)').replace('json_group_array(x.p)', 'json_group_array(x.p)'),
    types: ['text'],
    rows: DOCUMENTS.map((one) => [one]),
  });
});

test('any JSON document goes through as in SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  const runs = Number(process.env['PACK_ROUNDS'] ?? 400);
  const label = fc.stringMatching(/^[a-zA-Z0-9 é._]{0,5}$/);
  const documents = fc
    .sample(
      fc
        .jsonValue({ maxDepth: 4, noUnicodeString: false })
        .map((one) => JSON.stringify(one, null, 1).replaceAll('\\u0000', 'x')),
      { numRuns: runs, seed: 20 },
    )
    .filter((one) => !/\\ud[89a-f]/i.test(one));
  const labels = fc.sample(label, { numRuns: 20, seed: 21 });
  const rows = documents.map((one) => [one]);
  await agree({ sql: 'json(a)', types: ['text'], rows });
  await agree({ sql: 'json_type(a)', types: ['text'], rows });
  await agree({
    sql: 'json_set(a, b, c)',
    postgres: 'json_set(a, b::crossfade_sqlite.value, c)',
    types: ['any', 'text', 'any'],
    rows: documents.map((one, i) => [one, `$."${labels[i % labels.length]}"`, BigInt(i)]),
  });
  await agree({
    sql: '(SELECT json_group_array(fullkey) FROM json_tree(a))',
    postgres: '(SELECT json_group_array(e.fullkey) FROM crossfade_sqlite.json_tree(a) e)',
    types: ['text'],
    rows,
  });
});

/** What SQLite reads though it is no JSON: it takes JSON5. */
function isJson5(text: string): boolean {
  return ['[1,]', '{"a":1,}', '{a:1}', "{'a':1}", '+1', '.5', '5.', 'NaN', 'Infinity', '0x10', '"\t"', '// x'].includes(
    text,
  );
}
