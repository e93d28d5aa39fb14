import type { CompilerInternals, Statement } from '../router/knex-internals.ts';
import type { Catalog, CatalogColumn } from './catalog.ts';
import { comparand, kindOf } from './comparison.ts';
import type { Comparand, Operator } from './comparison.ts';
import { Kept } from './kept.ts';

/** A table that a query reads from, by the name that its columns are qualified with. */
interface Source {
  readonly name: string;
  readonly columns: ReadonlyMap<string, CatalogColumn>;
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

const NAME = /^(?:"((?:[^"]|"")*)"\.)?(?:"((?:[^"]|"")*)"\.)?"((?:[^"]|"")*)"$/;
const TABLE = /^((?:"(?:[^"]|"")*"\.)?"((?:[^"]|"")*)")(?: as "((?:[^"]|"")*)")?$/i;

/** A column by its wrapped name; `null` for what is no name. */
const COLUMNS = new Kept((wrapped): { readonly table: string | undefined; readonly name: string } | null => {
  const found = NAME.exec(wrapped);
  if (found === null) return null;
  return { table: (found[2] ?? found[1])?.replaceAll('""', '"'), name: (found[3] ?? '').replaceAll('""', '"') };
});

/** A table, perhaps with an alias, as it stands in a query. */
const TABLES = new Kept((wrapped) => {
  const [, identifier = '', name = '', alias] = TABLE.exec(wrapped) ?? [];
  return { identifier, name, alias };
});

/**
 * What the columns of one query are, and how they are compared with values. A query within another one also sees the
 * columns of that.
 */
export class ComparedColumns {
  readonly #compiler: CompilerInternals;
  readonly #catalog: Catalog;
  readonly #outer: ComparedColumns | undefined;
  #sources: readonly Source[] | undefined;

  constructor(compiler: CompilerInternals, catalog: Catalog, outer: ComparedColumns | undefined) {
    this.#compiler = compiler;
    this.#catalog = catalog;
    this.#outer = outer;
  }

  /** The column that a wrapped name means; undefined for whatever is no column of a known table. */
  of(wrapped: string): CatalogColumn | undefined {
    const found = COLUMNS.of(wrapped);
    if (found === null) return undefined;
    const { table, name } = found;
    this.#sources ??= this.#read();
    for (const source of this.#sources) {
      const column = table === undefined || table === source.name ? source.columns.get(name) : undefined;
      if (column !== undefined) return column;
    }
    return this.#outer?.of(wrapped);
  }

  /** `column op value` as SQLite compares; undefined where PostgreSQL is left to judge. */
  compare(statement: Statement): string | undefined {
    const { operator, value } = statement;
    const op = typeof operator === 'string' ? OPERATORS[operator] : undefined;
    const found = op === undefined ? undefined : this.#columnOf(statement);
    const sides = found === undefined ? undefined : comparand(found.sql, found.column, value);
    return op === undefined || found === undefined || sides === undefined ? undefined : this.#said(found, op, sides);
  }

  /** `column BETWEEN low AND high`. */
  isBetween(statement: Statement): string | undefined {
    const found = this.#columnOf(statement);
    if (found === undefined || !Array.isArray(statement.value)) return undefined;
    const [low, high] = statement.value.map((value: unknown) => comparand(found.sql, found.column, value));
    if (low === undefined || high === undefined) return undefined;
    return `(${this.#said(found, '>=', low)} and ${this.#said(found, '<=', high)})`;
  }

  /** `column IN (values)`; values that the column can never equal are left out. */
  isIn(statement: Statement): string | undefined {
    const found = this.#columnOf(statement);
    const values: unknown = statement.value;
    if (found === undefined || !Array.isArray(values) || values.length === 0) return undefined;
    const list: readonly unknown[] = values;
    if (list.some((value) => isObject(value) || typeof value === 'function')) return undefined;
    const sides = list.map((value) => comparand(found.sql, found.column, value));
    if (sides.every((side) => side === undefined)) return undefined;
    const able = sides.filter((side) => side === undefined || (!('outcome' in side) && !isOther(side.column)));
    const left = able.find((side) => side !== undefined && 'column' in side);
    if (able.length === 0) return fixedOutcome(found.sql, '=', 1);
    const parts = able.map((side) =>
      side === undefined || 'outcome' in side ? 'null' : `${this.#compiler.bound(side.value)}${side.cast}`,
    );
    return `${left !== undefined && 'column' in left ? left.column : found.sql} in (${parts.join(', ')})`;
  }

  #columnOf(statement: Statement): Found | undefined {
    if (typeof statement.column !== 'string' || statement.asColumn === true) return undefined;
    const sql = this.#compiler._columnClause(statement);
    const column = this.of(sql);
    return column === undefined ? undefined : { sql, column };
  }

  #said({ sql, column }: Found, op: Operator, sides: Comparand): string {
    if ('outcome' in sides) return fixedOutcome(sql, op, sides.outcome);
    const order = op !== '=' && op !== '<>' && kindOf(column) === 'text' ? bytewise(column) : '';
    return `${sides.column} ${op} ${this.#compiler.bound(sides.value)}${sides.cast}${order}`;
  }

  #read(): readonly Source[] {
    const { tableName, single, builder, client } = this.#compiler;
    const names = typeof single['table'] === 'string' ? [tableName] : [];
    const hidden = new Set<string>();
    for (const { grouping, table, alias = '' } of builder._statements ?? []) {
      if (grouping === 'with') hidden.add(alias);
      if (grouping === 'join' && typeof table === 'string') names.push(client.formatter(builder).wrap(table));
    }
    return names.flatMap((wrapped): Source[] => {
      const { identifier, name, alias } = TABLES.of(wrapped);
      const entry = hidden.has(name) ? undefined : this.#catalog.of(identifier);
      return entry === undefined || entry.isNative ? [] : [{ name: alias ?? entry.table, columns: entry.columns }];
    });
  }
}

interface Found {
  readonly sql: string;
  readonly column: CatalogColumn;
}

/** A boolean beside a number that is neither 0 nor 1. */
function isOther(column: string): boolean {
  return column.endsWith('::integer');
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !ArrayBuffer.isView(value);
}

function bytewise({ isBytewise }: CatalogColumn): string {
  return isBytewise ? '' : ' collate "C"';
}

/** What a comparison of different classes gives: NULL for NULL, and else always the same. */
function fixedOutcome(sql: string, op: Operator, order: -1 | 1): string {
  const isTrue = op === '<>' || (order < 0 ? op === '<' || op === '<=' : op === '>' || op === '>=');
  return `(case when ${sql} is not null then ${isTrue} end)`;
}
