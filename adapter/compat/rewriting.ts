import { CrossfadeError } from '../errors.ts';
import type { QueryObject } from '../router/knex-internals.ts';
import { boundClass, boundValue, INEXACT } from './bound-value.ts';
import type { Catalog } from './catalog.ts';
import type { BoundClass, Rewriter, SessionValue, StatementRewriter } from './rewriter.ts';
import type { RefusedStatement, RewrittenStatement } from './rewriter.ts';

/** How many statements are kept with what became of them. The one used longest ago goes first. */
const KEPT_STATEMENTS = 500;
/** A longer statement is rarely seen twice: a long list, many rows. */
const KEPT_SQL_LENGTH = 10_000;
/** Of how many shapes it is remembered that they have been warned of. */
const KEPT_WARNINGS = 1_000;

type Outcome = RewrittenStatement | RefusedStatement;

/** What of a statement is sent to PostgreSQL. */
export interface Rewritten {
  readonly sql: string;
  readonly bindings: readonly unknown[];
  readonly insertedKey?: string;
  readonly returnedKey?: string;
}

export interface RewritingOptions {
  readonly rewriter: Rewriter;
  /** The path of the SQLite file. */
  readonly sqlite: string;
  readonly catalog: Catalog;
  readonly warn: (text: string) => void;
}

/** Rewrites the statements of one router, and remembers what became of each. */
export class Rewriting {
  readonly #options: RewritingOptions;
  readonly #kept = new Map<string, Outcome>();
  readonly #warned = new Set<string>();
  #statements: StatementRewriter | undefined;
  #generation = -1;

  constructor(options: RewritingOptions) {
    this.#options = options;
  }

  /** A statement with its bindings as SQLite's dialect of Knex has it, in PostgreSQL's words; or why it has none. */
  rewrite(query: QueryObject, session: (value: SessionValue) => unknown): Rewritten | RefusedStatement {
    const values = query.bindings ?? [];
    const bound = values.map(boundClass);
    const native = this.#outcome(query.sql, bound, true);
    if (native.outcome === 'refused') return native;
    const bindings = bindingsOf(native, values, session);
    if (bindings !== undefined) return rewritten(native, bindings);
    const plain = this.#outcome(query.sql, bound, false);
    if (plain.outcome === 'refused') return plain;
    return rewritten(plain, bindingsOf(plain, values, session) ?? []);
  }

  /**
   * What becomes of raw SQL that has no translation: it goes on as it is, with a warning, unless the application wants it
   * refused.
   *
   * @throws CrossfadeError `SQL_UNTRANSLATABLE`
   */
  admitAsIs({ code, reason, remedy }: RefusedStatement, sql: string): void {
    const { rewriter, warn } = this.#options;
    if (PORTED.has(code)) return;
    if (rewriter.untranslatable === 'refuse') {
      throw new CrossfadeError('SQL_UNTRANSLATABLE', `raw SQL was to be answered by PostgreSQL: ${reason} (${code})`, {
        hint: remedy,
      });
    }
    if (this.#warned.has(sql) || this.#warned.size >= KEPT_WARNINGS) return;
    this.#warned.add(sql);
    warn(
      `raw SQL goes to PostgreSQL as it is: ${reason} (${code}); ${remedy}. It begins ${JSON.stringify(shape(sql))}`,
    );
  }

  #outcome(sql: string, bound: readonly BoundClass[], isNative: boolean): Outcome {
    const { catalog, rewriter, sqlite } = this.#options;
    if (this.#generation !== catalog.generation || this.#statements === undefined) {
      this.#statements = rewriter.open({ sqlite, tables: catalog.tables, hasPack: catalog.hasPack });
      this.#generation = catalog.generation;
      this.#kept.clear();
    }
    const key = `${isNative ? 'n' : 'p'}${bound.map((one) => LETTERS[one]).join('')} ${sql}`;
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known;
    }
    const outcome = this.#statements.rewrite({ sql, bound, isNative });
    if (sql.length <= KEPT_SQL_LENGTH) {
      const [oldest] = this.#kept.keys();
      if (this.#kept.size >= KEPT_STATEMENTS && oldest !== undefined) this.#kept.delete(oldest);
      this.#kept.set(key, outcome);
    }
    return outcome;
  }
}

/** Whether a statement is not in SQLite's language, so that it wants none of SQLite's functions. */
export function isForeign({ code }: RefusedStatement): boolean {
  return code === 'no-sqlite' || code === 'not-rewritten';
}

/** What SQLite would not take either: it was written for PostgreSQL, or is as wrong on both. */
const PORTED: ReadonlySet<string> = new Set(['no-sqlite', 'not-rewritten', 'unknown-table', 'unknown-column']);

const LETTERS = {
  null: 'n',
  integer: 'i',
  bit: 'b',
  whole: 'w',
  real: 'r',
  text: 't',
  'integer-text': 'I',
  'real-text': 'R',
  blob: 'B',
} as const satisfies Record<BoundClass, string>;

/** Undefined where a value is not in the form of the column that it is compared with. */
function bindingsOf(
  { parameters }: RewrittenStatement,
  values: readonly unknown[],
  session: (value: SessionValue) => unknown,
): readonly unknown[] | undefined {
  const bindings = parameters.map((parameter) =>
    typeof parameter.key === 'number'
      ? boundValue(values[parameter.key - 1], parameter)
      : String(session(parameter.key)),
  );
  return bindings.includes(INEXACT) ? undefined : bindings;
}

function rewritten({ sql, insertedKey, returnedKey }: RewrittenStatement, bindings: readonly unknown[]): Rewritten {
  return {
    sql,
    bindings,
    ...(insertedKey === undefined ? {} : { insertedKey }),
    ...(returnedKey === undefined ? {} : { returnedKey }),
  };
}

/** The beginning of a statement, without the texts and numbers in it. */
function shape(sql: string): string {
  const bare = sql
    .replace(/'(?:[^']|'')*'/g, '?')
    .replace(/\b\d+(?:\.\d+)?\b/g, '?')
    .replace(/\s+/g, ' ')
    .trim();
  return bare.length > 100 ? `${bare.slice(0, 99)}…` : bare;
}
