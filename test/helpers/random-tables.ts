import type { Random } from './random.ts';

/** What a column holds, and so what an API would compare it with. */
export type Kind =
  | 'id'
  | 'integer'
  | 'big'
  | 'real'
  | 'text'
  | 'nocase'
  | 'boolean'
  | 'decimal'
  | 'blob'
  | 'datetime'
  | 'epoch'
  | 'json'
  | 'day'
  | 'parent';

export interface RandomColumn {
  readonly name: string;
  readonly kind: Kind;
  readonly declared: string;
}

export interface RandomTable {
  readonly name: string;
  readonly columns: readonly RandomColumn[];
}

export const TEXTS = [
  '',
  'a',
  'A',
  'abc',
  'ABC',
  'aBc',
  'b',
  'é',
  'É',
  'zz',
  'a_b',
  '50%',
  '5',
  '05',
  '5.0',
  ' 5',
  '-1',
  '1e2',
  'x y',
  "it's",
  'ü\n',
  '\\',
  '日本',
  '{"a":1}',
  '2024-01-31',
  '10',
];
export const INTEGERS = [0, 1, -1, 2, 3, 5, 7, 10, 42, 100, 2_147_483_648, -9];
export const REALS = [0, 0.1, -0.5, 1, 1.5, 2.5, 3, 1e6, 123.456, -2, 1e-7];
const DATETIMES = [
  '2024-01-31 10:00:00',
  '2023-02-28 00:00:00',
  '2024-02-29 23:59:59',
  '1999-12-31 12:30:00',
  '2024-05-17 08:09:10',
];
export const EPOCHS = [0, 1_715_933_350_123, 1_715_933_350_000, 1_600_000_000_000, 5];
const DAYS = ['2024-01-31', '2023-02-28', '2024-02-29', '1999-12-31'];
const JSONS = [
  '{"a":1,"b":"x"}',
  '{"a":"1","c":[1,2,3]}',
  '{"a":2.5,"b":null}',
  '[1,"two",null]',
  '{}',
  '{"b":"A","a":true}',
];

const DECLARED: Readonly<Record<Exclude<Kind, 'id' | 'parent'>, readonly string[]>> = {
  integer: ['INTEGER', 'INTEGER NOT NULL DEFAULT 0', 'INT'],
  big: ['BIGINT'],
  real: ['REAL', 'FLOAT', 'DOUBLE'],
  text: ['TEXT', 'VARCHAR(255)', "TEXT NOT NULL DEFAULT ''"],
  nocase: ['TEXT COLLATE NOCASE'],
  boolean: ['BOOLEAN', 'BOOLEAN NOT NULL DEFAULT 0'],
  decimal: ['DECIMAL(10,2)'],
  blob: ['BLOB'],
  datetime: ['DATETIME', 'DATETIME DEFAULT CURRENT_TIMESTAMP'],
  epoch: ['INTEGER', 'BIGINT'],
  json: ['JSON', 'TEXT'],
  day: ['DATE', 'TEXT'],
};

/** Tables as APIs have them, the second and third with a parent. */
export function randomTables(random: Random): readonly RandomTable[] {
  return ['items', 'parts', 'notes'].map((table, index) => {
    const columns: RandomColumn[] = [
      { name: 'id', kind: 'id', declared: `INTEGER PRIMARY KEY${random.chance(0.5) ? ' AUTOINCREMENT' : ''}` },
    ];
    if (index > 0) columns.push({ name: 'item_id', kind: 'parent', declared: 'INTEGER REFERENCES items (id)' });
    const kinds = (Object.keys(DECLARED) as (keyof typeof DECLARED)[]).filter(() => random.chance(0.7));
    for (const kind of [...kinds, 'text' as const]) {
      const name = `${kind}_${columns.length}`;
      columns.push({ name: kind === 'epoch' ? `${name}_at` : name, kind, declared: random.pick(DECLARED[kind]) });
    }
    return { name: table, columns };
  });
}

/** A value that a column may hold. */
export function heldValue(random: Random, { kind, declared }: RandomColumn): unknown {
  if (!declared.includes('NOT NULL') && kind !== 'id' && random.chance(0.15)) return null;
  switch (kind) {
    case 'id':
      return random.between(1, 60);
    case 'parent':
      return random.between(1, 8);
    case 'integer':
      return random.pick(INTEGERS);
    case 'big':
      return random.chance(0.2)
        ? random.pick([9_007_199_254_740_993n, -9_223_372_036_854_775_808n])
        : random.pick(INTEGERS);
    case 'real':
      return random.pick(REALS);
    case 'text':
    case 'nocase':
      return random.pick(TEXTS);
    case 'boolean':
      return random.between(0, 1);
    case 'decimal':
      return random.pick([0, 1, 2.5, 10.25, -3.1, 99.99, 7]);
    case 'blob':
      return Buffer.from(random.pick(['', 'a', 'é', 'abc', '00']));
    case 'datetime':
      return random.pick(DATETIMES);
    case 'epoch':
      return random.pick(EPOCHS);
    case 'json':
      return random.pick(JSONS);
    case 'day':
      return random.pick(DAYS);
  }
}
