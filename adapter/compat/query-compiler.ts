import Database from 'better-sqlite3';
import type { ColumnCoding } from '../codec.ts';
import { boundTo, unitOf } from './bindings.ts';
import type { CompilerConstructor, CompilerInternals, Statement } from '../router/knex-internals.ts';
import type { Catalog } from './catalog.ts';
import { withRowids } from './rowid.ts';
import { IS_INSERTED } from './sessions.ts';

/**
 * PostgreSQL's query compiler of Knex, but with the meaning that SQLite gives to the same builder: where NULLs sort, how
 * LIKE compares, what an aggregate without an alias is called, what an insert answers.
 */
export function sqliteFlavoured(Base: CompilerConstructor, catalog: Catalog): CompilerConstructor {
  return class SqliteFlavouredCompiler extends Base {
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
        if (formed !== undefined) for (const row of prepared.values) row[position] = boundTo(formed, row[position]);
      }
      return prepared;
    }

    override _prepUpdate(data: Record<string, unknown> | undefined): string[] {
      const formed = catalog.of(this.tableName)?.formed;
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

    override toSQL(method?: string, timeZone?: string): ReturnType<CompilerInternals['toSQL']> {
      const query = super.toSQL(method, timeZone);
      if (typeof query.sql === 'string') query.sql = withRowids(query.sql, this.tableName, catalog);
      return query;
    }

    /** As Knex refuses it on SQLite. */
    override distinctOn(_value: unknown): string {
      throw new Error('.distinctOn() is currently only supported on PostgreSQL');
    }

    /** Knex's SQLite dialect knows no RETURNING on deletes: they resolve to a count. SQLite deletes from no join. */
    override del(): unknown {
      const [join] = this.grouped.join ?? [];
      if (join !== undefined) {
        throw new Database.SqliteError(`near "${join.joinType ?? 'join'}": syntax error`, 'SQLITE_ERROR');
      }
      this.single = { ...this.single, returning: undefined };
      return super.del();
    }

    override aggregate(statement: Statement): string[] {
      const { value } = statement;
      if (typeof value !== 'string' || statement.alias || /\sas\s/i.test(value)) return super.aggregate(statement);
      const name = aggregateName(statement, spelled(this, value));
      // PostgreSQL averages integers as numeric, with fewer digits than a double may need.
      if (statement.method === 'avg' && !statement.aggregateDistinct) {
        return [`avg((${this.client.formatter(this.builder).wrap(value)})::double precision) as ${quote(name)}`];
      }
      return super.aggregate({ ...statement, alias: '' }).map((sql) => `${sql} as ${quote(name)}`);
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
      return `${sql} nulls ${direction.toLowerCase() === 'desc' ? 'last' : 'first'}`;
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
      return super.whereBasic(statement);
    }

    /** SQLite's LIKE: numbers are compared as text, ASCII letters without case, and a backslash is a backslash. */
    #like(statement: Statement, not: string, outerNot = ''): string {
      const column = this._columnClause(statement);
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

/** SQLite calls a column without an alias by the text of its expression. */
function aggregateName(statement: Statement, expression: string): string {
  return `${statement.method ?? ''}(${statement.aggregateDistinct ? 'distinct ' : ''}${expression})`;
}

/** An identifier in PostgreSQL, past the application's `wrapIdentifier`. Knex would take a bare ? for a binding. */
function quote(name: string): string {
  return `"${name.replaceAll('"', '""').replaceAll('?', '\\?')}"`;
}
