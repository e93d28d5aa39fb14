import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect, isDeepStrictEqual } from 'node:util';
import test from 'ava';
import type { ExecutionContext, TestFn } from 'ava';
import type { Knex } from 'knex';
import { applyMigrations } from '../migrations/sqlite/apply-migrations.ts';
import { createRewriter } from '../migrations/schema.ts';
import { LEDGER_READS } from './examples/ledger-queries/reads.ts';
import type { RawQuery } from './examples/ledger-queries/reads.ts';
import { LEDGER_WRITES } from './examples/ledger-queries/writes.ts';
import { tempFolder } from './helpers/sqlite.ts';
import { answerOf, twoRouters } from './helpers/two-routers.ts';
import type { Answer, TwoRouters } from './helpers/two-routers.ts';

const FOLDER = fileURLToPath(new URL('../../test/examples/ledger-migrations', import.meta.url));

/** What the ledger has that PostgreSQL has not. */
const OMIT = [
  'table:offerings_fts',
  'table:site_locations',
  'conflict-clause:email_suppressions',
  'conflict-clause:usage_daily',
];

/** Statements that are refused by name, as PostgreSQL would do something else. */
const REFUSED: Readonly<Record<string, string>> = {
  "hash || '' IS NULL": 'no-such-conversion',
  'avg(o.monthly_price) FROM offerings o WHERE o.product_type = offerings.product_type': 'reads-itself',
  'REPLACE INTO coupons': 'replace',
  'UPDATE OR IGNORE': 'update-or',
};

/** The ledger as its 64 migrations make and fill it, in both databases. */
async function openLedger(t: Pick<ExecutionContext, 'teardown' | 'log'>): Promise<TwoRouters> {
  const path = join(tempFolder(t), 'ledger.sqlite');
  const { db } = applyMigrations({ folder: FOLDER, path });
  // Rows that no column type can hold, and triggers that write to a full-text index.
  for (const table of ['payment_webhooks', 'feature_flags', 'notifications']) db.exec(`DELETE FROM ${table}`);
  for (const event of ['insert', 'delete', 'update']) db.exec(`DROP TRIGGER offerings_fts_${event}`);
  db.close();
  return await twoRouters(t, {
    path,
    schema: { omit: OMIT },
    rewrite: createRewriter({ untranslatable: 'refuse' }),
  });
}

const onLedger = test as TestFn<{ both: TwoRouters; finish: (() => Promise<void> | void)[] }>;

onLedger.before(async (t) => {
  const finish: (() => Promise<void> | void)[] = [];
  const teardown = (done: () => Promise<void> | void): void => void finish.push(done);
  t.context = { finish, both: await openLedger({ teardown, log: t.log }) };
});

onLedger.after.always(async (t) => {
  for (const done of t.context.finish.toReversed()) await done();
});

const ask =
  ([sql, bindings]: RawQuery) =>
  (db: Knex): PromiseLike<unknown> =>
    bindings === undefined ? db.raw(sql) : db.raw(sql, bindings as never);

/** The difference between two answers; undefined where there is none, or it is a refusal that is known. */
function difference([sql]: RawQuery, expected: unknown, found: unknown, refusal: Answer): string | undefined {
  const [, code] = Object.entries(REFUSED).find(([part]) => sql.includes(part)) ?? [];
  if (code !== undefined) {
    const isSaid =
      'error' in refusal && refusal.error.startsWith('SQL_UNTRANSLATABLE') && refusal.error.includes(`(${code})`);
    return isSaid ? undefined : `${sql}\nwas to be refused (${code})\n${inspect(refusal)}`;
  }
  if (isDeepStrictEqual(found, expected)) return undefined;
  return `${sql}\nSQLite     ${inspect(expected, { depth: 6 })}\nPostgreSQL ${inspect(found, { depth: 6 })}`;
}

