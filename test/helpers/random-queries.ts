import type { Knex } from 'knex';
import type { Random } from './random.ts';
import { RandomReports } from './random-reports.ts';
import type { RandomSql } from './random-reports.ts';

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

/** One question to a database: what is asked, and how. */
export interface Question {
  readonly text: string;
  readonly ask: (db: Knex) => PromiseLike<unknown>;
  /** Whether the order of the rows is part of the answer. */
  readonly isOrdered: boolean;
}

const TEXTS = [
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
const INTEGERS = [0, 1, -1, 2, 3, 5, 7, 10, 42, 100, 2_147_483_648, -9];
const REALS = [0, 0.1, -0.5, 1, 1.5, 2.5, 3, 1e6, 123.456, -2, 1e-7];
const DATETIMES = [
  '2024-01-31 10:00:00',
  '2023-02-28 00:00:00',
  '2024-02-29 23:59:59',
  '1999-12-31 12:30:00',
  '2024-05-17 08:09:10',
];
const EPOCHS = [0, 1_715_933_350_123, 1_715_933_350_000, 1_600_000_000_000, 5];
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

/** What code compares a column with: mostly what it holds, sometimes what only SQLite takes. */
function compared(random: Random, column: RandomColumn): unknown {
  if (random.chance(0.7)) {
    const value = heldValue(random, column);
    if (value === null) return random.pick(TEXTS);
    if (column.kind === 'boolean' && random.chance(0.5)) return value === 1;
    if (column.kind === 'epoch' && random.chance(0.4)) return new Date(Number(value));
    return value;
  }
  return random.pick<unknown>([
    random.pick(TEXTS),
    random.pick(INTEGERS),
    random.pick(REALS),
    String(random.pick(INTEGERS)),
    true,
    false,
    new Date(random.pick(EPOCHS)),
    BigInt(random.pick(INTEGERS)),
    Buffer.from('a'),
  ]);
}

type Builder = Knex.QueryBuilder;

/** Makes questions that an API written with Knex for SQLite would ask. */
export class RandomQueries {
  readonly #random: Random;
  readonly #tables: readonly RandomTable[];
  /** Whether raw SQL is among them. */
  readonly #hasRaw: boolean;
  readonly #reports: RandomReports;

  constructor(random: Random, tables: readonly RandomTable[], { hasRaw }: { readonly hasRaw: boolean }) {
    this.#random = random;
    this.#tables = tables;
    this.#hasRaw = hasRaw;
    this.#reports = new RandomReports(random, tables);
  }

  read(): Question {
    const random = this.#random;
    if (this.#hasRaw && random.chance(0.3)) return this.#rawQuestion(this.#reports.read());
    if (this.#hasRaw && random.chance(0.4)) return this.#rawRead();
    return random.pick([
      () => this.#list(),
      () => this.#list(),
      () => this.#list(),
      () => this.#aggregate(),
      () => this.#joined(),
      () => this.#united(),
    ])();
  }

  write(): Question {
    const random = this.#random;
    if (this.#hasRaw && random.chance(0.3)) return this.#rawQuestion(this.#reports.write());
    if (this.#hasRaw && random.chance(0.3)) return this.#rawWrite();
    return random.pick([
      () => this.#insert(),
      () => this.#insert(),
      () => this.#update(),
      () => this.#update(),
      () => this.#delete(),
      () => this.#upsert(),
    ])();
  }

  #rawQuestion([sql, bindings]: RandomSql): Question {
    return { text: '', ask: (db) => db.raw(sql, bindings as never), isOrdered: /ORDER BY(?!.*\))/.test(sql) };
  }

  #question(make: (db: Knex) => PromiseLike<unknown> & { toString(): string }, isOrdered: boolean): Question {
    return { text: '', ask: make, isOrdered };
  }

  #table(): RandomTable {
    return this.#random.pick(this.#tables);
  }

  /** Conditions on the columns of a table, decided before they are applied to either database. */
  #conditions(table: RandomTable, prefix = ''): (query: Builder, db: Knex) => Builder {
    const random = this.#random;
    const parts = Array.from({ length: random.pick([0, 1, 1, 1, 2, 3]) }, () => this.#condition(table, prefix));
    const isOr = random.chance(0.2);
    return (query, db) => {
      if (!isOr) return parts.reduce((made, part) => part(made, db), query);
      return query.where((inner) => {
        for (const part of parts) void inner.orWhere((one) => void part(one, db));
      });
    };
  }

  #condition(table: RandomTable, prefix: string): (query: Builder, db: Knex) => Builder {
    const random = this.#random;
    const column = random.pick(table.columns);
    const name = `${prefix}${column.name}`;
    const value = compared(random, column);
    const other = compared(random, column);
    const operator = random.pick(['=', '=', '=', '<', '<=', '>', '>=', '<>', '!=']);
    const list = Array.from({ length: random.between(0, 4) }, () => compared(random, column));
    const pattern = random.pick(['a%', '%b%', 'A_c', '%', '5%', '%É%', '\\%', 'x y', '%:00', '2024-%']);
    const choices: ((query: Builder, db: Knex) => Builder)[] = [
      (query) => query.where(name, operator, value as never),
      (query) => query.where(name, operator, value as never),
      (query) => query.where({ [name]: value } as never),
      (query) => query.whereNot(name, value as never),
      (query) => query.whereIn(name, list as never),
      (query) => query.whereNotIn(name, list as never),
      (query) => query.whereNull(name),
      (query) => query.whereNotNull(name),
      (query) => query.whereBetween(name, [value, other] as never),
      (query) => query.where(name, 'like', pattern),
      (query) => query.where(name, 'not like', pattern),
      (query) => query.whereILike(name, pattern),
      (query) =>
        query.whereIn(`${prefix}id`, (inner) => void inner.select('item_id').from('parts').whereNotNull('item_id')),
      (query, db) => query.whereExists(db('notes').select(db.ref('notes.id')).where('notes.id', '>', 3)),
    ];
    if (this.#hasRaw) {
      const raw = this.#rawCondition(column, name, value);
      choices.push(raw, raw, raw);
    }
    return random.pick(choices);
  }

  #rawCondition(column: RandomColumn, name: string, value: unknown): (query: Builder) => Builder {
    const random = this.#random;
    const [sql, bindings] = random.pick<readonly [string, readonly unknown[]]>([
      [`?? = ?`, [name, value]],
      [`?? IS ?`, [name, value]],
      [`?? IS NOT ?`, [name, null]],
      [`lower(??) = lower(?)`, [name, random.pick(TEXTS)]],
      [`?? LIKE ? ESCAPE '!'`, [name, 'a!_%']],
      [`ifnull(??, ?) > ?`, [name, value, value]],
      [`length(??) > ?`, [name, 2]],
      [`?? + 1 > ?`, [name, 5]],
      [`?? == ? OR ?? <> ?`, [name, value, name, 3]],
      [`date(??) >= date(?)`, [name, '2024-01-01']],
      [`strftime('%Y', ??) = ?`, [name, '2024']],
      [`?? % 2 = ?`, [name, 1]],
      [`?? BETWEEN ? AND ?`, [name, value, value]],
      [`coalesce(??, '') <> ''`, [name]],
      [`json_extract(?, '$.a') = ?`, ['{"a":1}', 1]],
      [column.kind === 'json' ? `json_extract(??, '$.a') = ?` : `?? IN (?, 1)`, [name, value]],
      [`typeof(??) = ?`, [name, 'text']],
      [`NOT ??`, [name]],
    ]);
    return (query) => query.whereRaw(sql, bindings as never);
  }

  #list(): Question {
    const random = this.#random;
    const table = this.#table();
    const conditions = this.#conditions(table);
    const some = table.columns.filter(() => random.chance(0.5)).map(({ name }) => name);
    const able = table.columns.filter(({ kind }) => kind !== 'nocase');
    const sorted = random.pick(this.#hasRaw ? table.columns : able).name;
    const distinct = random.pick(able).name;
    const direction = random.pick(['asc', 'desc'] as const);
    const shape = random.pick([
      'all',
      'all',
      'some',
      'some',
      'first',
      'pluck',
      'distinct',
      'raw',
      'count',
      'with',
      'nested',
    ]);
    const limit = random.chance(0.3) ? random.between(0, 5) : undefined;
    const offset = random.chance(0.2) ? random.between(0, 3) : undefined;
    const rawColumn = random.pick(RAW_COLUMNS);
    const another = random.pick(table.columns).name;
    const isOrdered = shape !== 'distinct' && shape !== 'count';
    return this.#question((db) => {
      const base: Builder =
        shape === 'with'
          ? db.with('chosen', conditions(db(table.name), db)).from('chosen')
          : shape === 'nested'
            ? db.from(conditions(db(table.name).select('*'), db).as('inner_1'))
            : conditions(db(table.name), db);
      if (shape === 'count') return base.count('*');
      if (shape === 'distinct') return base.distinct(distinct);
      let query: Builder = base.orderBy(sorted, direction).orderBy('id');
      if (limit !== undefined) query = query.limit(limit);
      if (offset !== undefined) query = query.offset(offset);
      if (shape === 'some' && some.length > 0) query = query.select(some);
      if (shape === 'raw' && this.#hasRaw)
        query = query.select(
          'id',
          db.raw(
            rawColumn.replaceAll('@', '??'),
            Array.from(rawColumn.matchAll(/@/g), () => another),
          ),
        );
      if (shape === 'first') return query.first();
      return shape === 'pluck' ? query.pluck(sorted) : query;
    }, isOrdered);
  }

  #aggregate(): Question {
    const random = this.#random;
    const table = this.#table();
    const conditions = this.#conditions(table);
    // Which of several texts that NOCASE calls equal stands for its group is SQLite's own choice.
    const able = table.columns.filter(({ kind }) => kind !== 'nocase');
    const group = random.chance(0.6) ? random.pick(able).name : undefined;
    const numbers = table.columns.filter(({ kind }) =>
      ['integer', 'real', 'id', 'boolean', 'decimal', 'epoch'].includes(kind),
    );
    const number = random.pick(numbers).name;
    const any = random.pick(table.columns.filter(({ kind }) => kind !== 'blob' && kind !== 'nocase')).name;
    const having = random.chance(0.4) ? random.between(0, 5) : undefined;
    const hasAlias = random.chance(0.6);
    return this.#question((db) => {
      const alias = (name: string) => (column: string) => (hasAlias ? `${column} as ${name}` : column);
      let query: Builder = conditions(db(table.name), db)
        .count(alias('n')('*'))
        .sum(alias('s')(number))
        .avg(alias('a')(number))
        .min(alias('lo')(any))
        .max(alias('hi')(any))
        .countDistinct(alias('d')(any));
      if (group !== undefined) query = query.select(group).groupBy(group);
      if (having !== undefined && group !== undefined) query = query.having(db.raw('count(*)') as never, '>', having);
      return query;
    }, false);
  }

  #joined(): Question {
    const random = this.#random;
    const [items, child] = [this.#tables[0], random.pick(this.#tables.slice(1))];
    if (items === undefined) throw new Error('there are three tables');
    const conditions = this.#conditions(child, `${child.name}.`);
    const isLeft = random.chance(0.4);
    const column = random.pick(items.columns).name;
    const sorted = random.pick(items.columns).name;
    return this.#question((db) => {
      const on = [`${child.name}.item_id`, 'items.id'] as const;
      const base = isLeft ? db(child.name).leftJoin('items', ...on) : db(child.name).join('items', ...on);
      return conditions(base as unknown as Builder, db)
        .select(`${child.name}.*`, `items.${column} as of_item`)
        .orderBy(`items.${sorted}`, random.seed % 2 === 0 ? 'asc' : 'desc')
        .orderBy(`${child.name}.id`);
    }, true);
  }

  #united(): Question {
    const random = this.#random;
    const one = this.#table();
    const two = this.#table();
    const conditions = this.#conditions(one);
    const isAll = random.chance(0.5);
    return this.#question((db) => {
      const first = conditions(db(one.name).select('id'), db);
      return isAll ? first.unionAll(db(two.name).select('id')) : first.union(db(two.name).select('id'));
    }, false);
  }

  #row(table: RandomTable, hasId: boolean): Record<string, unknown> {
    const random = this.#random;
    const row: Record<string, unknown> = {};
    for (const column of table.columns) {
      if (column.kind === 'id' ? !hasId : random.chance(0.2)) continue;
      const value = heldValue(random, column);
      row[column.name] = random.chance(0.15) ? assignable(random, column, value) : value;
    }
    return row;
  }

  #insert(): Question {
    const random = this.#random;
    const table = this.#table();
    const hasId = random.chance(0.3);
    const rows = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => this.#row(table, hasId));
    const returning = random.chance(0.3)
      ? random.pick<string | string[]>(['id', '*', ['id', table.columns.at(-1)?.name ?? 'id']])
      : undefined;
    return this.#question((db) => {
      const query = db(table.name).insert(rows.length === 1 ? rows[0] : rows);
      return returning === undefined ? query : query.returning(returning);
    }, false);
  }

  #upsert(): Question {
    const random = this.#random;
    const table = this.#table();
    const row = this.#row(table, true);
    const isIgnored = random.chance(0.4);
    const some = random.chance(0.4)
      ? table.columns
          .filter(({ kind }) => kind !== 'id')
          .slice(0, 2)
          .map(({ name }) => name)
          .filter((name) => name in row)
      : undefined;
    return this.#question((db) => {
      const query = db(table.name)
        .insert(row as never)
        .onConflict('id');
      if (isIgnored) return query.ignore();
      return some === undefined || some.length === 0 ? query.merge() : query.merge(some);
    }, false);
  }

  #update(): Question {
    const random = this.#random;
    const table = this.#table();
    const conditions = this.#conditions(table);
    const columns = table.columns.filter(({ kind }) => kind !== 'id' && kind !== 'parent');
    const values: Record<string, unknown> = {};
    for (const column of columns.filter(() => random.chance(0.3))) values[column.name] = heldValue(random, column);
    const counter = random.chance(0.3) ? columns.find(({ kind }) => kind === 'integer' || kind === 'real') : undefined;
    const hasReturning = random.chance(0.2);
    return this.#question((db) => {
      const query = conditions(db(table.name), db);
      if (counter !== undefined || Object.keys(values).length === 0) {
        const name = counter?.name ?? 'id';
        return query.where('id', '<', 1000).increment(name, counter === undefined ? 0 : 2);
      }
      const updated = query.update(values as never);
      return hasReturning ? updated.returning(['id', columns[0]?.name ?? 'id']) : updated;
    }, false);
  }

  #delete(): Question {
    const random = this.#random;
    const table = random.pick(this.#tables.slice(1));
    const conditions = this.#conditions(table);
    const id = random.between(1, 60);
    return this.#question((db) => conditions(db(table.name), db).where('id', '>', id).del(), false);
  }

  #rawRead(): Question {
    const random = this.#random;
    const table = this.#table();
    const column = random.pick(table.columns);
    const other = random.pick(table.columns);
    const number = random.pick(table.columns.filter(({ kind }) => ['integer', 'real', 'id', 'decimal'].includes(kind)));
    const expression = random.pick(RAW_COLUMNS).replaceAll('@', () => `"${random.pick(table.columns).name}"`);
    const value = compared(random, column);
    const [sql, bindings] = random.pick<readonly [string, readonly unknown[]]>([
      [`SELECT id, ${expression} AS x FROM ${table.name} ORDER BY id`, []],
      [`SELECT id, ${expression} AS x FROM ${table.name} ORDER BY x, id`, []],
      [
        `SELECT * FROM ${table.name} WHERE ${column.name} ${random.pick(['=', '==', '<', '>=', 'IS', 'IS NOT', '<>'])} ? ORDER BY id`,
        [value],
      ],
      [
        `SELECT ${column.name} AS k, count(*), sum(${number.name}) AS s, group_concat(id) AS ids FROM ${table.name} GROUP BY ${column.name} ORDER BY count(*) DESC, min(id)`,
        [],
      ],
      [
        `SELECT ${other.name}, max(id) FROM ${table.name} GROUP BY ${column.name} ORDER BY 2 LIMIT ?`,
        [random.between(-1, 4)],
      ],
      [
        `SELECT t.*, (SELECT count(*) FROM parts p WHERE p.item_id = t.id) AS n FROM ${table.name} AS t WHERE t.id IN (SELECT id FROM items WHERE ${random.pick(['1', '0', 'id > 3'])}) ORDER BY t.[id] DESC LIMIT 3`,
        [],
      ],
      [
        `WITH c AS (SELECT id, ${expression} AS x FROM \`${table.name}\`) SELECT x, count(*) AS n FROM c GROUP BY x ORDER BY n, min(id)`,
        [],
      ],
      [
        `SELECT id, CASE WHEN ${column.name} = ? THEN 'yes' WHEN ${other.name} IS NULL THEN ? ELSE id END AS x FROM ${table.name} ORDER BY 1`,
        [value, random.pick<unknown>(['none', 0, false])],
      ],
      [
        `SELECT date(?, '+1 day') AS d, strftime('%Y-%m', ?) AS m, ? / 2 AS h, ? || '' AS s`,
        ['2024-02-28', '2024-05-17 08:09:10', random.pick(INTEGERS), random.pick<unknown>([1, 'a', 2.5])],
      ],
      [`SELECT DISTINCT ${column.name} FROM ${table.name} ORDER BY ${column.name}`, []],
      [
        `SELECT count(*) AS n, total(${number.name}) AS t, avg(${number.name}), min(${column.name}) AS lo, max(${other.name}) AS hi FROM ${table.name} WHERE ${column.name} IS NOT NULL HAVING count(*) > ?`,
        [random.between(0, 3)],
      ],
      [
        `SELECT a.id, b.id AS other FROM ${table.name} a LEFT JOIN parts b ON b.item_id = a.id AND b.id > ? ORDER BY a.id, b.id LIMIT ?, ?`,
        ['2', 1, 5],
      ],
      [
        `SELECT id FROM ${table.name} WHERE ${column.name} LIKE ? OR ${other.name} GLOB ? ORDER BY id`,
        [random.pick(['a%', '%5%', '_']), random.pick(['a*', '[0-9]*', '?'])],
      ],
      [`SELECT id, rank() OVER (ORDER BY ${number.name} DESC) AS r FROM ${table.name} ORDER BY r, id`, []],
      [
        `SELECT x FROM (SELECT id AS x FROM items UNION ALL SELECT item_id FROM parts) WHERE x IS NOT NULL ORDER BY x LIMIT -1 OFFSET 2`,
        [],
      ],
    ]);
    return { text: '', ask: (db) => db.raw(sql, bindings as never), isOrdered: sql.includes('ORDER BY') };
  }

  #rawWrite(): Question {
    const random = this.#random;
    const table = this.#table();
    const column = random.pick(table.columns.filter(({ kind }) => kind !== 'id' && kind !== 'parent'));
    const value = heldValue(random, column);
    const id = random.between(1, 60);
    const [sql, bindings] = random.pick<readonly [string, readonly unknown[]]>([
      [`UPDATE ${table.name} SET ${column.name} = ? WHERE id = ?`, [value, String(id)]],
      [`UPDATE ${table.name} SET ${column.name} = coalesce(?, ${column.name}) WHERE id > ?`, [value, id]],
      [`INSERT INTO ${table.name} (id, ${column.name}) VALUES (?, ?)`, [id, value]],
      [`INSERT OR IGNORE INTO ${table.name} (id, ${column.name}) VALUES (?, ?)`, [id, value]],
      [
        `INSERT INTO ${table.name} (id, ${column.name}) VALUES (:id, :value) ON CONFLICT (id) DO UPDATE SET ${column.name} = excluded.${column.name}`,
        [id, value],
      ],
      [`INSERT INTO ${table.name} (${column.name}) SELECT ${column.name} FROM ${table.name} WHERE id = ?`, [id]],
      [`DELETE FROM notes WHERE id = ? RETURNING id, ${this.#tables[2]?.columns.at(-1)?.name ?? 'id'}`, [id]],
      [`REPLACE INTO ${table.name} (id, ${column.name}) VALUES (?, ?)`, [id, value]],
    ]);
    const given = sql.includes(':id') ? { id, value } : bindings;
    return { text: '', ask: (db) => db.raw(sql, given as never), isOrdered: false };
  }
}

