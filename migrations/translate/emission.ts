import type { Expr } from '../sqlite/schema.ts';
import type { BoundClass, BoundParameter } from '../../adapter/compat/rewriter.ts';
import type { BoundUse } from './bound.ts';
import type { Catalog, CatalogTable } from './catalog.ts';
import type { ParameterUse } from './fragment.ts';
import { parameterKeys } from './parameter-keys.ts';
import type { AstRoot } from './parameter-keys.ts';
import { POSTGRES_NAME } from './sql-type.ts';
import type { SqlType } from './sql-type.ts';
import { Untranslatable } from './translation.ts';
import type { Remark } from './translation.ts';

/** How a statement is translated that is about to be run. */
export interface Running {
  /** What will be bound to each parameter, in the order of its number. */
  readonly bound: readonly BoundClass[];
  /**
   * Whether columns of types that SQLite does not have are compared as PostgreSQL holds them, which indexes serve. What is
   * bound must then be in the column's own form; otherwise they are compared as SQLite holds them.
   */
  readonly isNative: boolean;
}

/** What a translation gathers while it walks through a statement or an expression. */
export class Emission {
  readonly catalog: Catalog;
  /** The text that was parsed, if it is known: SQLite names a result's columns after it. */
  readonly source: string | undefined;
  readonly #remarks = new Map<string, Remark>();
  readonly #parameters: { readonly key: string | number; readonly type: SqlType }[] = [];
  /** How it will be run, if that is known. */
  readonly running: Running | undefined;
  readonly #bound: BoundParameter[] = [];
  #usesPack = false;
  #isImmutable = true;
  #lastName = 0;

  /** The number or the name of each parameter. */
  readonly #keys: ReadonlyMap<Expr, string | number>;
  readonly #numbers: ReadonlyMap<Expr, number>;

  constructor(catalog: Catalog, root?: AstRoot, source?: string, running?: Running) {
    this.catalog = catalog;
    this.running = running;
    const found = root === undefined ? undefined : parameterKeys(root);
    this.#keys = found?.keys ?? new Map();
    this.#numbers = found?.numbers ?? new Map();
    this.source = source;
  }

  get remarks(): readonly Remark[] {
    return [...this.#remarks.values()];
  }

  get parameters(): readonly { readonly key: string | number; readonly type: SqlType }[] {
    return this.#parameters;
  }

  get usesPack(): boolean {
    return this.#usesPack;
  }

  get isImmutable(): boolean {
    return this.#isImmutable;
  }

  /** A table or view, by its name in any case. */
  table(name: string): CatalogTable {
    const table = this.catalog.table(name);
    if (table !== undefined) return table;
    throw new Untranslatable(
      'unknown-table',
      `there is no table or view "${name}" to be had in PostgreSQL`,
      'check the name, and that it is translated: virtual tables and those of SQLite itself are not',
    );
  }

  /** Notes something once, however often it occurs. */
  remark(remark: Remark): void {
    this.#remarks.set(`${remark.code} ${remark.message}`, remark);
  }

  /** Whatever was translated so far may give another value another time. */
  mutable(): void {
    this.#isImmutable = false;
  }

  /** The name of a function of the pack. */
  pack(name: string): string {
    this.#usesPack = true;
    return `crossfade_sqlite.${name}`;
  }

  /** A name that nothing else of this statement has. */
  freshName(): string {
    this.#lastName += 1;
    return `crossfade_${this.#lastName}`;
  }

  /** What is bound to a parameter of the statement. */
  parameterUse(ast: Expr): ParameterUse {
    return { key: this.#keys.get(ast) ?? '?' };
  }

  /** What will be bound to a parameter, if that is known. */
  boundUse(ast: Expr): BoundUse | undefined {
    const key = this.#numbers.get(ast);
    const holds = key === undefined ? undefined : this.running?.bound[key - 1];
    return key === undefined || holds === undefined ? undefined : { key, holds };
  }

  /** A parameter of a statement that is about to be run, as a value of a type; {@link numbered} gives it its number. */
  bound(parameter: BoundParameter): string {
    const isKnown = (one: BoundParameter) =>
      one.key === parameter.key &&
      one.type === parameter.type &&
      one.postgresType === parameter.postgresType &&
      one.isAssigned === parameter.isAssigned;
    let index = this.#bound.findIndex(isKnown);
    if (index === -1) index = this.#bound.push(parameter) - 1;
    return `${MARK}${index}${MARK}::${POSTGRES_NAME[parameter.type]}`;
  }

  /** The SQL with the numbers of the parameters that came to stand in it, and these in their order. */
  numbered(sql: string): { readonly sql: string; readonly parameters: readonly BoundParameter[] } {
    const used: number[] = [];
    const text = sql.replace(MARKED, (_, index: string) => {
      const place = used.indexOf(Number(index));
      return `$${place === -1 ? used.push(Number(index)) : place + 1}`;
    });
    return { sql: text, parameters: used.flatMap((index) => this.#bound[index] ?? []) };
  }

  /** A parameter as a value of a type; one that is used with two types gets two of PostgreSQL's numbers. */
  parameter({ key }: ParameterUse, type: SqlType): string {
    let index = this.#parameters.findIndex((known) => known.key === key && known.type === type);
    if (index === -1) index = this.#parameters.push({ key, type }) - 1;
    return `$${index + 1}::${POSTGRES_NAME[type]}`;
  }
}

/** Stands around the number of a parameter until it has its place; no SQL can hold it. */
const MARK = '\u0001';
// The one control character is the mark.
const MARKED = new RegExp(`${MARK}(\\d+)${MARK}`, 'g');
