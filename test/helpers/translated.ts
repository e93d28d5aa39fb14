import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { Client, types } from 'pg';
import { parseStmt } from 'sqlite3-parser';
import { installPack } from '../../migrations/pack/install-pack.ts';
import type { Stmt } from '../../migrations/sqlite/schema.ts';
import type { Catalog, CatalogColumn, CatalogTable } from '../../migrations/translate/catalog.ts';
import { translateStatement } from '../../migrations/translate/translate-statement.ts';
import type { QueryTranslation } from '../../migrations/translate/translation.ts';
import { freshDatabase } from './postgres.ts';

/** A table as both databases have it. */
export interface TableOfBoth {
  readonly name: string;
  readonly columns: readonly ColumnOfBoth[];
  readonly primaryKey?: readonly string[];
  readonly uniques?: readonly (readonly string[])[];
  readonly rows: readonly (readonly SqliteValue[])[];
}

export type SqliteValue = bigint | number | string | Buffer | null;

export interface ColumnOfBoth extends CatalogColumn {
  /** What stands after its name in SQLite. */
  readonly declared: string;
  /** Its default in PostgreSQL. */
  readonly default?: string;
}

/** A column: how SQLite declares it, and what it is in PostgreSQL. */
export function column(
  name: string,
  declared: string,
  postgresType: string,
  type: CatalogColumn['type'],
  more: Partial<ColumnOfBoth> = {},
): ColumnOfBoth {
  return { name, declared, postgresType, type, collation: 'BINARY', notNull: false, ...more };
}

/** What both databases answered to a statement. */
export interface Answers {
  readonly translation: QueryTranslation;
  readonly sqlite: readonly (readonly string[])[] | Error;
  readonly postgres: readonly (readonly string[])[] | Error;
}

/** The same tables with the same rows in SQLite and in PostgreSQL, to which the same questions are put. */
export class TranslatedPair {
  readonly sqlite: Database.Database;
  readonly postgres: Client;
  readonly catalog: Catalog;

  readonly tables: readonly TableOfBoth[];

  private constructor(sqlite: Database.Database, postgres: Client, tables: readonly TableOfBoth[]) {
    this.tables = tables;
    this.sqlite = sqlite;
    this.postgres = postgres;
    const byName = new Map<string, CatalogTable>(tables.map((table) => [table.name.toLowerCase(), table]));
    this.catalog = { table: (name) => byName.get(name.toLowerCase()) };
  }

  static async open(t: Pick<ExecutionContext, 'teardown'>, tables: readonly TableOfBoth[]): Promise<TranslatedPair> {
    const sqlite = new Database(':memory:');
    sqlite.defaultSafeIntegers(true);
    const postgres = new Client({ connectionString: await freshDatabase(t) });
    await postgres.connect();
    t.teardown(async () => {
      sqlite.close();
      await postgres.end();
    });

    await installPack(postgres);
    for (const table of tables) await make(table, sqlite, postgres);
    return new TranslatedPair(sqlite, postgres, tables);
  }

  /**
   * Translates a statement and puts it to both, which take back what it did. What a statement other than a query changed
   * counts as its answer: the rows of all tables come after those it returned. Throws `Untranslatable`.
   */
  async ask(sql: string, bindings: readonly SqliteValue[] = []): Promise<Answers> {
    const statement = parsed(sql);
    const translation = translateStatement(statement, { catalog: this.catalog, source: sql });
    const isQuery = statement.type === 'SelectStmt';
    const sqlite = this.#askSqlite(sql, bindings, isQuery);
    return { translation, sqlite, postgres: await this.#askPostgres(translation, bindings, isQuery) };
  }

  #askSqlite(sql: string, values: readonly SqliteValue[], isQuery: boolean): Answers['sqlite'] {
    // better-sqlite3 takes `?1` for a name.
    const numbered = Object.fromEntries(values.map((value, index) => [`${index + 1}`, value]));
    const bindings = /\?\d/.test(sql) ? [numbered] : values;
    this.sqlite.exec('BEGIN');
    try {
      const statement = this.sqlite.prepare(sql);
      const answer = statement.reader ? this.#rows(statement, bindings) : [[`${statement.run(...bindings).changes}`]];
      const after = isQuery
        ? []
        : this.tables.flatMap(({ name }) => this.#rows(this.sqlite.prepare(`SELECT * FROM "${name}" ORDER BY 1`), []));
      return [...answer, ...after];
    } catch (error) {
      return error as Error;
    } finally {
      this.sqlite.exec('ROLLBACK');
    }
  }

  #rows(statement: Database.Statement, bindings: readonly unknown[]): (readonly string[])[] {
    return statement
      .raw(true)
      .all(...bindings)
      .map((row) => (row as SqliteValue[]).map(canonical));
  }

