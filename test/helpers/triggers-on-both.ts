import type { ExecutionContext } from 'ava';
import type Database from 'better-sqlite3';
import pg from 'pg';
import { quote } from '../../adapter/postgres/sql.ts';
import { sqliteError } from '../../adapter/compat/sqlite-error.ts';
import { tryParseStatement } from '../../migrations/sqlite/parser.ts';
import { translateStatement } from '../../migrations/translate/translate-statement.ts';
import { brief, translated } from './translated-pair.ts';
import type { Translated } from './translated-pair.ts';

/** What both databases made of a statement: the rows it counted, or its error in SQLite's words. */
export interface Outcome {
  readonly sqlite: string;
  readonly postgres: string;
}

/** A schema with triggers in both databases, empty at first. */
export class TriggersOnBoth {
  readonly pair: Pick<Translated, 'sqlite' | 'postgres' | 'translation'>;

  /** Over a schema that both have already. */
  constructor(pair: TriggersOnBoth['pair']) {
    this.pair = pair;
  }

  /** Makes the schema in both. Rejections fail the test unless they are expected, as `brief` gives them. */
  static async open(
    t: ExecutionContext,
    schema: string,
    { rejected = [], omit = [] }: { rejected?: readonly string[]; omit?: readonly string[] } = {},
  ): Promise<TriggersOnBoth> {
    const pair = await translated(t, schema, { omit });
    const rejections = pair.findings.filter(({ severity }) => severity === 'rejection');
    t.deepEqual(brief(rejections), rejected, JSON.stringify(rejections, null, 1));
    t.deepEqual(await pair.apply(), []);
    pair.sqlite.defaultSafeIntegers(true);
    return new TriggersOnBoth(pair);
  }

  /** Runs a statement of SQLite's on both. */
  async run(sql: string): Promise<Outcome> {
    await this.#setIdentities();
    return { sqlite: this.#onSqlite(sql), postgres: await this.#onPostgres(sql) };
  }

  /** The next ids of PostgreSQL as SQLite counts them, whatever was inserted with an id of its own or taken back. */
  async #setIdentities(): Promise<void> {
    const calls = this.pair.translation.plan.tables.flatMap(({ name, columns }) =>
      columns
        .filter(({ identity }) => identity !== null)
        .map(
          (column) =>
            `setval(pg_get_serial_sequence('"${name}"', '${column.name}'), (SELECT coalesce(max("${column.name}"), 0) + 1 FROM "${name}"), false)`,
        ),
    );
    if (calls.length > 0) await this.pair.postgres.query(`SELECT ${calls.join(', ')}`);
  }

  #onSqlite(sql: string): string {
    try {
      const statement = this.pair.sqlite.prepare(sql);
      return isOnView(sql, this.pair.sqlite) ? (statement.run(), 'done') : `${statement.run().changes} rows`;
    } catch (error) {
      return said(error);
    }
  }

  async #onPostgres(sql: string): Promise<string> {
    const parsed = tryParseStatement(sql);
    if (!parsed.ok) throw new SyntaxError(parsed.problem.message);
    const { sql: text } = translateStatement(parsed.value, { catalog: this.pair.translation.catalog, source: sql });
    try {
      const { rowCount } = await this.pair.postgres.query(text);
      return isOnView(sql, this.pair.sqlite) ? 'done' : `${rowCount ?? 0} rows`;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      return said(sqliteError(error, '', () => undefined));
    }
  }

  /** The rows of all tables, each table's in the order of their texts; without columns that are not to be compared. */
  async rows({
    without = [],
    of,
  }: { readonly without?: readonly string[]; readonly of?: readonly string[] } = {}): Promise<{
    readonly sqlite: readonly string[];
    readonly postgres: readonly string[];
  }> {
    const sqlite: string[] = [];
    const postgres: string[] = [];
    for (const { name, columns } of this.pair.translation.plan.tables) {
      if (of?.includes(name) === false) continue;
      const list = columns
        .filter((column) => !without.includes(column.name))
        .map((column) => quote(column.name))
        .join(', ');
      const text = `SELECT ${list} FROM ${quote(name)}`;
      sqlite.push(...lines(name, this.pair.sqlite.prepare(text).raw().all() as unknown[][]));
      const { rows } = await this.pair.postgres.query<unknown[]>({ text, rowMode: 'array' });
      postgres.push(...lines(name, rows));
    }
    return { sqlite, postgres };
  }
}

function isOnView(sql: string, sqlite: Database.Database): boolean {
  const name = /^\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)/i.exec(sql)?.[1] ?? '';
  return (
    sqlite.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'view' AND lower(name) = lower(?)`).get(name) !== undefined
  );
}

function said(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  const code = 'code' in error ? String(error.code) : error.name;
  return code === 'SQLITE_CONSTRAINT_TRIGGER' ? `${code}: ${error.message}` : code;
}

function lines(table: string, rows: readonly (readonly unknown[])[]): readonly string[] {
  return rows.map((row) => `${table}: ${row.map(canonical).join(' | ')}`).sort();
}

function canonical(value: unknown): string {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string'
    ? `${value}`
    : JSON.stringify(value);
}
