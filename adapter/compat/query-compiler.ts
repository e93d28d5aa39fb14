import type { ColumnCoding } from '../codec.ts';
import { boundTo, keepNative, unitOf } from './bindings.ts';
import type { CompilerConstructor, CompilerInternals, Statement } from '../router/knex-internals.ts';
import type { Catalog } from './catalog.ts';
import { ComparedColumns } from './compared-columns.ts';
import { assigned, foldedSql, kindOf } from './comparison.ts';
import { withRowids } from './rowid.ts';
import { sqliteRefusal } from './sqlite-error.ts';
import { IS_INSERTED } from './sessions.ts';

/**
 * PostgreSQL's query compiler of Knex, but with the meaning that SQLite gives to the same builder: where NULLs sort, how
 * LIKE compares, what an aggregate without an alias is called, what an insert answers.
 */
export function sqliteFlavoured(
  Base: CompilerConstructor,
  Sqlite: CompilerConstructor,
  catalog: Catalog,
): CompilerConstructor {
  /** What is known of the columns of the query that is being compiled around the one at hand. */
  let outer: ComparedColumns | undefined;

  return class SqliteFlavouredCompiler extends Base {
    compared: ComparedColumns | undefined;

    override toSQL(method?: string, tz?: string): ReturnType<CompilerInternals['toSQL']> {
      const around = outer;
      outer = this.compared = new ComparedColumns(this, catalog, around);
      try {
        const query = super.toSQL(method, tz);
        if (typeof query.sql === 'string') query.sql = withRowids(query.sql, this.tableName, catalog);
        if (catalog.of(this.tableName)?.isNative === true) keepNative(query);
        return query;
      } finally {
        outer = around;
      }
    }

    override bound(value: unknown): string {
      return this.client.parameter(value, this.builder, this.bindingsHolder);
    }

    /** SQLite reports the last inserted id unasked; here it has to be asked for. */
    override insert(): ReturnType<CompilerInternals['insert']> {
      const compiled = super.insert();
      if (typeof compiled === 'string') return compiled;
      const key = catalog.of(this.tableName)?.integerKey;
      if (key === undefined) return compiled;
      if (compiled.returning) {
        const returned = [compiled.returning].flat();
        return returned.includes('*') || returned.includes(key)
          ? ({ ...compiled, insertedKey: key } as typeof compiled)
          : compiled;
      }
      const mark = this.single['onConflict'] && this.single['merge'] ? `, ${IS_INSERTED}` : '';
      return {
        ...compiled,
        sql: `${compiled.sql} returning ${quote(key)}${mark}`,
        insertedKey: key,
      } as typeof compiled;
    }

    override _prepInsert(data: unknown): ReturnType<CompilerInternals['_prepInsert']> {
      const prepared = super._prepInsert(data);
      const entry = catalog.of(this.tableName);
      if (typeof prepared === 'string' || entry === undefined) return prepared;
      for (const [position, column] of prepared.columns.entries()) {
        // SQLite generates an integer primary key that is NULL or left out of some rows of several.
        if (column === entry.integerKey)
          for (const row of prepared.values) row[position] ??= this.client.raw('default');
        const formed = entry.formed.get(column);
        const known = entry.isNative ? undefined : entry.columns.get(column);
        if (formed === undefined && known !== undefined) {
          for (const row of prepared.values) row[position] = assigned(known, row[position]);
        }
        if (formed !== undefined) for (const row of prepared.values) row[position] = boundTo(formed, row[position]);
      }
      return prepared;
    }

    override _prepUpdate(data: Record<string, unknown> | undefined): string[] {
      const entry = catalog.of(this.tableName);
      const formed = entry?.formed;
      if (data !== undefined && entry !== undefined && !entry.isNative) {
        for (const [column, known] of entry.columns) if (column in data) data[column] = assigned(known, data[column]);
      }
      if (data !== undefined && formed !== undefined) {
        for (const [column, coding] of formed) if (column in data) data[column] = boundTo(coding, data[column]);
      }
      return super._prepUpdate(formed === undefined ? data : this.#counted(data, formed));
    }

    /** `increment` counts in the unit of SQLite's numbers; a bare number would be seconds to PostgreSQL. */
    #counted(
      data: Record<string, unknown> | undefined,
      formed: ReadonlyMap<string, ColumnCoding>,
    ): Record<string, unknown> | undefined {
      const counters = { ...(this.single['counter'] as Record<string, unknown> | undefined) };
      const counted = { ...data };
      for (const [column, coding] of formed) {
        const unit = unitOf(coding);
        if (unit === undefined || !(column in counters) || column in counted) continue;
        counted[column] = this.client.raw(`?? + ? * interval '1 ${unit}'`, [column, counters[column]]);
        delete counters[column];
      }
      this.single = { ...this.single, counter: counters };
      return counted;
    }

    /** Asked and told as Knex does it on SQLite. */
    override columnInfo(): ReturnType<CompilerInternals['columnInfo']> {
      const { sql, output } = new Sqlite(this.client, this.builder).columnInfo();
      return { sql, output: (result) => output(result.rows) };
    }

    /** As Knex refuses it on SQLite. */
    override distinctOn(_value: unknown): string {
      throw new Error('.distinctOn() is currently only supported on PostgreSQL');
    }

    /** Knex's SQLite dialect knows no RETURNING on deletes: they resolve to a count. SQLite deletes from no join. */
    override del(): unknown {
      if (this.grouped.join !== undefined) {
        throw sqliteRefusal(`near "${spelled(this, this.single['table'])}": syntax error`);
      }
      this.single = { ...this.single, returning: undefined };
      return super.del();
    }

    /** SQLite calls a number without an alias by its text. */
    override columns(): string {
      const { columns } = this.grouped;
      if (columns?.some(hasNumber) !== true) return super.columns();
      const named = (one: unknown): unknown =>
        typeof one === 'number' ? this.client.raw(`${one} as ${quote(String(one))}`) : one;
      this.grouped = {
        ...this.grouped,
        columns: columns.map((one) => (hasNumber(one) ? { ...one, value: one.value.map(named) } : one)),
      };
      return super.columns();
    }

    /** JSON in a column of texts is compared as the text that it is. */
    override whereJsonObject(statement: Statement): string {
      const value = this._jsonWrapValue(statement.value);
      const operator = statement.not === true ? '!=' : '=';
      return this.compared?.compare({ ...statement, operator, value }) ?? super.whereJsonObject(statement);
    }

    override aggregate(statement: Statement): string[] {
      const { value } = statement;
      if (typeof value !== 'string') return super.aggregate(statement);
      const [bare = value, alias = statement.alias] = value.split(/\sas\s/i);
      if (alias) {
        const aliased = this.#aggregated(statement, bare);
        return aliased === undefined
          ? super.aggregate(statement)
          : [`${aliased} as ${this.client.formatter(this.builder).wrap(alias.trim())}`];
      }
      const name = aggregateName(statement, spelled(this, value));
      const known = this.#aggregated(statement, value);
      if (known !== undefined) return [`${known} as ${quote(name)}`];
      // PostgreSQL averages integers as numeric, with fewer digits than a double may need.
      if (statement.method === 'avg' && !statement.aggregateDistinct) {
        return [`avg((${this.client.formatter(this.builder).wrap(value)})::double precision) as ${quote(name)}`];
      }
      return super.aggregate({ ...statement, alias: '' }).map((sql) => `${sql} as ${quote(name)}`);
    }

    /** Aggregates of columns for which PostgreSQL's own is another one, or none. */
    #aggregated({ method = '', aggregateDistinct }: Statement, name: string): string | undefined {
      const sql = this.client.formatter(this.builder).wrap(name.trim());
      const column = this.compared?.of(sql);
      if (column === undefined) return undefined;
      const kind = kindOf(column);
      const distinct = aggregateDistinct ? 'distinct ' : '';
      if (kind === 'boolean' && method !== 'count') return `${method}(${distinct}(${sql})::integer)`;
      const isFraction = kind === 'real' || kind === 'numeric';
      // SQLite adds up doubles, and carries what each addition loses.
      if (
        catalog.hasPack &&
        (method === 'avg' || method === 'sum') &&
        (isFraction || (method === 'avg' && kind === 'integer'))
      ) {
        return `crossfade_sqlite.${method}(${distinct}(${sql})::${isFraction ? 'double precision' : 'bigint'})`;
      }
      if (kind !== 'text') return undefined;
      if (method === 'count' && aggregateDistinct && column.collation === 'NOCASE')
        return `count(distinct ${foldedSql(sql)})`;
      if (method !== 'min' && method !== 'max') return undefined;
      if (column.collation === 'NOCASE') {
        const order = `${foldedSql(sql)}${method === 'max' ? ' desc' : ''}`;
        return `(array_agg(${sql} order by ${order}) filter (where ${sql} is not null))[1]`;
      }
      return column.isBytewise && column.postgresType !== 'json' ? undefined : `${method}((${sql})::text collate "C")`;
    }

    override aggregateRaw(statement: Statement): string {
      const name = aggregateName(statement, spelled(this, statement.value));
      return `${super.aggregateRaw(statement)} as ${quote(name)}`;
    }

    /** In SQLite NULL is smaller than every value; an explicit position is compiled as its dialect compiles it. */
    override _groupOrder(item: Statement, type: string): string {
      if (item.nulls) return super._basicGroupOrder(item, type);
      const sql = super._groupOrder(item, type);
      const { direction = 'asc' } = item;
      if (type !== 'order' || item.type === 'orderByRaw' || typeof direction !== 'string') return sql;
      return `${this.#ordered(sql, item)} nulls ${direction.toLowerCase() === 'desc' ? 'last' : 'first'}`;
    }

    /** Texts in the order of their bytes, or of the column's collation in SQLite. */
    #ordered(sql: string, { value }: Statement): string {
      const [, wrapped = '', rest = ''] = /^((?:"(?:[^"]|"")*"\.)*"(?:[^"]|"")*")(.*)$/.exec(sql) ?? [];
      // What is made distinct is ordered by what it returns.
      const isDistinct = (this.builder._statements ?? []).some(({ distinct }) => Boolean(distinct));
      if (typeof value !== 'string' || wrapped === '' || isDistinct || this.#isAlias(value)) return sql;
      const column = this.compared?.of(wrapped);
      if (column === undefined || kindOf(column) !== 'text') return sql;
      if (column.collation === 'NOCASE') return `${foldedSql(wrapped)}${rest}`;
      if (column.postgresType === 'json') return `(${wrapped})::text collate "C"${rest}`;
      return column.isBytewise ? sql : `${wrapped} collate "C"${rest}`;
    }

    /** Whether a column of the result is called so, which an order then means. */
    #isAlias(name: string): boolean {
      return (this.builder._statements ?? []).some(
        ({ grouping, value }) =>
          grouping === 'columns' &&
          [value]
            .flat()
            .some(
              (one) => typeof one !== 'string' || new RegExp(`\\sas\\s+${name.replace(/\W/g, '\\$&')}$`, 'i').test(one),
            ),
      );
    }

    override whereIn(statement: Statement): string {
      const sql = this.compared?.isIn(statement);
      return sql === undefined ? super.whereIn(statement) : `${this._not(statement, '')}${sql}`;
    }

    override whereBetween(statement: Statement): string {
      const sql = this.compared?.isBetween(statement);
      return sql === undefined ? super.whereBetween(statement) : `${this._not(statement, '')}${sql}`;
    }

    override onVal(statement: Statement): string {
      return this.compared?.compare(statement) ?? super.onVal(statement);
    }

    override whereLike(statement: Statement): string {
      return this.#like(statement, this._not(statement, ''));
    }

    override whereILike(statement: Statement): string {
      return this.#like(statement, this._not(statement, ''));
    }

    override whereBasic(statement: Statement): string {
      const operator = typeof statement.operator === 'string' ? statement.operator.toLowerCase() : '';
      if (operator === 'like' || operator === 'ilike') return this.#like(statement, '', this._not(statement, ''));
      if (operator === 'not like' || operator === 'not ilike') {
        return this.#like(statement, 'not ', this._not(statement, ''));
      }
      const sql = this.compared?.compare(statement);
      return sql === undefined ? super.whereBasic(statement) : `${this._not(statement, '')}${sql}`;
    }

    /** SQLite's LIKE: numbers are compared as text, ASCII letters without case, and a backslash is a backslash. */
    #like(statement: Statement, not: string, outerNot = ''): string {
      const column = this._columnClause(statement);
      const known = this.compared?.of(column);
      // The SQLite of better-sqlite3 finds no blob like anything.
      if (known !== undefined && kindOf(known) === 'blob') {
        return `${outerNot}(case when ${column} is not null then ${not === '' ? 'false' : 'true'} end)`;
      }
      return `${outerNot}(${column})::text collate "C" ${not}ilike ${this._valueClause(statement)} escape ''`;
    }
  };
}

