import test from 'ava';
import { BLOBS, INTEGERS, REALS, TEXTS, VALUES } from './helpers/nasty-values.ts';
import { combinations, packDatabase } from './helpers/pack-database.ts';
import { Random } from './helpers/random.ts';

const all = VALUES.map((one) => [one]);
const texts = [null, ...TEXTS];

test('casts and the texts of numbers are those of SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  await agree({ sql: 'cast(a AS integer)', postgres: 'cast_integer(a)', types: ['any'], rows: all });
  await agree({ sql: 'cast(a AS real)', postgres: 'cast_real(a)', types: ['any'], rows: all });
  await agree({ sql: 'cast(a AS numeric)', postgres: 'cast_numeric(a)', types: ['any'], rows: all });
  await agree({ sql: 'cast(a AS text)', postgres: 'cast_text(a)', types: ['any'], rows: all });
  await agree({ sql: 'cast(a AS blob)', postgres: 'cast_blob(a)', types: ['any'], rows: all });
  await agree({
    sql: 'cast(a AS integer)',
    postgres: 'cast_integer(a)',
    types: ['text'],
    rows: texts.map((one) => [one]),
  });
  await agree({ sql: 'cast(a AS real)', postgres: 'cast_real(a)', types: ['text'], rows: texts.map((one) => [one]) });
  await agree({
    sql: 'cast(a AS integer)',
    postgres: 'cast_integer(a)',
    types: ['double precision'],
    rows: REALS.map((one) => [one]),
  });
  await agree({
    sql: 'cast(a AS text)',
    postgres: 'cast_text(a)',
    types: ['double precision'],
    rows: REALS.map((one) => [one]),
  });
  await agree({ sql: 'quote(a)', types: ['any'], rows: all });
  await agree({ sql: 'typeof(a)', types: ['any'], rows: all });
});

test('random doubles have the text that SQLite gives them, and round as there', async (t) => {
  const { agree } = await packDatabase(t);
  const random = new Random(Random.seedOfSuite());
  t.log(`CROSSFADE_SEED=${random.seed}`);
  const reals = randomReals(random, Number(process.env['PACK_ROUNDS'] ?? 4000));
  await agree({
    sql: 'cast(a AS text)',
    postgres: 'cast_text(a)',
    types: ['double precision'],
    rows: reals.map((one) => [one]),
  });
  const digits = [0n, 1n, 2n, 3n, 5n, 10n];
  await agree({
    sql: 'round(a, b)',
    types: ['double precision', 'bigint'],
    rows: reals.map((one) => [one, random.pick(digits)]),
  });
});

test('rounding is that of SQLite for nasty numbers and any number of digits', async (t) => {
  const { agree } = await packDatabase(t);
  await agree({ sql: 'round(a)', types: ['any'], rows: all });
  await agree({ sql: 'round(a)', types: ['double precision'], rows: REALS.map((one) => [one]) });
  await agree({
    sql: 'round(a, b)',
    types: ['double precision', 'bigint'],
    rows: combinations<number | bigint | null>(
      [...REALS, null],
      [null, -1n, 0n, 1n, 2n, 3n, 4n, 5n, 8n, 12n, 15n, 16n, 17n, 20n, 30n, 31n],
    ),
  });
});

