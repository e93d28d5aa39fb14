import Database from 'better-sqlite3';
import type { Client } from 'pg';

/** What SQLite holds: an argument of a function, or its result. */
export type SqliteValue = null | bigint | number | string | Buffer;

/** `any` is the pack's type `value`; the others are PostgreSQL's. */
export type ArgumentType = 'any' | 'bigint' | 'double precision' | 'text' | 'bytea';

export interface Comparison {
  /** The expression over the columns a, b, c, …, with the pack's functions unqualified. */
  readonly sql: string;
  /** The expression on PostgreSQL, where it is another one. */
  readonly postgres?: string;
  /** The type of a, b, c, … on PostgreSQL. */
  readonly types: readonly ArgumentType[];
  readonly rows: readonly (readonly SqliteValue[])[];
  /** Beyond which relative difference two reals are not the same. @default 0, bit for bit */
  readonly tolerance?: number;
}

/** How one row differs, in words; an empty list when SQLite and PostgreSQL agree on every row, errors included. */
export class AgainstSqlite {
  readonly #client: Client;
  readonly #sqlite = new Database(':memory:');

  constructor(client: Client) {
    this.#client = client;
    this.#sqlite.defaultSafeIntegers();
  }

  close(): void {
    this.#sqlite.close();
  }

  async differences(comparison: Comparison): Promise<string[]> {
    const { sql, postgres = sql, rows, tolerance = 0 } = comparison;
    const names = comparison.types.map((_, i) => String.fromCharCode(97 + i));
    const statement = this.#sqlite.prepare(
      `SELECT ${sql} AS result${names.length === 0 ? '' : ` FROM (SELECT ${names.map((name) => `? AS ${name}`).join(', ')})`}`,
    );
    const expected = rows.map((row) => {
      try {
        return canonical((statement.get(row) as { result: SqliteValue }).result);
      } catch {
        return 'error';
      }
    });
    const differences: string[] = [];
    const note = (i: number, found: string): void => {
      const row = rows[i]?.map((cell) => (cell === null ? 'NULL' : canonical(cell))).join(' | ');
      if (!isSame(expected[i] ?? '', found, tolerance)) {
        differences.push(`${sql} of ${row}: SQLite ${expected[i]}, PostgreSQL ${found}`);
      }
    };
    const valid = rows.map((_, i) => i).filter((i) => expected[i] !== 'error');
    const found = await this.#resultsOf(comparison, postgres, valid);
    valid.forEach((i, at) => note(i, found[at] ?? 'error'));
    const invalid = rows.map((_, i) => i).filter((i) => expected[i] === 'error');
    // An error ends a statement, so these go one by one.
    for (const i of invalid.slice(0, 40)) note(i, (await this.#resultsOf(comparison, postgres, [i]))[0] ?? 'error');
    return differences;
  }

  /** A canonical text per row, `error` for those that fail. */
  async #resultsOf(comparison: Comparison, postgres: string, rows: readonly number[]): Promise<string[]> {
    if (rows.length === 0) return [];
    try {
      return await this.#run(comparison, postgres, rows);
    } catch (error) {
      if (rows.length === 1)
        return [process.env['PACK_DEBUG'] === undefined ? 'error' : `error: ${(error as Error).message}`];
      const half = Math.ceil(rows.length / 2);
      return [
        ...(await this.#resultsOf(comparison, postgres, rows.slice(0, half))),
        ...(await this.#resultsOf(comparison, postgres, rows.slice(half))),
      ];
    }
  }

  async #run(comparison: Comparison, postgres: string, rows: readonly number[]): Promise<string[]> {
    const parameters: unknown[] = [];
    const arrays: string[] = [];
    const columns: string[] = [];
    const selected: string[] = [];
    comparison.types.forEach((type, i) => {
      const name = String.fromCharCode(97 + i);
      const cells = rows.map((row) => comparison.rows[row]?.[i] ?? null);
      if (type === 'any') {
        parameters.push(cells.map(kindOf), cells.map(textOf));
        arrays.push(`$${parameters.length - 1}::text[]`, `$${parameters.length}::text[]`);
        columns.push(`${name}_kind`, `${name}_text`);
        selected.push(`CASE ${name}_kind WHEN 'i' THEN ${name}_text::bigint::crossfade_sqlite.value
          WHEN 'r' THEN ${name}_text::double precision::crossfade_sqlite.value
          WHEN 't' THEN ${name}_text::crossfade_sqlite.value
          WHEN 'b' THEN decode(${name}_text, 'hex')::crossfade_sqlite.value END AS ${name}`);
      } else {
        parameters.push(cells.map(textOf));
        arrays.push(`$${parameters.length}::text[]`);
        columns.push(`${name}_text`);
        selected.push(type === 'bytea' ? `decode(${name}_text, 'hex') AS ${name}` : `${name}_text::${type} AS ${name}`);
      }
    });
    if (arrays.length === 0) {
      parameters.push(rows.map(String));
      arrays.push('$1::text[]');
      columns.push('unused');
      selected.push('unused');
    }
    const qualifiedSql = postgres.replaceAll(/(?<![\w.])([a-z_0-9]+)\(/g, (whole, name: string) =>
      ['cast', 'coalesce'].includes(name) ? whole : `crossfade_sqlite."${name}"(`,
    );
    const result = await this.#client.query<{ result: string }>(
      `SELECT pg_temp.canonical(${qualifiedSql}) AS result
        FROM (SELECT ${selected.join(', ')}, place FROM unnest(${arrays.join(', ')}) WITH ORDINALITY AS t(${columns.join(', ')}, place)) AS given
        ORDER BY place`,
      parameters,
    );
    return result.rows.map((row) => row.result);
  }
}

/** Makes `pg_temp.canonical` for the session, which says the same of a value as `canonical`. */
export const CANONICAL_SQL = [
  ['bigint', `'i:' || $1`],
  ['integer', `'i:' || $1`],
  ['boolean', `'i:' || $1::integer`],
  ['text', `'t:' || $1`],
  ['json', `'t:' || $1::text`],
  ['bytea', `'b:' || encode($1, 'hex')`],
  ['double precision', `'r:' || encode(float8send(CASE WHEN $1 = 0 THEN 0 ELSE $1 END), 'hex')`],
  [
    'crossfade_sqlite.value',
    `CASE ($1).kind WHEN 1 THEN 'i:' || ($1).i WHEN 2 THEN 'r:' || encode(float8send(CASE WHEN ($1).r = 0 THEN 0 ELSE ($1).r END), 'hex')
      WHEN 4 THEN 'b:' || encode(($1).b, 'hex') ELSE 't:' || ($1).t END`,
  ],
]
  .map(
    ([type, expression]) =>
      `CREATE FUNCTION pg_temp.canonical(${type}) RETURNS text LANGUAGE sql AS $body$ SELECT COALESCE(${expression}, 'null') $body$;`,
  )
  .join('\n');

function canonical(result: SqliteValue): string {
  if (result === null) return 'null';
  if (typeof result === 'bigint') return `i:${result}`;
  if (typeof result === 'string') return `t:${result}`;
  if (typeof result === 'number') {
    const bits = Buffer.alloc(8);
    bits.writeDoubleBE(result === 0 ? 0 : result);
    return `r:${bits.toString('hex')}`;
  }
  return `b:${result.toString('hex')}`;
}

function isSame(expected: string, found: string, tolerance: number): boolean {
  if (expected === found || (expected === 'error' && found.startsWith('error'))) return true;
  if (tolerance === 0 || !expected.startsWith('r:') || !found.startsWith('r:')) return false;
  const [a, b] = [expected, found].map((text) => Buffer.from(text.slice(2), 'hex').readDoubleBE());
  return Math.abs((a ?? 0) - (b ?? 0)) <= tolerance * Math.abs(a ?? 0);
}

function kindOf(cell: SqliteValue): string | null {
  if (cell === null) return null;
  if (typeof cell === 'bigint') return 'i';
  if (typeof cell === 'number') return 'r';
  return typeof cell === 'string' ? 't' : 'b';
}

function textOf(cell: SqliteValue): string | null {
  if (cell === null) return null;
  if (Object.is(cell, -0)) return '-0';
  return Buffer.isBuffer(cell) ? cell.toString('hex') : String(cell);
}