/** A compiler never runs a query twice, but a builder may: nothing that it compiles may be written into the builder. */
export function isolate(compiler: CompilerInternals): CompilerInternals {
  const { single } = compiler;
  const update = single['update'];
  compiler.single =
    typeof update === 'object' && update !== null ? { ...single, update: { ...update } } : { ...single };
  return compiler;
}

/** The text of an expression as Knex writes it for SQLite. */
function spelled(compiler: CompilerInternals, expression: unknown): string {
  const speller: CompilerInternals['client'] = Object.create(compiler.client, {
    wrapIdentifierImpl: { value: (name: string) => (name === '*' ? name : `\`${name.replaceAll('`', '``')}\``) },
  });
  return speller.formatter(compiler.builder).wrap(expression);
}

/** Whether a number is among the columns that are selected. */
function hasNumber(statement: Statement): statement is Statement & { readonly value: readonly unknown[] } {
  return Array.isArray(statement.value) && statement.value.some((one) => typeof one === 'number');
}

/** SQLite calls a column without an alias by the text of its expression. */
function aggregateName(statement: Statement, expression: string): string {
  return `${statement.method ?? ''}(${statement.aggregateDistinct ? 'distinct ' : ''}${expression})`;
}

/** An identifier in PostgreSQL, past the application's `wrapIdentifier`. Knex would take a bare ? for a binding. */
function quote(name: string): string {
  return `"${name.replaceAll('"', '""').replaceAll('?', '\\?')}"`;
}