test('text functions agree on every kind of value', async (t) => {
  const { agree } = await packDatabase(t);
  for (const name of ['length', 'octet_length', 'lower', 'upper', 'trim', 'ltrim', 'rtrim', 'hex', 'unicode']) {
    await agree({ sql: `${name}(a)`, types: ['any'], rows: all });
    await agree({ sql: `${name}(a)`, types: ['text'], rows: texts.map((one) => [one]) });
  }
  await agree({
    sql: 'soundex(a)',
    types: ['text'],
    rows: [...TEXTS, 'Robert', 'Rupert', 'Ashcraft', 'Tymczak', 'Pfister', 'Honeyman', 'x1y', 'Müller', 'aaeeb'].map(
      (one) => [one],
    ),
  });
  for (const name of ['length', 'octet_length', 'hex']) {
    await agree({ sql: `${name}(a)`, types: ['bytea'], rows: [null, ...BLOBS].map((one) => [one]) });
  }
  for (const name of ['trim', 'ltrim', 'rtrim', 'instr']) {
    await agree({ sql: `${name}(a, b)`, types: ['text', 'text'], rows: combinations(texts, texts) });
  }
  await agree({ sql: 'instr(a, b)', types: ['bytea', 'bytea'], rows: combinations(BLOBS, BLOBS) });
  const few = VALUES.filter((_, i) => i % 3 === 0);
  await agree({ sql: 'instr(a, b)', types: ['any', 'any'], rows: combinations(few, few) });
  await agree({
    sql: 'replace(a, b, c)',
    types: ['text', 'text', 'text'],
    rows: combinations(texts.slice(0, 40), texts.slice(0, 24), [null, '', 'x', '😀é']),
  });
  await agree({
    sql: 'replace(a, b, c)',
    types: ['any', 'any', 'any'],
    rows: combinations(few, [1n, 1.5, 'a'], ['', 7n, 0.1]),
  });
  await agree({
    sql: 'unhex(a)',
    types: ['text'],
    rows: [...texts, '00', 'ff', 'FFaa', 'f', 'a-b', 'aa bb'].map((one) => [one]),
  });
  await agree({
    sql: 'unhex(a, b)',
    types: ['text', 'text'],
    rows: combinations<string | null>(
      [null, '', 'aa bb', 'aabb', 'a ab b', ' aa', 'aa ', 'aa-bb', 'zz', 'abc', 'é12é'],
      [null, '', ' ', '-', ' -', 'a', 'é', 'abc'],
    ),
  });
  await agree({
    sql: 'char(a, b)',
    types: ['bigint', 'bigint'],
    rows: combinations([65n, 97n, 233n, 26085n, 128512n, 1114111n, 1114112n, -1n], [66n, 128512n]),
  });
  await agree({ sql: 'zeroblob(a)', types: ['bigint'], rows: [0n, 1n, 5n, -1n].map((one) => [one]) });
  await agree({
    sql: 'concat(a, b, c)',
    postgres: 'concat_values(a, b, c)',
    types: ['any', 'any', 'any'],
    rows: combinations(few, few.slice(0, 12), [null, 'x', 1.5]),
  });
  await agree({
    sql: 'concat_ws(a, b, c)',
    postgres: 'concat_ws_values(a, b, c)',
    types: ['any', 'any', 'any'],
    rows: combinations([null, ',', '', 1n, '😀'], few, [null, 'x', 1.5]),
  });
});

test('substr agrees for starts and lengths on both sides of both ends', async (t) => {
  const { agree } = await packDatabase(t);
  const positions = [
    null,
    ...INTEGERS.filter((one) => one < 12n && one > -12n),
    -4n,
    4n,
    6n,
    7n,
    -6n,
    -7n,
    2147483647n,
    2147483648n,
    -2147483648n,
    4294967296n,
    -4294967296n,
  ];
  const samples = [null, '', 'a', 'abc', 'abcdef', '日本語', 'a😀b', 'e\u0301x'];
  for (const name of ['substr', 'substring']) {
    await agree({
      sql: `${name}(a, b)`,
      types: ['text', 'bigint'],
      rows: combinations<string | bigint | null>(samples, positions),
    });
    await agree({
      sql: `${name}(a, b, c)`,
      types: ['text', 'bigint', 'bigint'],
      rows: combinations<string | bigint | null>(samples, positions, positions),
    });
    await agree({
      sql: `${name}(a, b, c)`,
      types: ['bytea', 'bigint', 'bigint'],
      rows: combinations<Buffer | bigint | null>(
        [null, ...BLOBS.filter((one) => !one.includes(0xc3))],
        positions,
        positions,
      ),
    });
  }
});

