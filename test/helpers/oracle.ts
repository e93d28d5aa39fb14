import { isDeepStrictEqual } from 'node:util';
import type { ExecutionContext } from 'ava';
import knex from 'knex';
import type { Knex } from 'knex';
import { Breaker } from '../../adapter/breaker.ts';
import { Router } from '../../adapter/router.ts';
import type { RouterOptions } from '../../adapter/router.ts';
import type { StoreName } from '../../adapter/spec.ts';
import { freshDatabase } from './postgres.ts';
import { sqliteFile } from './sqlite.ts';

/** Plain Knex on SQLite, which is always right, and the router with PostgreSQL answering, or another store. */
export interface Oracle {
  readonly plain: Knex;
  readonly routed: Knex;
  /** Asks both, and fails unless they answer or refuse alike. Resolves to the answer. */
  readonly same: (what: string, ask: (db: Knex) => unknown) => Promise<unknown>;
}

export interface OracleOptions {
  /** Makes tables and rows; called for each. */
  readonly create?: (db: Knex) => Promise<void>;
  readonly knex?: RouterOptions['knex'];
  /** The store that the router asks. @default 'postgres' */
  readonly store?: StoreName;
  readonly router?: Partial<RouterOptions>;
}

/** Opens both; they are closed with the test. */
export async function openOracle(t: ExecutionContext, options: OracleOptions = {}): Promise<Oracle> {
  const { connection, ...own } = options.knex ?? {};
  const shared = { useNullAsDefault: true, ...own };
  const plain = knex({
    ...shared,
    client: 'better-sqlite3',
    connection: { ...connection, filename: sqliteFile(t) },
  });
  t.teardown(() => plain.destroy());
  const breaker = new Breaker();
  const router = Router.open({
    sqlite: sqliteFile(t),
    postgres: await freshDatabase(t),
    knex: { ...shared, ...(connection === undefined ? {} : { connection }) },
    poolMax: 4,
    traffic: allTo(options.store ?? 'postgres'),
    breaker,
    ...options.router,
  });
  t.teardown(async () => {
    await router.close();
    breaker.close();
  });
  const routed = router.knex;
  for (const db of [plain, routed]) await options.create?.(db);
  return {
    plain,
    routed,
    same: async (what, ask) => {
      const [expected, found] = [await outcomeOf(plain, ask), await outcomeOf(routed, ask)];
      if (!isDeepStrictEqual(found, expected)) t.deepEqual(found, expected, what);
      else t.pass();
      return expected;
    },
  };
}

function allTo(store: StoreName): RouterOptions['traffic'] {
  return {
    readStore: () => store,
    enter: () => ({ store, leave: () => {} }),
    committed: () => undefined,
    fenced: async () => {},
    fallback: () => undefined,
    admitSchemaChange: () => {},
  };
}

async function outcomeOf(db: Knex, ask: (db: Knex) => unknown): Promise<unknown> {
  try {
    return { answer: await ask(db) };
  } catch (error) {
    if (!(error instanceof Error)) return { refusal: error };
    return { refusal: { name: error.name, message: error.message, code: 'code' in error ? error.code : undefined } };
  }
}
