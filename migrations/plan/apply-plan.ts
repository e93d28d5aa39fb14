import type { ClientBase } from 'pg';
import { CrossfadeError } from '../../adapter/errors.ts';
import { literal, quote } from '../../adapter/postgres/sql.ts';
import type { Finding } from '../finding.ts';
import { packSql } from '../pack/install-pack.ts';
import { emit } from './emit.ts';
import type { Statement } from './emit.ts';
import { introspect } from './introspect.ts';
import { judge } from './judge.ts';
import type { Plan } from './plan.ts';

/** All of a baseline: the function pack if anything calls it, the schema, Knex's record of migrations if there is one. */
export function baseline(plan: Plan): readonly Statement[] {
  const statements = [...emit(plan), ...knexRecord(plan)];
  if (!plan.usesPack) return statements;
  const pack: Statement = {
    sql: packSql(),
    place: {},
    comment: 'SQLite\'s built-in functions, which the schema below calls; it begins at "The schema".',
  };
  return [
    pack,
    ...statements.map((statement, index) => (index === 0 ? { ...statement, comment: 'The schema' } : statement)),
  ];
}

/**
 * Makes a plan in a database's current schema, all of it or, when anything is wrong, nothing.
 *
 * @returns the differences from the plan; with any, nothing was made.
 * @throws CrossfadeError `TABLE_NOT_EMPTY` when something of the plan's name is there already.
 */
export async function applyPlan(client: ClientBase, plan: Plan): Promise<readonly Finding[]> {
  await client.query('BEGIN');
  try {
    await refuseExisting(client, plan);
    for (const { sql } of baseline(plan)) await client.query(sql);
    const { rows } = await client.query<{ name: string }>('SELECT current_schema() AS name');
    const live = await introspect(client, rows[0]?.name ?? 'public');
    const planned = new Set(plan.tables.map(({ name }) => name));
    // What else is in the schema is not the plan's business.
    const own = { ...live, tables: new Map([...live.tables].filter(([name]) => planned.has(name))) };
    const findings = judge(plan, own);
    await client.query(findings.length === 0 ? 'COMMIT' : 'ROLLBACK');
    return findings;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

async function refuseExisting(client: ClientBase, plan: Plan): Promise<void> {
  const names = [...plan.tables, ...plan.views].map(({ name }) => name);
  const { rows } = await client.query<{ name: string }>(
    'SELECT relname AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY($1) ORDER BY 1',
    [names],
  );
  if (rows.length === 0) return;
  const listed = rows.map(({ name }) => `"${name}"`).join(', ');
  throw new CrossfadeError('TABLE_NOT_EMPTY', `the schema cannot be made: PostgreSQL has ${listed} already`, {
    hint: 'use an empty database or schema; `crossfade schema --diff` tells how what is there differs from the plan',
  });
}

/**
 * Knex's own record, so that Knex finds on PostgreSQL what has run on SQLite and runs only what comes after.
 */
function knexRecord({ knexMigrations }: Plan): readonly Statement[] {
  if (knexMigrations.length === 0) return [];
  const rows = knexMigrations.map(({ id, name, batch, migrationTime }) => {
    const time =
      typeof migrationTime === 'bigint'
        ? `to_timestamp(${migrationTime} / 1000.0)`
        : migrationTime === null
          ? 'NULL'
          : `${literal(migrationTime)}::timestamp AT TIME ZONE 'UTC'`;
    return `(${id}, ${literal(name)}, ${batch}, ${time})`;
  });
  const next = knexMigrations.reduce((highest, { id }) => (id > highest ? id : highest), 0n) + 1n;
  const place = { table: 'knex_migrations' };
  return [
    {
      place,
      sql: `CREATE TABLE IF NOT EXISTS ${quote('knex_migrations')} (
  id serial PRIMARY KEY,
  name varchar(255),
  batch integer,
  migration_time timestamptz
)`,
    },
    {
      place,
      sql: `INSERT INTO knex_migrations (id, name, batch, migration_time) VALUES\n  ${rows.join(',\n  ')}\nON CONFLICT DO NOTHING`,
    },
    { place, sql: `SELECT setval(pg_get_serial_sequence('knex_migrations', 'id'), ${next}, false)` },
    {
      place: { table: 'knex_migrations_lock' },
      sql: 'CREATE TABLE IF NOT EXISTS knex_migrations_lock (index serial PRIMARY KEY, is_locked integer)',
    },
    {
      place: { table: 'knex_migrations_lock' },
      sql: 'INSERT INTO knex_migrations_lock (is_locked) SELECT 0 WHERE NOT EXISTS (SELECT FROM knex_migrations_lock)',
    },
  ];
}