/** Expressions of reports and lists; `@` is a column. */
const RAW_COLUMNS = [
  'upper(@)',
  'lower(@)',
  'length(@)',
  "@ || '-' || @",
  'ifnull(@, 0)',
  "coalesce(@, @, 'none')",
  '@ + 1',
  '@ * 2.5',
  '@ / 2',
  '@ % 3',
  '-@',
  'abs(@)',
  'round(@, 1)',
  'typeof(@)',
  'substr(@, 2, 3)',
  'substr(@, -2)',
  'CAST(@ AS TEXT)',
  'CAST(@ AS INTEGER)',
  'CAST(@ AS REAL)',
  'date(@)',
  "datetime(@, '+1 day')",
  "strftime('%Y-%m', @)",
  "json_extract(@, '$.a')",
  "@ ->> '$.b'",
  '@ IS NULL',
  '@ = @',
  '@ < @',
  "@ LIKE 'a%'",
  "CASE WHEN @ > 3 THEN 'big' ELSE @ END",
  'max(@, @)',
  'nullif(@, @)',
  "replace(@, 'a', 'b')",
  "instr(@, 'a')",
  'trim(@)',
  'hex(@)',
  'quote(@)',
  "iif(@, 'y', 'n')",
  "printf('%d/%s', @, @)",
  'random() IS NULL',
  '@ AND @',
  'NOT @',
  '@ IN (1, 2, NULL)',
  '@ BETWEEN 1 AND 5',
  "date(@ / 1000, 'unixepoch')",
];

/** What SQLite takes for a column too, and makes the same of. */
function assignable(random: Random, { kind }: RandomColumn, value: unknown): unknown {
  if (value === null) return null;
  switch (kind) {
    case 'integer':
      return random.pick<unknown>([`${Number(value)}`, BigInt(Number(value)), true]);
    case 'boolean':
      return value === 1;
    case 'real':
      return `${Number(value)}`;
    case 'text':
      return random.pick<unknown>([5, 'x', 7n]);
    case 'epoch':
      return new Date(Number(value));
    default:
      return value;
  }
}
