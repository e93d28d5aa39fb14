import { columnTypeFor } from '../codec.ts';
import type { ColumnCoding } from '../codec.ts';
import { formOfComment, isFormOf } from '../codec/form.ts';
import type { ColumnTraits } from '../sqlite/column-traits.ts';
import { ColumnForms } from './column-forms.ts';
import type { FormOverrides } from './column-forms.ts';
import type { TableFacts } from './rewriter.ts';

/** A column of one of PostgreSQL's tables, and what SQLite does with its values. */
export interface CatalogColumn extends ColumnCoding, Partial<ColumnTraits> {
  /** Whether PostgreSQL orders its texts byte by byte. */
  readonly isBytewise: boolean;
}

/** What the router knows of one of PostgreSQL's tables. */
export interface CatalogEntry {
  readonly table: string;
  readonly primaryKey: readonly string[];
  /** The one column that an insert into SQLite would report as its `lastInsertRowid`, or `undefined`. */
  readonly integerKey: string | undefined;
  /** How the values of each column travel. */
  readonly columns: ReadonlyMap<string, CatalogColumn>;
  /** Columns of a type that SQLite does not have, and for which it takes what is bound as it is: a Date as a number. */
  readonly formed: ReadonlyMap<string, ColumnCoding>;
  /** Whether its values are PostgreSQL's own: the application has been ported to them. */
  readonly isNative: boolean;
}

/** Every table and view of the schemas on the search path; one that a name alone does not mean is known by its qualified one. */
const READ = `
  SELECT c.oid::bigint AS "oid", c.relname AS "name", n.nspname AS "schema", c.relkind IN ('v', 'm') AS "isView", pg_table_is_visible(c.oid) AS "isVisible",
    (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(c.oid, a.attnum),
       coalesce((SELECT l.collname IN ('C', 'POSIX') FROM pg_collation l WHERE l.oid = a.attcollation), true)) ORDER BY a.attnum)
     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text AS "columns",
    (SELECT json_agg(json_build_array(i.indisprimary, (SELECT json_agg(a.attname ORDER BY k.place)
       FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place) LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number)))
     FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indisvalid)::text AS "keys",
    (EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f')
     OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgname NOT LIKE '\\_crossfade%' AND t.tgname NOT LIKE 'crossfade%')) AS "minds",
    to_regtype('crossfade_sqlite.value')::oid::bigint AS "packValue"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname = ANY (current_schemas(false))`;

/** How many spellings of tables' names are kept with what they mean. */
const KEPT_IDENTIFIERS = 1_000;

