import type { QueryObject } from '../router/knex-internals.ts';
import type { Catalog } from './catalog.ts';

const NAME = String.raw`(?:"(?:[^"]|"")*"|[A-Za-z_][\w$]*)`;
/** An insert, its table, and its columns where it names them. */
const INSERT = new RegExp(
  String.raw`\binsert\s+into\s+(${NAME}(?:\.${NAME})?)\s*(?:\(([^()]*)\)|(?=values|select|with))`,
  'i',
);
const IS_INSERT = /^\s*(?:insert|with)\b/i;

/**
 * Ids that are generated go on after those that were given, as in SQLite: PostgreSQL's sequences hear nothing of an id that
 * an insert brings along, and would give it out again.
 */
export class GivenIds {
  readonly #catalog: Catalog;
  /** How far each table's sequence is known to have come; those that count nowhere are past all ids. */
  readonly #known = new Map<string, number>();
  #generation = -1;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** What is to be run after an insert that has brought ids along, or `undefined`. */
  advanceAfter(query: QueryObject): QueryObject | undefined {
    const given = IS_INSERT.test(query.sql) ? this.#given(query.sql) : undefined;
    if (given === undefined) {
      // It begins anew.
      if (query.method === 'truncate') this.#known.clear();
      return undefined;
    }
    const { table, key } = given;
    const highest = highestOf(query, key);
    return highest !== undefined && highest <= (this.#known.get(table) ?? Number.NEGATIVE_INFINITY)
      ? undefined
      : { sql: advanceSql(table, key), bindings: [table, key] };
  }

  /** Remembers what became of it. */
  note({ bindings, response }: QueryObject): void {
    const [row] = (response as { readonly rows: readonly { readonly reached: unknown }[] }).rows;
    this.#known.set(String(bindings?.[0]), row?.reached === null ? Number.POSITIVE_INFINITY : Number(row?.reached));
  }

  /** The table of an insert and its integer key, when it says what that is to be. */
  #given(sql: string): { readonly table: string; readonly key: string } | undefined {
    if (this.#generation !== this.#catalog.generation) {
      this.#generation = this.#catalog.generation;
      this.#known.clear();
    }
    const [, table = '', columns] = INSERT.exec(sql) ?? [];
    const quoted = table.replaceAll(/(?<!["\w$])[A-Za-z_][\w$]*(?!["\w$])/g, (name) => `"${name.toLowerCase()}"`);
    const key = this.#catalog.of(quoted)?.integerKey;
    if (key === undefined) return undefined;
    const isGiven = columns === undefined || columns.split(',').some((column) => unquoted(column.trim()) === key);
    return isGiven ? { table, key } : undefined;
  }
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}

/** The highest id that an insert tells of, where it tells. */
function highestOf({ response }: QueryObject, key: string): number | undefined {
  const { rows = [] } = response as { readonly rows?: readonly Readonly<Record<string, unknown>>[] };
  const ids = rows.map((row) => row[key]);
  return ids.length > 0 && ids.every((id) => typeof id === 'number') ? Math.max(...ids) : undefined;
}

/**
 * A sequence is never set back: while others count on, it is only counted up to the id, and set where that is too far away
 * to be reached by them meanwhile.
 */
function advanceSql(table: string, key: string): string {
  return `SELECT coalesce(
      CASE WHEN l.last IS NULL THEN NULL
        WHEN h.highest - l.last > 1000 THEN setval(s.seq, h.highest)
        WHEN h.highest > l.last THEN (SELECT max(n) FROM (SELECT nextval(s.seq) AS n FROM generate_series(1, h.highest - l.last)) c)
      END, l.last) AS reached
    FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS seq) s,
      (SELECT max("${key.replaceAll('"', '""')}") AS highest FROM ${table}) h,
      LATERAL (SELECT CASE WHEN s.seq IS NOT NULL AND has_sequence_privilege(s.seq, 'SELECT') AND has_sequence_privilege(s.seq, 'UPDATE')
        THEN coalesce(pg_sequence_last_value(s.seq), 0) END AS last) l`;
}
