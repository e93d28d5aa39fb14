import type { Random } from './random.ts';
import type { Kind, RandomColumn, RandomTable } from './random-queries.ts';

/** Raw SQL and what is bound to it. */
export type RandomSql = readonly [sql: string, bindings: readonly unknown[]];

const NUMBERS: readonly Kind[] = ['integer', 'real', 'id', 'decimal', 'boolean', 'epoch'];
const WHOLE: readonly Kind[] = ['integer', 'id', 'boolean'];

/** What reports and lists of an API ask in SQLite's dialect: aggregates over joins, windows, JSON, sets, lists of values. */
export class RandomReports {
  readonly #random: Random;
  readonly #tables: readonly RandomTable[];

  constructor(random: Random, tables: readonly RandomTable[]) {
    this.#random = random;
    this.#tables = tables;
  }

  read(): RandomSql {
    const random = this.#random;
    const table = random.pick(this.#tables);
    const child = random.pick(this.#tables.slice(1));
    const { name } = table;
    const any = this.#column(table);
    const other = this.#column(table);
    const number = this.#column(table, NUMBERS);
    const whole = this.#column(table, WHOLE);
    const one = this.#expression(table);
    const two = this.#expression(table);
    const json = this.#json(table);
    const ofItem = this.#column(this.#tables[0] ?? table, NUMBERS);
    const ofChild = this.#column(child, NUMBERS);
    const list = random.pick(['[1, 2.0, "3", "a", null]', '["abc", "5", 5, 10]', '[]', '[0, true, 42.5]']);
    return random.pick<() => RandomSql>([
      () => [
        `SELECT i.id, count(c.id) AS n, sum(c.${ofChild}) AS s, round(avg(c.${ofChild}), 2) AS a, max(c.id) AS last FROM items i LEFT JOIN ${child.name} c ON c.item_id = i.id AND c.id > ? GROUP BY i.id HAVING n >= ? ORDER BY n DESC, i.id`,
        [random.between(0, 3), random.between(0, 2)],
      ],
      () => [
        `SELECT c.item_id, i.${ofItem} AS v, count(*) AS n FROM ${child.name} AS c JOIN items AS i ON i.id = c.item_id WHERE i.${ofItem} IS NOT NULL GROUP BY c.item_id ORDER BY v DESC, c.item_id LIMIT ?`,
        [String(random.between(1, 6))],
      ],
      () => [
        `SELECT id, ${number}, sum(${number}) OVER (ORDER BY id) AS running, lag(${any}) OVER (ORDER BY id) AS before, row_number() OVER (PARTITION BY ${whole} ORDER BY id DESC) AS nth, count(*) OVER () AS total FROM ${name} ORDER BY id LIMIT 7`,
        [],
      ],
      () => [`SELECT ${one} AS x, count(*) AS n FROM ${name} GROUP BY ${one} ORDER BY n DESC, min(id)`, []],
      () => [`SELECT DISTINCT ${one} AS x FROM ${name} ORDER BY x`, []],
      () => [`SELECT id, ${one} AS x, ${two} AS y FROM ${name} ORDER BY ${two}, id`, []],
      () => [`SELECT min(${one}) AS lo, max(${one}) AS hi, count(DISTINCT ${one}) AS d FROM ${name}`, []],
      () => [
        `SELECT id, (${one}) ${random.pick(['+', '-', '*', '/', '%'])} (${two}) AS x FROM ${name} ORDER BY id`,
        [],
      ],
      () => [
        `SELECT id, ${json} AS j, ${json} ${random.pick(['+ 1', '* 2', '/ 2', '% 2', "|| ''", 'IS NULL', '= 1', '> 1'])} AS x, typeof(${json}) AS t FROM ${name} ORDER BY ${json}, id`,
        [],
      ],
      () => [
        `SELECT ${json} AS j, count(*) AS n, sum(${json}) AS s, avg(${json}) AS a FROM ${name} GROUP BY ${json} ORDER BY j`,
        [],
      ],
      () => [`SELECT id FROM ${name} WHERE ${any} IN (SELECT value FROM json_each(?)) ORDER BY id`, [list]],
      () => [`SELECT id FROM ${name} WHERE ${any} NOT IN (SELECT value FROM json_each(?)) ORDER BY id`, [list]],
      () => [
        `SELECT v.value, v.type, t.id FROM json_each(?) AS v JOIN ${name} t ON t.id = v.value ORDER BY v.key`,
        [list],
      ],
      () => [
        `SELECT id FROM ${name} WHERE (id, ${any}) IN ((1, ?), (2, ?), (3, NULL)) OR (${whole}, id) > (?, 4) ORDER BY id`,
        [random.pick<unknown>(['a', 5, 'abc']), random.pick<unknown>([1, 'x']), random.between(0, 5)],
      ],
      () => [
        `SELECT id, (SELECT ${random.pick(['max', 'min', 'count', 'sum'])}(c.${ofChild}) FROM ${child.name} c WHERE c.item_id = i.id) AS x FROM items i WHERE EXISTS (SELECT 1 FROM ${child.name} d WHERE d.item_id = i.id) ORDER BY x, id`,
        [],
      ],
      () => [
        `SELECT ${any} AS v FROM ${name} UNION SELECT ${other} FROM ${name} WHERE ${other} IS NOT NULL ORDER BY 1 LIMIT ?`,
        [random.between(1, 20)],
      ],
      () => [
        `SELECT ${one} AS v FROM ${name} ${random.pick(['EXCEPT', 'INTERSECT'])} SELECT ${two} FROM ${name} ORDER BY v`,
        [],
      ],
      () => [
        `WITH a AS (SELECT id, ${one} AS x FROM ${name}), b AS (SELECT x, count(*) AS n, max(id) AS last FROM a GROUP BY x) SELECT b.n, b.last, a.x FROM b JOIN a ON a.id = b.last ORDER BY b.last`,
        [],
      ],
      () => [
        `WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT n.i, t.id FROM n LEFT JOIN ${name} t ON t.id = n.i ORDER BY n.i`,
        [BigInt(random.between(0, 3)), random.between(0, 9)],
      ],
      () => [
        `SELECT ${whole} AS k, max(id) AS hi, ${any} AS v, count(*) AS n FROM ${name} GROUP BY ${whole} ORDER BY k`,
        [],
      ],
      () => [
        `SELECT id, coalesce(${any}, ${number}, ?) AS c, CASE WHEN ${number} > ? THEN ${any} WHEN id % 2 THEN ? ELSE NULL END AS k, iif(${whole}, ${number}, 'no') AS f FROM ${name} ORDER BY id`,
        [
          random.pick<unknown>(['none', 0, 1.5, true, null]),
          random.between(0, 5),
          random.pick<unknown>(['x', 7, null]),
        ],
      ],
      () => [
        `SELECT printf('%05d|%-8s|%.3f|%x|%e', ${whole}, ${whole}, ${number}, id, ${number}) AS p, quote(${number}) AS q, round(${number} / 3, ?) AS r, CAST(${number} AS INTEGER) / 2 AS h FROM ${name} ORDER BY id`,
        [random.between(0, 3)],
      ],
      () => [
        `SELECT strftime(?, ${number} / 1000, 'unixepoch') AS m, count(*) AS n FROM ${name} GROUP BY 1 ORDER BY 1`,
        [random.pick(['%Y', '%Y-%m', '%d.%m.%Y', '%H'])],
      ],
      () => [
        `SELECT id FROM ${name} WHERE ${any} ${random.pick(['LIKE', 'NOT LIKE', 'GLOB', 'IS', 'IS NOT', '<', '>='])} ? ORDER BY ${other} COLLATE NOCASE ${random.pick(['ASC', 'DESC', 'ASC NULLS LAST'])}, id LIMIT ? OFFSET ?`,
        [
          random.pick<unknown>(['a%', '5', 5, 2.5, true, '2024%', null]),
          random.between(1, 9),
          random.pick<unknown>([0, 1, '2']),
        ],
      ],
      () => [
        `SELECT count(*) FILTER (WHERE ${number} > ?) AS f, total(${number}) AS t, group_concat(id, '-') AS ids, sum(${number} > 1) AS b, avg(${whole}) AS a, sum(${number}) / count(*) AS q FROM ${name}`,
        [random.between(0, 9)],
      ],
    ])();
  }

  write(): RandomSql {
    const random = this.#random;
    const table = random.pick(this.#tables);
    const child = random.pick(this.#tables.slice(1));
    const { name } = table;
    const id = random.between(1, 14);
    const number = this.#assignable(table, ['integer', 'real', 'decimal']);
    const text = this.#assignable(table, ['text']) ?? 'text';
    // A column of DECIMAL(10,2) rounds what SQLite would keep.
    const half = this.#assignable(table, ['integer', 'real']);
    const ofItem = this.#column(this.#tables[0] ?? table, ['integer', 'id', 'boolean']);
    const json = table.columns.find(({ kind }) => kind === 'json')?.name ?? text;
    const choices: (() => RandomSql)[] = [
      () => [`UPDATE ${name} SET ${text} = ${text} || '-' || id || upper(?) WHERE id <= ?`, ['x', id]],
      () => [
        `UPDATE ${name} SET ${text} = CASE WHEN id % 2 = 0 THEN ? ELSE substr(${text}, 1, 2) END WHERE id > ?`,
        ['even', id],
      ],
      () => [
        `UPDATE ${name} SET ${text} = (SELECT count(*) || ' of ' || max(i.id) FROM items i WHERE i.id <= ${name}.id)`,
        [],
      ],
      () => [
        `UPDATE ${name} SET ${json} = json_set(coalesce(nullif(${json}, ''), '{}'), '$.n', ifnull(json_extract(${json}, '$.a'), 0) + 1, '$.t', ?) WHERE json_valid(${json})`,
        ['z'],
      ],
      () => [
        `DELETE FROM ${child.name} WHERE item_id IN (SELECT id FROM items WHERE ${ofItem} > ?) RETURNING id`,
        [random.between(0, 4)],
      ],
      () => [
        `DELETE FROM ${child.name} WHERE NOT EXISTS (SELECT 1 FROM items i WHERE i.id = ${child.name}.item_id AND i.id > ?)`,
        [id],
      ],
      () => [
        `INSERT INTO ${name} (${text}) SELECT 'sum ' || count(*) || '/' || ifnull(max(id), 0) FROM items WHERE id < ? RETURNING id, ${text}`,
        [id],
      ],
      () => [
        `INSERT INTO ${name} (id, ${text}) SELECT id, ? FROM ${name} WHERE id > ? ON CONFLICT (id) DO UPDATE SET ${text} = excluded.${text} || ${name}.id WHERE excluded.id % 2 = 1`,
        ['u', id],
      ],
      () => [`UPDATE ${name} SET ${text} = i.id || '' FROM items AS i WHERE i.id = ${name}.id + 1 AND i.id < ?`, [id]],
    ];
    if (number !== undefined && half !== undefined) {
      choices.push(
        () => [`UPDATE ${name} SET ${number} = ${number} * 2 - 1 WHERE id BETWEEN ? AND ?`, [id, id + 3]],
        () => [
          `UPDATE ${name} SET ${half} = coalesce(${half}, 0) + ? WHERE ${half} IS NULL OR ${half} < ?`,
          [random.between(1, 5), '6'],
        ],
        () => [
          `UPDATE ${name} SET ${number} = max(${number}, ?), ${text} = ${number} || '' WHERE id = ?`,
          [random.between(0, 9), id],
        ],
        () => [
          `UPDATE ${name} SET (${number}, ${text}) = (SELECT i.id, 'item ' || i.id FROM items i WHERE i.id = ?) WHERE id < ?`,
          [id, id],
        ],
        () => [
          `UPDATE ${name} SET ${half} = ${half} / 2 WHERE ${half} > 1000 AND id IN (SELECT value FROM json_each(?))`,
          ['[1, 2, "3", 9]'],
        ],
        () => [
          `INSERT INTO ${name} (id, ${half}) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET ${half} = coalesce(${half}, 0) + excluded.${half}`,
          [id, random.between(1, 9)],
        ],
      );
    }
    return random.pick(choices)();
  }

  #column({ columns }: RandomTable, kinds?: readonly Kind[]): string {
    return this.#random.pick(columns.filter(({ kind }) => kinds?.includes(kind) ?? !UNORDERED.has(kind))).name;
  }

  #assignable({ columns }: RandomTable, kinds: readonly Kind[]): string | undefined {
    const found = columns.filter(({ kind }) => kinds.includes(kind));
    return found.length === 0 ? undefined : this.#random.pick(found).name;
  }

  /** A member of a column of JSON, or of a document. */
  #json({ columns }: RandomTable): string {
    const column = columns.find(({ kind }: RandomColumn) => kind === 'json')?.name;
    const path = this.#random.pick(['$.a', '$.b', '$.c[1]', '$[0]', '$.none']);
    const source = column ?? `'{"a":' || id || ',"b":"x"}'`;
    return this.#random.chance(0.5) ? `json_extract(${source}, '${path}')` : `(${source} ->> '${path}')`;
  }

  #expression(table: RandomTable): string {
    const random = this.#random;
    const any = this.#column(table);
    const number = this.#column(table, NUMBERS);
    return random.pick([
      any,
      number,
      `${number} + 1`,
      `${number} / 2`,
      `${number} * 1.5`,
      `${number} % 3`,
      `lower(${any})`,
      `length(${any})`,
      `substr(${any}, 1, 1)`,
      `ifnull(${any}, 'none')`,
      `${number} > 2`,
      `CAST(${any} AS INTEGER)`,
      `CAST(${any} AS TEXT)`,
      `typeof(${any})`,
      `abs(${number})`,
      `${any} IS NULL`,
      this.#json(table),
    ]);
  }
}

/** Which of several equal texts stands for a group is SQLite's own choice; blobs go into no text. */
const UNORDERED: ReadonlySet<Kind> = new Set(['nocase', 'blob']);