test('like and glob agree, with ESCAPE, brackets and case', async (t) => {
  const { agree } = await packDatabase(t);
  const patterns = [
    ...texts,
    '%a%',
    'a%',
    '%b',
    '_',
    '__',
    '%_%',
    'A_C',
    'a\\%b',
    '%é%',
    '%É%',
    '_😀_',
    '%%',
    'x%y',
    '\\_',
    '%\\',
    'h%o w_rld',
  ];
  await agree({ sql: 'like(a, b)', types: ['text', 'text'], rows: combinations(patterns, texts) });
  await agree({ sql: 'like(a, b)', types: ['any', 'any'], rows: combinations(patterns.slice(-16), VALUES) });
  await agree({
    sql: 'like(a, b, c)',
    types: ['text', 'text', 'text'],
    rows: combinations<string | null>(
      [...patterns, 'xa', 'aXb', 'x%', 'X%', 'xxa', 'x', 'a!%b', '!!', '!_', '%!%'],
      ['', 'a', 'A', 'x', '%', '_', 'a%b', 'a_b', 'axb', 'xa', '!', '\\', 'É', null],
      ['\\', '!', 'x', 'X', '%', '_', 'é', null],
    ),
  });
  const globs = [
    ...texts,
    '*',
    'a*',
    '*c',
    '?',
    '??',
    '[abc]',
    '[a-c]*',
    '[^a]*',
    '[]]',
    '[^]]',
    '[]a]',
    '[a-]',
    '[-a]',
    '[a',
    '[z-a]',
    '[!a]',
    '*[bc]',
    '[0-9]*',
    '[é]',
    '[日-語]',
    '[a-c-e]',
    '[\\]',
    '[*]',
    '[?]',
    '*[*',
    '[[]',
    'h*o w?rld',
    '[A-Z]*',
    'a[',
    '[^',
    '[]',
  ];
  await agree({
    sql: 'glob(a, b)',
    types: ['text', 'text'],
    rows: combinations(globs, [...texts, 'b', 'c', 'd', 'e', '語', 'ac', '-']),
  });
  await agree({ sql: 'glob(a, b)', types: ['any', 'any'], rows: combinations(globs.slice(-20), VALUES) });
});

test('max, min, abs, sign and comparison agree across types', async (t) => {
  const { agree } = await packDatabase(t);
  const few = VALUES.filter((_, i) => i % 3 === 1 || i < 4);
  await agree({ sql: 'abs(a)', types: ['any'], rows: all });
  await agree({ sql: 'sign(a)', types: ['any'], rows: all });
  for (const name of ['max', 'min']) {
    await agree({ sql: `${name}(a, b)`, types: ['any', 'any'], rows: combinations(few, few) });
    await agree({
      sql: `${name}(a, b, c)`,
      types: ['text', 'text', 'text'],
      rows: combinations(texts.slice(0, 12), texts.slice(0, 12), texts.slice(0, 6)),
    });
    await agree({
      sql: `${name}(a, b)`,
      types: ['bigint', 'bigint'],
      rows: combinations([null, ...INTEGERS], [null, ...INTEGERS]),
    });
  }
  await agree({
    sql: 'CASE WHEN a < b THEN -1 WHEN a > b THEN 1 WHEN a = b THEN 0 END',
    postgres: 'compare(a, b)',
    types: ['any', 'any'],
    rows: combinations(few, few),
  });
});

test('mathematical functions agree', async (t) => {
  const { agree } = await packDatabase(t);
  const reals = REALS.map((one) => [one]);
  for (const name of [
    'sqrt',
    'ceil',
    'ceiling',
    'floor',
    'trunc',
    'ln',
    'log10',
    'radians',
    'degrees',
    'sin',
    'cos',
    'tan',
    'asin',
    'acos',
    'atan',
    'asinh',
    'acosh',
    'atanh',
    'exp',
    'log2',
    'log',
    'sinh',
    'cosh',
    'tanh',
  ]) {
    await agree({ sql: `${name}(a)`, types: ['double precision'], rows: reals, tolerance: 4e-16 });
  }
  for (const name of ['mod', 'pow', 'power', 'atan2', 'log']) {
    await agree({
      sql: `${name}(a, b)`,
      types: ['double precision', 'double precision'],
      rows: combinations([...REALS, 7, -7, 3, -3, 8], [2, 3, -3, 0.5, 0, 10, -1, 1e10, Infinity, -Infinity, 1]),
      tolerance: 4e-16,
    });
  }
});

/** Doubles of every size: few and many digits, and any bits. */
function randomReals(random: Random, count: number): number[] {
  const bits = Buffer.alloc(8);
  return Array.from({ length: count }, () => {
    const kind = random.between(0, 5);
    if (kind === 0) {
      bits.writeUInt32BE(Math.floor(random.next() * 2 ** 32), 0);
      bits.writeUInt32BE(Math.floor(random.next() * 2 ** 32), 4);
      const any = bits.readDoubleBE();
      return Number.isNaN(any) ? 1.5 : any;
    }
    if (kind === 1) return random.between(-1e6, 1e6) / 100;
    if (kind === 2) return random.next();
    if (kind === 3) return random.next() * 10 ** random.between(-12, 20);
    if (kind === 4) return random.between(-1e9, 1e9) / 10 ** random.between(0, 9);
    return (random.between(-1e6, 1e6) + 0.5) / 10 ** random.between(0, 4);
  });
}
