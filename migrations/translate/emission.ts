import type { Catalog } from './catalog.ts';
import type { ParameterUse } from './fragment.ts';
import { POSTGRES_NAME } from './sql-type.ts';
import type { SqlType } from './sql-type.ts';
import type { Remark } from './translation.ts';

/** What a translation gathers while it walks through a statement or an expression. */
export class Emission {
  readonly catalog: Catalog;
  /** The text that was parsed, if it is known: SQLite names a result's columns after it. */
  readonly source: string | undefined;
  readonly #remarks = new Map<string, Remark>();
  readonly #parameters: { readonly key: string | number; readonly type: SqlType }[] = [];
  #usesPack = false;
  #isImmutable = true;
  #lastNumber = 0;
  #lastName = 0;

  constructor(catalog: Catalog, source?: string) {
    this.catalog = catalog;
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

  /** The parameter that stands at a place of the SQL, numbered as SQLite numbers it: https://sqlite.org/lang_expr.html#varparam */
  parameterUse(name: string): ParameterUse {
    if (!name.startsWith('?')) return { key: name };
    const number = name === '?' ? this.#lastNumber + 1 : Number(name.slice(1));
    this.#lastNumber = Math.max(this.#lastNumber, number);
    return { key: number };
  }

  /** A parameter as a value of a type; one that is used with two types gets two of PostgreSQL's numbers. */
  parameter({ key }: ParameterUse, type: SqlType): string {
    let index = this.#parameters.findIndex((known) => known.key === key && known.type === type);
    if (index === -1) index = this.#parameters.push({ key, type }) - 1;
    return `$${index + 1}::${POSTGRES_NAME[type]}`;
  }
}
