import test from 'ava';
import { jsonbText } from '../adapter/codec/jsonb-text.ts';
import { plainJsonbText } from '../adapter/codec/plain-jsonb.ts';
import { ValueRefused } from '../adapter/codec/value-refused.ts';
import { Random } from './helpers/random.ts';

function slowly(text: string): string | undefined {
  try {
    return jsonbText(text);
  } catch (error) {
    if (error instanceof ValueRefused) return undefined;
    throw error;
  }
}

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  ' ',
  '\n',
  '"a"',
  '"b"',
  '"ab"',
  '""',
  '"é"',
  '"\\n"',
  '1',
  '-0',
  '0',
  '-1.50',
  '007',
  '1e3',
  '12345678901234567890',
  'true',
  'null',
  'x',
  '.',
];

test('plain JSON is written as the codec writes it, and anything else is left to the codec', (t) => {
  for (const plain of ['{"a":1,"b":[1,2.50,{}],"cc":{"d":null}}', ' [ ] ', '"x y"', '-3', 'false', '{"a":"b"}']) {
    t.is(plainJsonbText(plain), jsonbText(plain));
  }
  for (const other of [
    '{"b":1,"a":2}',
    '{"a":1,"a":2}',
    '["é"]',
    '"\\u0041"',
    '1e2',
    '-0',
    '-0.00',
    '01',
    '[1,]',
    '{}x',
    '',
    '123456789012345678',
  ]) {
    t.is(plainJsonbText(other), undefined, other);
  }
});

test('it never disagrees with the codec, whatever the text', (t) => {
  const random = new Random(Random.seedOfSuite());
  const value = (depth: number): string => {
    const kind = depth > 3 ? 0 : random.between(0, 3);
    const space = random.pick(['', '', ' ']);
    if (kind === 1)
      return `[${space}${Array.from({ length: random.between(0, 3) }, () => value(depth + 1)).join(',')}]`;
    if (kind === 2) {
      const keys = ['"a"', '"b"', '"cc"', '"é"'].filter(() => random.chance(0.5));
      return `{${keys.map((key) => `${key}:${space}${value(depth + 1)}`).join(`${space},`)}}`;
    }
    return random.pick(['1', '-20', '0.50', '"x"', '""', 'true', 'null', '-0', '1e5', '"\\t"']);
  };
  let plain = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const text = random.chance(0.5)
      ? value(0)
      : Array.from({ length: random.between(1, 8) }, () => random.pick(PIECES)).join('');
    const written = plainJsonbText(text);
    if (written === undefined) continue;
    plain += 1;
    if (written !== slowly(text)) t.fail(`${JSON.stringify(text)}: ${written}`);
  }
  t.true(plain > 2_000);
});
