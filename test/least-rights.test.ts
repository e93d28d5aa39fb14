import { randomBytes } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import { createCrossfade } from '../adapter/index.ts';
import { differences, goTo, TABLES } from './helpers/pair.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { serverVersion } from './helpers/server-version.ts';
import { sqliteFile } from './helpers/sqlite.ts';

interface Roles {
  /** The URL of the database as Crossfade's own role. */
  readonly owner: string;
  readonly admin: pg.Client;
  /** A plain connection of another role, which may write rows and knows nothing of Crossfade. */
  readonly clerk: pg.Client;
}

/**
 * What README.md says that Crossfade's role needs, and nothing else; `replica` adds the right to set the replica role,
 * which before version 15 of PostgreSQL nobody can be given but a superuser.
 */
async function rolesWith(
  t: ExecutionContext,
  { tables, replica }: { tables: string; replica: boolean },
): Promise<Roles> {
  const url = await freshDatabase(t);
  const suffix = randomBytes(4).toString('hex');
  const [owner, clerk] = [`owner_${suffix}`, `clerk_${suffix}`];
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const database = new URL(url).pathname.slice(1);
  const mayReplica =
    (await serverVersion(admin)) < 150_000
      ? `ALTER ROLE ${owner} SUPERUSER`
      : `GRANT SET ON PARAMETER session_replication_role TO ${owner}`;
  await admin.query(`
    CREATE ROLE ${owner} LOGIN PASSWORD 'secret'; CREATE ROLE ${clerk} LOGIN PASSWORD 'secret';
    GRANT CREATE ON DATABASE ${database} TO ${owner}; GRANT CREATE ON SCHEMA public TO ${owner};
    SET ROLE ${owner}; ${tables}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${clerk};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${clerk}; RESET ROLE;
    ${replica ? mayReplica : ''}`);
  const as = (role: string): string => {
    const own = new URL(url);
    own.username = role;
    own.password = 'secret';
    return own.href;
  };
  const clerkClient = new pg.Client({ connectionString: as(clerk) });
  await clerkClient.connect();
  t.teardown(async () => {
    await clerkClient.end();
    await admin.query(
      `REASSIGN OWNED BY ${owner} TO CURRENT_USER; DROP OWNED BY ${owner}, ${clerk}; DROP ROLE ${owner}, ${clerk}`,
    );
    await admin.end();
  });
  return { owner: as(owner), admin, clerk: clerkClient };
}

test('a role that owns the tables and may set the replica role is enough for the whole road and back', async (t) => {
  const { owner, clerk } = await rolesWith(t, { tables: TABLES.postgres, replica: true });
  const crossfade = await createCrossfade({ sqlite: sqliteFile(t, TABLES.sqlite), postgres: owner, refreshMs: 50 });
  t.teardown(() => crossfade.close());
  await goTo(crossfade, 'read');
  await crossfade.knex('accounts').insert([{ email: 'a' }, { email: 'b' }]);
  await t.throwsAsync(clerk.query(`INSERT INTO settings VALUES ('too early', '1')`), { message: /fenced/ });
  await crossfade.cutover.step('write', { force: true });
  await clerk.query(
    `INSERT INTO payments (account_id, cents) SELECT id, 5 FROM accounts; UPDATE accounts SET balance = 7`,
  );
  await t.throwsAsync(clerk.query('TRUNCATE settings'), { message: /permission denied/ });
  await crossfade.knex('accounts').insert({ email: 'c' });
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  t.deepEqual(await differences(crossfade), []);
  await crossfade.cutover.step('read', { force: true });
  await crossfade.knex('accounts').insert({ email: 'd' });
  t.deepEqual(await differences(crossfade), []);
});

test('without the right to set the replica role, tables that need it are refused with the remedy, others work', async (t) => {
  const { owner, admin } = await rolesWith(t, { tables: TABLES.postgres, replica: false });
  const path = sqliteFile(t, TABLES.sqlite);
  const crossfade = await createCrossfade({ sqlite: path, postgres: owner, refreshMs: 50 });
  t.teardown(() => crossfade.close());
  const error = await t.throwsAsync<Error & { hint: string }>(crossfade.install(), { code: 'POSTGRES_RIGHTS' });
  t.regex(error?.hint ?? '', /GRANT SET ON PARAMETER session_replication_role/);
  t.is((await crossfade.stores.postgres.state())?.role, undefined);
  await crossfade.close();

  await admin.query('ALTER TABLE payments DROP CONSTRAINT payments_account_id_fkey');
  const plain = await createCrossfade({ sqlite: path, postgres: owner, refreshMs: 50 });
  t.teardown(() => plain.close());
  await goTo(plain, 'write');
  await plain.knex('accounts').insert({ email: 'a' });
  await plain.knex('payments').insert({ account_id: 1, cents: 5 });
  await plain.mirror.caughtUp({ timeoutMs: 10_000 });
  t.deepEqual(await differences(plain), []);
});
