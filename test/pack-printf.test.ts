import test from 'ava';
import type { SqliteValue } from './helpers/against-sqlite.ts';
import { INTEGERS, REALS, TEXTS, VALUES } from './helpers/nasty-values.ts';
import { combinations, packDatabase } from './helpers/pack-database.ts';
import { Random } from './helpers/random.ts';

test('every substitution of printf takes every kind of value as in SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  const formats = [
    '%d',
    '%i',
    '%u',
    '%x',
    '%X',
    '%o',
    '%p',
    '%r',
    '%f',
    '%e',
    '%E',
    '%g',
    '%G',
    '%s',
    '%z',
    '%c',
    '%q',
    '%Q',
    '%w',
    '%%',
    '%n',
    '%k',
    '%',
    'a%db',
    '%ld',
    '%lld',
    '%llu',
    '%#q',
    '%#Q',
  ];
  // SQLite gives %c of nothing as a NUL, which PostgreSQL's text cannot hold.
  const rows = combinations<SqliteValue>(formats, VALUES).filter(
    ([format, value]) => format !== '%c' || (value !== null && value !== '' && (value as Buffer).length !== 0),
  );
  await agree({ sql: 'printf(a, b)', types: ['text', 'any'], rows });
  await agree({
    sql: 'printf(a)',
    types: ['text'],
    rows: ['', 'plain', '%d', '%s|%s', '%Q', '%f', '%5d', '100%', '%5', '%y%d', null].map((one) => [one]),
  });
  await agree({
    sql: 'printf(a, b, c)',
    types: ['text', 'any', 'any'],
    rows: combinations<SqliteValue>(
      ['%*d', '%-*d|', '%.*f', '%s-%s', '%*.*f', '%d%%%s', '%*s|'],
      [0n, 3n, -8n, 12n, null, 'x'],
      [null, 5n, -5n, 1.25, 'text'],
    ),
  });
});

test('flags, width and precision of printf work as in SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  const flags = [
    '',
    '-',
    '+',
    ' ',
    '#',
    '!',
    '0',
    ',',
    '-+',
    '+0',
    '0,',
    ' 0',
    '#0',
    '!0',
    ',+',
    '-0',
    '+ ',
    '#!',
    '!,',
  ];
  const specs = (kinds: string): string[] =>
    combinations(flags, ['', '1', '5', '12', '20'], ['', '.', '.0', '.1', '.3', '.10'], [...kinds]).map(
      (parts) => `%${parts.join('')}`,
    );
  await agree({
    sql: 'printf(a, b)',
    types: ['text', 'bigint'],
    rows: combinations<SqliteValue>(
      specs('dxXor'),
      INTEGERS.filter((_, i) => i % 5 === 0),
    ),
  });
  await agree({
    sql: 'printf(a, b)',
    types: ['text', 'double precision'],
    rows: combinations<SqliteValue>(
      specs('feg'),
      REALS.filter((_, i) => i % 7 === 0),
    ),
    postgres: 'printf(a, b::crossfade_sqlite.value)',
  });
  // Bytes are counted unless there is a !, and PostgreSQL cannot cut a character in two.
  await agree({
    sql: 'printf(a, b)',
    types: ['text', 'any'],
    rows: combinations<SqliteValue>(specs('sqQwz'), ['', 'a', "it's", 'a"b', 'hello world', 'a\tb\\', null, 12n]),
  });
  await agree({
    sql: 'printf(a, b)',
    types: ['text', 'any'],
    rows: combinations<SqliteValue>(
      ['%5s|', '%-5s|', '%!5s|', '%!-5s|', '%!.2s', '%!4.2s|', '%c', '%5c|', '%-5c|', '%.3c'],
      TEXTS.filter((one) => one !== ''),
    ),
  });
});

test('random numbers are printed as in SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  const random = new Random(Random.seedOfSuite());
  t.log(`CROSSFADE_SEED=${random.seed}`);
  const rows = Array.from({ length: Number(process.env['PACK_ROUNDS'] ?? 3000) }, () => [
    `%${random.pick(['', '!', '+', ',', '0', '#'])}${random.pick(['', '8', '15'])}.${random.between(0, 22)}${random.pick(['f', 'e', 'g', 'G'])}`,
    random.pick([
      () => random.next() * 10 ** random.between(-20, 20),
      () => random.between(-1e9, 1e9) / 1000,
      () => (random.between(-1000, 1000) + 0.5) / 8,
    ])(),
  ]);
  await agree({ sql: 'printf(a, b)', types: ['text', 'any'], rows });
});
