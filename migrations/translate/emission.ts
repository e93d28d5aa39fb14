import type { Expr } from '../sqlite/schema.ts';
import type { Catalog, CatalogTable } from './catalog.ts';
import type { ParameterUse } from './fragment.ts';
import { parameterKeys } from './parameter-keys.ts';
import type { AstRoot } from './parameter-keys.ts';
import { POSTGRES_NAME } from './sql-type.ts';
import type { SqlType } from './sql-type.ts';
import { Untranslatable } from './translation.ts';
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
  #lastName = 0;

  /** The number or the name of each parameter. */
  readonly #keys: ReadonlyMap<Expr, string | number>;

  constructor(catalog: Catalog, root?: AstRoot, source?: string) {
    this.catalog = catalog;
    this.#keys = root === undefined ? new Map() : parameterKeys(root);
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

  /** A parameter as a value of a type; one that is used with two types gets two of PostgreSQL's numbers. */
  parameter({ key }: ParameterUse, type: SqlType): string {
    let index = this.#parameters.findIndex((known) => known.key === key && known.type === type);
    if (index === -1) index = this.#parameters.push({ key, type }) - 1;
    return `$${index + 1}::${POSTGRES_NAME[type]}`;
  }
}