  async #askPostgres(
    { sql, parameters }: QueryTranslation,
    bindings: readonly SqliteValue[],
    isQuery: boolean,
  ): Promise<Answers['postgres']> {
    await this.postgres.query('BEGIN');
    try {
      if (!isQuery) for (const table of this.tables) await setSequence(table, this.postgres);
      const answer = await this.#run(
        sql,
        parameters.map(({ key }) => bindings[Number(key) - 1] ?? null),
      );
      if (isQuery) return answer;
      const after = [];
      for (const { name } of this.tables) after.push(...(await this.#run(`SELECT * FROM "${name}" ORDER BY 1`, [])));
      return [...answer, ...after];
    } catch (error) {
      return error as Error;
    } finally {
      await this.postgres.query('ROLLBACK');
    }
  }

  async #run(sql: string, values: readonly SqliteValue[]): Promise<(readonly string[])[]> {
    const { rows, fields, rowCount } = await this.postgres.query<unknown[]>({
      text: sql,
      values: [...values],
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    });
    if (fields.length === 0) return [[`${rowCount}`]];
    return rows.map((row) =>
      row.map((value, index) => canonicalText(value as string | null, fields[index]?.dataTypeID ?? 0)),
    );
  }
}

/**
 * What is different between two answers, as people read it; `undefined` if they are the same. Rows count in their order
 * only where the statement states one.
 */
export function differenceBetween({ sqlite, postgres, translation }: Answers, isOrdered: boolean): string | undefined {
  const told = (answer: Answers['sqlite']) => {
    if (answer instanceof Error) return `error: ${answer.message}`;
    const rows = answer.map((row) => row.join(' | '));
    return (isOrdered ? rows : rows.sort()).join('\n');
  };
  const [one, two] = [told(sqlite), told(postgres)];
  return one === two && !(sqlite instanceof Error)
    ? undefined
    : `${translation.sql}\nSQLite:\n${one}\nPostgreSQL:\n${two}`;
}

/** The parser's tree of one statement. */
export function parsed(sql: string): Stmt {
  const result = parseStmt(sql);
  if (result.status === 'error') throw new Error(result.errors.join('\n'));
  return result.root;
}

/** A value as both databases can be compared by it: a number by its size, whatever holds it. */
export function canonical(value: SqliteValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'bigint') return `${value}`;
  if (typeof value === 'number') return number(value);
  return typeof value === 'string' ? `'${value}'` : `x'${value.toString('hex')}'`;
}

function canonicalText(text: string | null, oid: number): string {
  if (text === null) return 'NULL';
  return (READERS.get(oid) ?? ((other: string) => `'${other}'`))(text);
}

const { BOOL, INT2, INT4, INT8, FLOAT8, NUMERIC, BYTEA } = types.builtins;

const READERS: ReadonlyMap<number, (text: string) => string> = new Map([
  [BOOL, (text: string) => (text === 't' ? '1' : '0')],
  ...[INT2, INT4, INT8].map((oid) => [oid, (text: string) => text] as const),
  [FLOAT8, (text: string) => number(Number(text))],
  [
    NUMERIC,
    (text: string) => (/^-?\d+(\.0+)?$/.test(text) ? `${BigInt(text.replace(/\..*/, ''))}` : number(Number(text))),
  ],
  [BYTEA, (text: string) => `x'${text.slice(2)}'`],
]);

function number(value: number): string {
  return Number.isSafeInteger(value) ? `${BigInt(value)}` : `${value}`;
}

async function make(table: TableOfBoth, sqlite: Database.Database, postgres: Client): Promise<void> {
  const { name, columns, rows, primaryKey } = table;
  const uniques = (table.uniques ?? []).filter((unique) => unique.join() !== primaryKey?.join());
  const declared = columns.map((one) => `"${one.name}" ${one.declared}`).join(', ');
  const isRowid = columns.some((one) => one.isRowid === true);
  const key = primaryKey === undefined ? '' : `, PRIMARY KEY (${primaryKey.join(', ')})`;
  sqlite.exec(`CREATE TABLE "${name}" (${declared}${isRowid ? '' : key})`);
  const typed = columns.map(
    (one) =>
      `"${one.name}" ${one.postgresType}${one.type === 'text' ? ' COLLATE "C"' : ''}` +
      (one.isRowid === true ? ' GENERATED BY DEFAULT AS IDENTITY' : '') +
      (one.notNull ? ' NOT NULL' : '') +
      (one.default === undefined ? '' : ` DEFAULT ${one.default}`),
  );
  await postgres.query(`CREATE TABLE "${name}" (${typed.join(', ')}${key})`);
  for (const unique of uniques) {
    const isFolded = (part: string) => columns.some((one) => one.name === part && one.collation === 'NOCASE');
    sqlite.exec(`CREATE UNIQUE INDEX "${name}_${unique.join('_')}" ON "${name}" (${unique.join(', ')})`);
    await postgres.query(
      `CREATE UNIQUE INDEX ON "${name}" (${unique.map((part) => (isFolded(part) ? `lower("${part}")` : `"${part}"`)).join(', ')})`,
    );
  }
  const places = columns.map((_, index) => `$${index + 1}`).join(', ');
  const insert = sqlite.prepare(`INSERT INTO "${name}" VALUES (${columns.map(() => '?').join(', ')})`);
  for (const row of rows) {
    insert.run(...row);
    await postgres.query(`INSERT INTO "${name}" VALUES (${places})`, [...row]);
  }
}

/** SQLite counts on from the greatest id there is. */
async function setSequence({ name, columns }: TableOfBoth, postgres: Client): Promise<void> {
  const id = columns.find((one) => one.isRowid === true)?.name;
  if (id === undefined) return;
  await postgres.query(
    `SELECT setval(pg_get_serial_sequence('"${name}"', '${id}'), (SELECT max("${id}") FROM "${name}"))`,
  );
}
