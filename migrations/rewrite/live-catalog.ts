import Database from 'better-sqlite3';
import type { SchemaFacts, TableFacts } from '../../adapter/compat/rewriter.ts';
import { formsOf } from '../../adapter/codec/form.ts';
import { readSchema } from '../sqlite/read-schema.ts';
import type { SqliteColumn, SqliteSchema, SqliteTable } from '../sqlite/schema.ts';
import type { Catalog, CatalogColumn, CatalogTable } from '../translate/catalog.ts';
import { sqlTypeOf } from '../translate/sql-type.ts';
import { translateSelect } from '../translate/translate-select.ts';
import { Untranslatable } from '../translate/translation.ts';

/**
 * The tables and views that both databases have: the types are PostgreSQL's, affinities and collations SQLite's. A table
 * with a column of a type that SQLite's values do not go into is not among them.
 */
export class LiveCatalog implements Catalog {
  readonly #tables = new Map<string, CatalogTable>();

  constructor({ sqlite, tables }: SchemaFacts) {
    const schema = readSqlite(sqlite);
    for (const facts of tables) {
      if (facts.isView) continue;
      const same = schema.tables.find(({ name }) => name.toLowerCase() === facts.name.toLowerCase());
      const columns = facts.columns.map((column) => catalogColumn(column, facts, same));
      if (columns.some((column) => column === undefined)) continue;
      this.#define({
        name: facts.name,
        columns: columns.filter((column) => column !== undefined),
        primaryKey: facts.primaryKey,
        uniques: same === undefined ? facts.uniques : uniquesOf(same),
        ...(facts.minds ? { minds: true } : {}),
      });
    }
    for (const facts of tables) if (facts.isView) this.#defineView(facts, schema);
  }

  table(name: string): CatalogTable | undefined {
    return this.#tables.get(name.toLowerCase());
  }

  #define(table: CatalogTable): void {
    this.#tables.set(table.name.toLowerCase(), table);
  }

  /** What SQLite's query says of the columns counts on in queries that read from the view. */
  #defineView(facts: TableFacts, schema: SqliteSchema): void {
    const view = schema.views.find(({ name }) => name.toLowerCase() === facts.name.toLowerCase());
    if (view === undefined) return;
    try {
      const query = translateSelect(view.select, { catalog: this });
      const columns = facts.columns.flatMap(({ name, type, notNull }): CatalogColumn[] => {
        const index = view.columns.findIndex((one) => one.toLowerCase() === name.toLowerCase());
        const origin = query.columns[index]?.origin;
        const sqlType = sqlTypeOf(type);
        if (origin === undefined || sqlType === undefined) return [];
        const collation = origin.collation?.name ?? 'BINARY';
        return [{ name, type: sqlType, postgresType: type, collation, notNull, origin }];
      });
      if (columns.length === facts.columns.length) this.#define({ name: facts.name, columns });
    } catch (error) {
      // Queries that read from it are then untranslatable, too.
      if (!(error instanceof Untranslatable)) throw error;
    }
  }
}

/** As SQLite has them: PostgreSQL's index of a NOCASE column is one over an expression. */
function uniquesOf({ primaryKey, uniques, indexes }: SqliteTable): readonly (readonly string[])[] {
  const whole = indexes.filter(({ unique, where }) => unique && where === null);
  return [primaryKey, ...[...uniques, ...whole].map(({ parts }) => parts)]
    .filter((parts) => parts.length > 0 && parts.every(({ column }) => column !== null))
    .map((parts) => parts.map(({ column }) => column ?? ''));
}

/** Whether an index says so under the column's own collation. */
function isUnique({ name, collation }: SqliteColumn, { primaryKey, uniques, indexes }: SqliteTable): boolean {
  const whole = indexes.filter(({ unique, where }) => unique && where === null);
  return [primaryKey, ...[...uniques, ...whole].map(({ parts }) => parts)].some(
    ([part, another]) => part?.column === name && part.collation === collation && another === undefined,
  );
}

/**
 * Through SQLite alone: this runs in the API's own process, where closing a file of another kind would let go of the locks
 * that SQLite holds on it (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
 */
function readSqlite(path: string): SqliteSchema {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    return readSchema(db);
  } finally {
    db.close();
  }
}

function catalogColumn(
  column: TableFacts['columns'][number],
  table: TableFacts,
  sqlite: SqliteTable | undefined,
): CatalogColumn | undefined {
  const type = sqlTypeOf(column.type);
  if (type === undefined) return undefined;
  const same: SqliteColumn | undefined = sqlite?.columns.find(
    ({ name }) => name.toLowerCase() === column.name.toLowerCase(),
  );
  const form = column.form ?? (type === 'uuid' || type === 'jsonb' ? undefined : formsOf(column.type)[0]);
  const isOnlyKey = table.primaryKey.length === 1 && table.primaryKey[0] === column.name;
  return {
    name: column.name,
    type,
    postgresType: column.type,
    ...(same === undefined ? {} : { affinity: same.affinity }),
    collation: same?.collation ?? 'BINARY',
    notNull: column.notNull || table.primaryKey.includes(column.name),
    ...(same !== undefined && sqlite !== undefined && isUnique(same, sqlite) ? { isUnique: true } : {}),
    isRowid: same === undefined ? isOnlyKey && type === 'integer' : same.isRowid,
    ...(form === undefined || type === 'text' ? {} : { form }),
  };
}
