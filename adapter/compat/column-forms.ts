import pg from 'pg';
import { columnTypeFor, fromPostgres } from '../codec.ts';
import type { ColumnCoding } from '../codec.ts';
import { formOfComment, isFormOf } from '../codec/form.ts';
import type { Form } from '../codec/form.ts';
import { Unholdable } from '../codec/unholdable.ts';
import type { CatalogOptions, RunSql } from './catalog.ts';
import { packValue } from './pack-value.ts';
import { extracted, jsNumber, parserOf } from './result-types.ts';
import type { Parser } from './result-types.ts';

/** The form of a column by `table.column`, in place of what its comment declares. */
export type FormOverrides = Readonly<Record<string, { readonly form: Form }>>;

/** What PostgreSQL says of a column of a result, as far as it matters here. */
interface Field {
  readonly tableID: number;
  readonly columnID: number;
  dataTypeID: number;
}

/** Oids of the types that SQLite holds in several forms: date, time, timestamp, timestamptz, uuid, character. */
const FORMED_OIDS = [1082, 1083, 1114, 1184, 2950, 1042];

const READ = `
  SELECT a.attrelid::bigint AS "table", a.attnum::integer AS "column", a.atttypid::bigint AS "oid", c.relname || '.' || a.attname AS "name",
         format_type(a.atttypid, a.atttypmod) AS "type", col_description(c.oid, a.attnum) AS "comment",
         CASE WHEN c.relkind IN ('r', 'p') THEN 1 ELSE 0 END AS "isStored"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relkind IN ('r', 'p', 'v', 'm') AND a.atttypid IN (${FORMED_OIDS.join(', ')})
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'crossfade')`;

/** Above every oid of PostgreSQL's, which has 32 bits. */
const FIRST_ID = 2 ** 32;
/** Of JSON that is no column's, but has been taken out of one. */
const JSONB_OID = 3802;
const EXTRACTED_ID = 2 ** 34;
/** Above every form's. */
const FIRST_NATIVE_ID = 2 ** 33;

/**
 * Gives the values of PostgreSQL's columns the form that SQLite has for them: the milliseconds of a `timestamptz`, the
 * bytes of a `uuid`.
 *
 * pg chooses a value's parser by its type alone, and the form belongs to the column. So each form gets a type of its own,
 * under which the columns are shown to pg when PostgreSQL describes a result.
 */
export class ColumnForms {
  readonly #overrides: FormOverrides;
  /** The oid of the function pack's type, which tells each value's own; undefined where there is no pack. */
  valueType: number | undefined;
  /** The oids of the tables whose values are PostgreSQL's own. */
  nativeTables: ReadonlySet<number> = new Set();
  readonly #parsers = new Map<number, Parser>();
  readonly #ids = new Map<string, number>();
  #byColumn: ReadonlyMap<string, number> | undefined;
  #tables: ReadonlySet<number> = new Set();
  /** For what is no column (an aggregate, a view's column): the form, where all columns of a type have the same. */
  #byOid: ReadonlyMap<number, number> = new Map();

  constructor({ forms = {} }: CatalogOptions = {}) {
    this.#overrides = forms;
  }

  /** Whether the columns are known. */
  get isRead(): boolean {
    return this.#byColumn !== undefined;
  }

  /** For the `types` of a pg connection. */
  get types(): pg.CustomTypesConfig {
    return {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === EXTRACTED_ID
          ? extracted
          : oid >= FIRST_NATIVE_ID
            ? pg.types.getTypeParser(oid - FIRST_NATIVE_ID, format)
            : (this.#parsers.get(oid) ?? (oid === this.valueType ? packValue : parserOf(oid, format))),
    };
  }

  /** Looks at every column that has a form. */
  async read(run: RunSql): Promise<void> {
    const byColumn = new Map<string, number>();
    const ofType = new Map<number, Set<number>>();
    const rows = await run(READ, []);
    for (const row of rows) {
      const column = this.codingOf(row);
      // A view's column has the form that is declared for it, or is like any other expression.
      if (row['isStored'] !== 1 && column.form === undefined) continue;
      const id = this.#idOf(column);
      const oid = Number(row['oid']);
      byColumn.set(`${String(row['table'])}.${String(row['column'])}`, id);
      if (row['isStored'] === 1) ofType.set(oid, (ofType.get(oid) ?? new Set()).add(id));
    }
    const alike = [...ofType].filter(([, ids]) => ids.size === 1);
    this.#byOid = new Map(alike.map(([oid, ids]) => [oid, [...ids][0] ?? oid]));
    this.#byColumn = byColumn;
    this.#tables = new Set(rows.map((row) => Number(row['table'])));
  }

  /** After a schema change: everything is looked at again. */
  forget(): void {
    this.#byColumn = undefined;
  }

  /** How a column's values travel, as the catalog has it: its `name` with the table's, its `type` and its `comment`. */
  codingOf(row: Readonly<Record<string, unknown>>): ColumnCoding {
    const postgresType = String(row['type']);
    const comment = row['comment'];
    const declared =
      this.#overrides[String(row['name'])]?.form ?? formOfComment(typeof comment === 'string' ? comment : null);
    return {
      type: columnTypeFor(postgresType) ?? 'text',
      postgresType,
      ...(declared !== undefined && isFormOf(postgresType, declared) ? { form: declared } : {}),
    };
  }

  /** Shows the columns of a connection's results under the types of their forms. */
  watch(connection: pg.Client): void {
    connection.connection.prependListener('rowDescription', ({ fields }: { readonly fields: readonly Field[] }) => {
      for (const field of fields) this.#relabel(field);
    });
  }

  #relabel(field: Field): void {
    if (this.nativeTables.has(field.tableID)) {
      field.dataTypeID += FIRST_NATIVE_ID;
      return;
    }
    if (field.dataTypeID === JSONB_OID && field.tableID === 0) field.dataTypeID = EXTRACTED_ID;
    if (!FORMED_OIDS.includes(field.dataTypeID)) return;
    const own = this.#byColumn?.get(`${field.tableID}.${field.columnID}`);
    // Somebody has made a table: the next query looks.
    if (own === undefined && field.tableID !== 0 && !this.#tables.has(field.tableID)) this.forget();
    field.dataTypeID = own ?? this.#byOid.get(field.dataTypeID) ?? field.dataTypeID;
  }

  #idOf(column: ColumnCoding): number {
    const name = `${column.form ?? ''} ${column.postgresType}`;
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = FIRST_ID + this.#ids.size;
    this.#ids.set(name, id);
    this.#parsers.set(id, (text) => asDriver(fromPostgres(column, text)));
    return id;
  }
}

/** As better-sqlite3 gives a value; of what SQLite cannot hold, PostgreSQL's own text, in UTC and without the zone. */
function asDriver(value: ReturnType<typeof fromPostgres>): unknown {
  if (typeof value === 'bigint') return jsNumber(value);
  return value instanceof Unholdable ? String(value.original).replace(/\+00$/, '') : value;
}
