import type { Knex } from 'knex';
import { EXACT_INTEGERS } from './compat/safe-integers.ts';
import { CrossfadeError } from './errors.ts';

/** A value of a key's column. */
export type KeyValue = string | number | bigint | Uint8Array;

/** A row's key: its value where the key has one column, else an object with the value of each of its columns. */
export type RowKey<R extends object> = KeyValue | Partial<R>;

export interface RepositoryOptions {
  /** The application's Knex, or one of its transactions. */
  readonly knex: Knex;
  readonly table: string;
  /** The columns of the table's key. */
  readonly key: readonly string[];
}

export interface ListOptions<R extends object> {
  /** Columns that must have these values; `null` finds NULL. @default every row */
  readonly where?: Partial<R>;
  /** Columns to sort by, with a `-` in front for descending; the key comes last. @default the key */
  readonly orderBy?: readonly string[];
  /** @default all rows */
  readonly limit?: number;
  /** How many rows to leave out first. @default 0 */
  readonly offset?: number;
}

/**
 * The rows of one table, typed; the same on both databases.
 *
 * What it gives back are rows as they are stored, with defaults and generated columns filled in.
 */
export class Repository<R extends object> {
  readonly #knex: Knex;
  readonly #table: string;
  readonly #key: readonly string[];

  /** @throws CrossfadeError `TABLE_WITHOUT_KEY` when no column of a key is named. */
  constructor(options: RepositoryOptions) {
    if (options.key.length === 0) {
      throw new CrossfadeError('TABLE_WITHOUT_KEY', `a repository of "${options.table}" was opened without a key`, {
        hint: 'name the columns of its primary key',
      });
    }
    this.#knex = options.knex;
    this.#table = options.table;
    this.#key = options.key;
  }

  /** The row with this key, or `undefined`. */
  async find(key: RowKey<R>): Promise<R | undefined> {
    return await this.#rowOf(this.#knex, this.#condition(key));
  }

  /**
   * The row with this key.
   *
   * @throws CrossfadeError `ROW_NOT_FOUND`
   */
  async get(key: RowKey<R>): Promise<R> {
    const row = await this.find(key);
    if (row !== undefined) return row;
    throw new CrossfadeError('ROW_NOT_FOUND', `table "${this.#table}" has no row with key ${this.#format(key)}`, {
      hint: 'use find() where a missing row is no error',
    });
  }

  /** Rows in a definite order. */
  async list(options: ListOptions<R> = {}): Promise<R[]> {
    const query = this.#rows(this.#knex);
    for (const [column, value] of Object.entries(options.where ?? {})) {
      if (value === null) void query.whereNull(column);
      else void query.where({ [column]: value });
    }
    for (const column of this.#order(options.orderBy ?? [])) {
      void query.orderBy(column.replace(/^-/, ''), column.startsWith('-') ? 'desc' : 'asc');
    }
    if (options.limit !== undefined) void query.limit(options.limit);
    if (options.offset !== undefined) void query.offset(options.offset);
    return (await query) as R[];
  }

  /** Adds a row. Resolves to the row as stored, with what the database added. */
  async insert(row: Partial<R>): Promise<R> {
    return onlyRow(await this.#rows(this.#knex).insert(row).returning('*'));
  }

  /** Changes columns of a row. Resolves to the row as it is then, or to `undefined` when there is none. */
  async update(key: RowKey<R>, changes: Partial<R>): Promise<R | undefined> {
    const rows: R[] = await this.#rows(this.#knex).where(this.#condition(key)).update(changes).returning('*');
    return rows[0];
  }

  /** Adds a row, or changes the one that has its key. Columns that are not named keep their values. */
  async upsert(row: Partial<R>): Promise<R> {
    const changed = Object.keys(row).filter((column) => !this.#key.includes(column));
    const adding = this.#rows(this.#knex)
      .insert(row)
      .onConflict([...this.#key]);
    // An update that changes nothing still gives the row back, where DO NOTHING would give none.
    const columns = changed.length > 0 ? changed : [...this.#key];
    return onlyRow(await adding.merge(columns).returning('*'));
  }

  /** Removes a row. Resolves to whether there was one. */
  async delete(key: RowKey<R>): Promise<boolean> {
    const count: number = await this.#rows(this.#knex).where(this.#condition(key)).del();
    return count > 0;
  }

  /** Runs `work` with this repository inside a transaction: all of it is kept, or, if `work` rejects, none. */
  async transaction<T>(work: (repository: Repository<R>, trx: Knex.Transaction) => Promise<T>): Promise<T> {
    return await this.#knex.transaction(async (trx) => await work(this.within(trx), trx));
  }

  /** The same repository as part of a transaction. */
  within(trx: Knex.Transaction): Repository<R> {
    return new Repository({ knex: trx, table: this.#table, key: this.#key });
  }

  #rows(on: Knex): Knex.QueryBuilder {
    // Whatever better-sqlite3 would make of them: a key that lost a digit is another row's.
    return on(this.#table).options(EXACT_INTEGERS);
  }

  async #rowOf(on: Knex, condition: Record<string, unknown>): Promise<R | undefined> {
    const row: R | undefined = await this.#rows(on).where(condition).first();
    return row;
  }

  #condition(key: RowKey<R>): Record<string, unknown> {
    const given: Record<string, unknown> = isKeyValue(key) ? { [this.#key[0] ?? '']: key } : { ...key };
    const condition = Object.fromEntries(this.#key.map((column) => [column, given[column]]));
    const missing = this.#key.filter((column) => condition[column] === undefined || condition[column] === null);
    if (missing.length === 0) return condition;
    throw new CrossfadeError(
      'CONFIG_INVALID',
      `a row of "${this.#table}" was asked for by a key without ${missing.map((column) => `"${column}"`).join(', ')}`,
      { hint: `give a value for each of: ${this.#key.join(', ')}` },
    );
  }

  #order(columns: readonly string[]): readonly string[] {
    const named = new Set(columns.map((column) => column.replace(/^-/, '')));
    return [...columns, ...this.#key.filter((column) => !named.has(column))];
  }

  #format(key: RowKey<R>): string {
    const values = Object.values(this.#condition(key));
    return `[${values.map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value))).join(', ')}]`;
  }
}

function isKeyValue(key: unknown): key is KeyValue {
  return typeof key !== 'object' || key instanceof Uint8Array;
}

function onlyRow<R>(rows: readonly R[]): R {
  const [row] = rows;
  if (row === undefined) throw new TypeError('a database answered an insert with RETURNING without a row');
  return row;
}