onLedger.serial(
  'what an API over the migrated ledger reads in SQLite’s dialect, PostgreSQL answers the same',
  async (t) => {
    t.timeout(120_000);
    const { sqlite, postgres, warnings } = t.context.both;
    const differing: string[] = [];
    for (const query of LEDGER_READS) {
      const [expected, found] = [await answerOf(sqlite, ask(query)), await answerOf(postgres, ask(query))];
      if ('error' in expected) differing.push(`${query[0]}\nis an error in SQLite: ${expected.error}`);
      else differing.push(...[difference(query, expected, found, found)].filter((one) => one !== undefined));
    }
    t.deepEqual(differing, []);
    t.deepEqual(warnings, []);
  },
);

const UNDO = new Error('undo');

interface Written {
  readonly answer: Answer;
  /** What is compared: the answer, what the connection knows of it, and the rows that the tables are left with. */
  readonly seen: unknown;
}

onLedger.serial(
  'what an API over the migrated ledger writes in SQLite’s dialect, PostgreSQL does and answers the same',
  async (t) => {
    t.timeout(120_000);
    const { both } = t.context;
    const keyed = await generatedKeys(both);
    const differing: string[] = [];
    for (const { query, tables } of LEDGER_WRITES) {
      const write = async (db: Knex): Promise<Written> => {
        let written: Written | undefined;
        await t.throwsAsync(
          db.transaction(async (trx) => {
            written = await outcome(trx, query, tables, keyed);
            throw UNDO;
          }),
          { is: UNDO },
        );
        if (written === undefined) throw new Error('the transaction has run');
        return written;
      };
      const [expected, found] = [await write(both.sqlite), await write(both.postgres)];
      differing.push(
        ...[difference(query, expected.seen, found.seen, found.answer)].filter((one) => one !== undefined),
      );
      await both.client.query(`SELECT ${[...keyed].map(([table, key]) => restarted(table, key)).join(', ')}`);
    }
    t.deepEqual(differing, []);
  },
);

/** The generated key of each table that has one. */
async function generatedKeys({ client }: TwoRouters): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ table: string; key: string }>(
    `SELECT table_name AS "table", column_name AS "key" FROM information_schema.columns
      WHERE is_identity = 'YES' AND table_schema = 'public'`,
  );
  return new Map(rows.map(({ table, key }) => [table, key]));
}

/** PostgreSQL does not take back the numbers that it gave out. */
function restarted(table: string, key: string): string {
  return `setval(pg_get_serial_sequence('"${table}"', '${key}'), (SELECT coalesce(max("${key}"), 0) + 1 FROM "${table}"), false)`;
}

async function outcome(
  trx: Knex,
  query: RawQuery,
  tables: readonly string[],
  keyed: ReadonlyMap<string, string>,
): Promise<Written> {
  const answer = await answerOf(trx, ask(query));
  // Of a failed CHECK SQLite tells the expression where it has no name.
  if ('error' in answer) return { answer, seen: answer.error.replace(/(CHECK constraint failed).*/, '$1') };
  const [session] = await trx.raw<{ id: number; changes: number }[]>(
    'SELECT last_insert_rowid() AS id, changes() AS changes',
  );
  const left: unknown[] = [];
  for (const table of tables) left.push((await trx(table)).map((row) => inspect(timeless(row))).sort());
  const { changes, lastInsertRowid } = answer.value as {
    readonly changes?: number;
    readonly lastInsertRowid?: number;
  };
  // A table without an integer key has no rowid in PostgreSQL.
  const [, table = ''] = /^(?:INSERT(?: OR \w+)?|REPLACE) INTO (\w+)/.exec(query[0]) ?? [];
  const ids = keyed.has(table) && changes !== 0 ? { lastInsertRowid, session: session?.id } : {};
  const seen = Array.isArray(answer.value) ? answer.value : { changes, ...ids };
  return { answer, seen: { seen, changes: session?.changes, left } };
}

/** The time of the day may go on between the two databases. */
function timeless(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isNow = (value: unknown): boolean => {
    const ms =
      typeof value === 'string'
        ? Date.parse(`${value.replace(' ', 'T').replace(/Z$/, '')}Z`)
        : typeof value === 'number'
          ? value * (value < 1e11 ? 1_000 : 1)
          : NaN;
    return Math.abs(ms - Date.now()) < 60_000;
  };
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, isNow(value) ? 'now' : value]));
}
