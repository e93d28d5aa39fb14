import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import type { Knex } from 'knex';
import pg from 'pg';
import { Breaker } from '../../adapter/breaker.ts';
import { columnTypeFor, toPostgres } from '../../adapter/codec.ts';
import type { Rewriter } from '../../adapter/compat/rewriter.ts';
import { Router } from '../../adapter/router.ts';
import type { StoreName } from '../../adapter/spec.ts';
import type { Traffic } from '../../adapter/traffic.ts';
import { applyPlan, installPack, translateSchema } from '../../migrations/schema.ts';
import type { SchemaRequest } from '../../migrations/schema.ts';
import { freshDatabase } from './postgres.ts';
import { sqliteFile } from './sqlite.ts';

/** One SQLite file and one PostgreSQL database with the same rows, and an application's Knex for each. */
export interface TwoRouters {
  readonly sqlite: Knex;
  readonly postgres: Knex;
  readonly client: pg.Client;
  readonly warnings: readonly string[];
}

export interface TwoRoutersOptions {
  /** What makes the tables and rows. */
  readonly sql?: string;
  /** A file that has tables and rows, instead of `sql`. */
  readonly path?: string;
  readonly schema?: Omit<SchemaRequest, 'kind' | 'path'>;
  readonly rewrite?: Rewriter;
  readonly native?: readonly string[];
}

/** Makes a schema in both databases, with the translator; what each Knex writes stays in its own database. */
export async function twoRouters(
  t: Pick<ExecutionContext, 'teardown' | 'log'>,
  { sql, path = sqliteFile(t, sql), schema = {}, rewrite, native }: TwoRoutersOptions,
): Promise<TwoRouters> {
  const url = await freshDatabase(t);
  const { plan } = await translateSchema({ kind: 'sqlite', path, ...schema });
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end().catch(() => {}));
  await installPack(client);
  await applyPlan(client, plan);
  const file = new Database(path);
  file.defaultSafeIntegers();
  // The rows have what the triggers make of them already.
  await client.query('BEGIN; SET LOCAL session_replication_role = replica');
  for (const table of plan.tables) {
    const names = table.columns.filter(({ generated }) => generated === null);
    const list = names.map(({ name }) => `"${name}"`).join(', ');
    const insert = `INSERT INTO "${table.name}" (${list}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`;
    for (const row of file.prepare(`SELECT ${list} FROM "${table.name}"`).raw().all() as (string | number | null)[][]) {
      const values = row.map((value, index) => {
        const { type = 'text', form } = names[index] ?? {};
        const coding = { type: columnTypeFor(type) ?? 'text', postgresType: type, ...(form === null ? {} : { form }) };
        return value === null ? null : toPostgres(coding as Parameters<typeof toPostgres>[0], value);
      });
      await client.query(insert, values);
    }
    const id = table.columns.find(({ identity }) => identity !== null)?.name;
    if (id !== undefined) {
      await client.query(
        `SELECT setval(pg_get_serial_sequence('"${table.name}"', '${id}'), (SELECT coalesce(max("${id}"), 0) + 1 FROM "${table.name}"), false)`,
      );
    }
  }
  await client.query('COMMIT');
  file.close();
  const warnings: string[] = [];
  const open = (store: StoreName): Knex => {
    const breaker = new Breaker({});
    const router = Router.open({
      sqlite: path,
      postgres: url,
      knex: { useNullAsDefault: true },
      poolMax: 2,
      // What better-sqlite3 rounds unasked, PostgreSQL does not.
      exactIntegers: true,
      traffic: only(store),
      breaker,
      warn: (text) => warnings.push(text),
      ...(rewrite === undefined ? {} : { rewrite }),
      ...(native === undefined ? {} : { native }),
    });
    t.teardown(() => router.close());
    t.teardown(() => breaker.close());
    return router.knex;
  };
  return { sqlite: open('sqlite'), postgres: open('postgres'), client, warnings };
}

/** Sends everything to one store. */
function only(store: StoreName): Traffic {
  return {
    readStore: () => store,
    enter: () => ({ store, leave: () => {} }),
    committed: () => undefined,
    fenced: () => Promise.resolve(),
    fallback: () => undefined,
    admitSchemaChange: () => {},
  };
}

/** What a question came to: its answer, or the code of its error. */
export type Answer = { readonly value: unknown } | { readonly error: string };

/** Asks one database, and catches what it throws. */
export async function answerOf(db: Knex, ask: (db: Knex) => PromiseLike<unknown>): Promise<Answer> {
  try {
    return { value: await ask(db) };
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message?: string };
    return { error: `${code ?? 'none'}: ${message ?? ''}` };
  }
}