/** Runs a statement on the connection of the query that wants to know. */
export type RunSql = (sql: string, bindings: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;

type ColumnRow = readonly [name: string, type: string, notNull: boolean, comment: string | null, isBytewise: boolean];
interface Traits {
  readonly traits: ReadonlyMap<string, ColumnTraits>;
  readonly bytewise: ReadonlySet<string>;
}

type KeyRow = readonly [isPrimary: boolean, columns: readonly (string | null)[]];

/** Of how the router sees some tables, what the application has set itself. */
export interface CatalogOptions {
  readonly forms?: FormOverrides | undefined;
  /** Tables whose values are PostgreSQL's own. */
  readonly native?: readonly string[] | undefined;
  /** What SQLite says of its columns: how it converts and compares their values. */
  readonly traits?: (() => ReadonlyMap<string, ColumnTraits>) | undefined;
}

/**
 * What the router must know of PostgreSQL's tables before a query can be compiled: an insert on SQLite tells the id of its
 * last row unasked, a value is bound as its column's type wants it. Read once, and again after a schema change.
 */
export class Catalog {
  readonly #options: CatalogOptions;
  #byName: ReadonlyMap<string, CatalogEntry> = new Map();
  #byQualifiedName: ReadonlyMap<string, CatalogEntry> = new Map();
  /** As queries spell them. */
  readonly #byIdentifier = new Map<string, CatalogEntry | undefined>();
  #facts: readonly TableFacts[] = [];
  #isRead = false;
  #generation = 0;
  #hasPack = false;
  /** In which form each column's values are to come out. */
  readonly forms: ColumnForms;

  constructor(options: CatalogOptions = {}) {
    this.#options = options;
    this.forms = new ColumnForms(options);
  }

  /** Whether everything is known. */
  get isRead(): boolean {
    return this.#isRead && this.forms.isRead;
  }

  /** Counts how often the tables have been read. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether PostgreSQL has the function pack. */
  get hasPack(): boolean {
    return this.#hasPack;
  }

  /** The tables and views that a query means by their names alone. */
  get tables(): readonly TableFacts[] {
    return this.#facts;
  }

  /** A table by its quoted and perhaps qualified name. */
  of(identifier: string): CatalogEntry | undefined {
    const known = this.#byIdentifier.get(identifier);
    if (known !== undefined || this.#byIdentifier.has(identifier)) return known;
    const entry = this.#find(identifier);
    if (this.#byIdentifier.size >= KEPT_IDENTIFIERS) this.#byIdentifier.clear();
    this.#byIdentifier.set(identifier, entry);
    return entry;
  }

  #find(identifier: string): CatalogEntry | undefined {
    const names = [...identifier.matchAll(/"((?:[^"]|"")*)"/g)].map(([, name = '']) => name.replaceAll('""', '"'));
    const [first, second] = names;
    if (first === undefined) return undefined;
    return second === undefined ? this.#byName.get(first) : this.#byQualifiedName.get(`${first}.${second}`);
  }

  /** A table by its bare name. */
  named(table: string): CatalogEntry | undefined {
    return this.#byName.get(table);
  }

  /** Looks at every table. */
  async read(run: RunSql): Promise<void> {
    await this.forms.read(run);
    const byName = new Map<string, CatalogEntry>();
    const byQualifiedName = new Map<string, CatalogEntry>();
    const facts: TableFacts[] = [];
    const native = new Set<number>();
    const traits = this.#options.traits?.() ?? new Map<string, ColumnTraits>();
    const rows = await run(READ, []);
    for (const row of rows) {
      const found = this.#factsOf(row);
      const bytewise = (parsed(row['columns']) as readonly ColumnRow[])
        .filter((column) => column[4])
        .map(([column]) => column);
      const entry = this.#entryOf(found, { traits, bytewise: new Set(bytewise) });
      byQualifiedName.set(`${String(row['schema'])}.${found.name}`, entry);
      if (entry.isNative) native.add(Number(row['oid']));
      if (row['isVisible'] !== 1) continue;
      byName.set(found.name, entry);
      // What is asked of a ported table is not rewritten.
      if (!entry.isNative) facts.push(found);
    }
    const packValue = rows[0]?.['packValue'];
    this.#hasPack = packValue !== null && packValue !== undefined;
    this.forms.valueType = this.#hasPack ? Number(packValue) : undefined;
    this.forms.nativeTables = native;
    this.#byIdentifier.clear();
    this.#byName = byName;
    this.#byQualifiedName = byQualifiedName;
    this.#facts = facts;
    this.#generation += 1;
    this.#isRead = true;
  }

  /** After a schema change: everything is looked at again. */
  forget(): void {
    this.#isRead = false;
    this.forms.forget();
  }

  #factsOf(row: Readonly<Record<string, unknown>>): TableFacts {
    const name = String(row['name']);
    const columns = parsed(row['columns']) as readonly ColumnRow[];
    // One over an expression has no columns to be known by.
    const keys = (parsed(row['keys']) as readonly KeyRow[]).flatMap(([isPrimary, parts]) =>
      parts.includes(null) ? [] : [{ isPrimary, parts: parts.map(String) }],
    );
    return {
      name,
      isView: row['isView'] === 1,
      columns: columns.map(([column, type, notNull, comment]) => {
        const declared = this.#options.forms?.[`${name}.${column}`]?.form ?? formOfComment(comment);
        const form = declared !== undefined && isFormOf(type, declared) ? declared : undefined;
        return { name: column, type, notNull, form };
      }),
      primaryKey: keys.find(({ isPrimary }) => isPrimary)?.parts ?? [],
      uniques: keys.map(({ parts }) => parts),
      minds: row['minds'] === 1,
    };
  }

  #entryOf({ name, columns, primaryKey }: TableFacts, { traits, bytewise }: Traits): CatalogEntry {
    const codings = new Map(
      columns.map((column): [string, CatalogColumn] => [
        column.name,
        {
          type: columnTypeFor(column.type) ?? 'text',
          postgresType: column.type,
          ...(column.form === undefined ? {} : { form: column.form }),
          ...traits.get(`${name}.${column.name}`.toLowerCase()),
          isBytewise: bytewise.has(column.name),
        },
      ]),
    );
    const isNative = this.#options.native?.includes(name) === true;
    const [key] = primaryKey;
    const isInteger = key !== undefined && /^(smallint|integer|bigint)$/.test(codings.get(key)?.postgresType ?? '');
    return {
      table: name,
      primaryKey,
      integerKey: primaryKey.length === 1 && isInteger ? key : undefined,
      columns: codings,
      formed: new Map(isNative ? [] : [...codings].filter(([, { postgresType }]) => FORMED.test(postgresType))),
      isNative,
    };
  }
}

const FORMED = /^(date|timestamp.*|uuid)$/;

function parsed(text: unknown): readonly unknown[] {
  return typeof text === 'string' ? (JSON.parse(text) as readonly unknown[]) : [];
}
