import { randomBytes } from 'node:crypto';
import type { ClientBase } from 'pg';
import { messageOf } from '../../adapter/errors.ts';
import type { Finding } from '../finding.ts';
import { packSql } from '../pack/install-pack.ts';
import { emit, script } from './emit.ts';
import { introspect } from './introspect.ts';
import type { LiveSchema } from './introspect.ts';
import { judge } from './judge.ts';
import type { Plan } from './plan.ts';

/** What PostgreSQL says of a plan. */
export interface Trial {
  /** One per statement that PostgreSQL refused, and one per difference from the plan. Empty if all is well. */
  readonly findings: readonly Finding[];
  /** The schema as PostgreSQL made it. */
  readonly live: LiveSchema;
}

/**
 * Makes a plan in a schema of its own within a transaction that is rolled back, so that nothing stays and nobody sees it.
 * The role needs the right to create a schema in the database, and no more.
 *
 * @param work runs while the schema is there and first in the search path, such as to prepare queries on it.
 */
export async function inScratch<T>(client: ClientBase, plan: Plan, work: (trial: Trial) => Promise<T>): Promise<T> {
  const schema = `crossfade_scratch_${randomBytes(6).toString('hex')}`;
  await client.query('BEGIN');
  try {
    if (plan.usesPack) await client.query(packSql());
    await client.query(`CREATE SCHEMA ${schema}; SET LOCAL search_path TO ${schema}`);
    const refused = await carryOut(client, plan);
    const live = await introspect(client, schema);
    // What follows from a refusal (a missing table has no indexes either) would hide what it comes from.
    return await work({ live, findings: refused.length > 0 ? refused : judge(plan, live) });
  } finally {
    await client.query('ROLLBACK');
  }
}

/** Runs a plan's statements: all at once, and one by one only to tell which of them PostgreSQL refuses. */
async function carryOut(client: ClientBase, plan: Plan): Promise<readonly Finding[]> {
  const statements = emit(plan);
  if ((await attempt(client, script(statements))) === undefined) return [];
  const refused: Finding[] = [];
  for (const { sql, place } of statements) {
    const error = await attempt(client, sql);
    if (error !== undefined) {
      refused.push({
        severity: 'rejection',
        code: 'refused-by-postgres',
        place,
        message: `PostgreSQL refuses it: ${messageOf(error)}`,
        remedy: 'change the construct in SQLite, override its column type, or leave it out with `omit`',
      });
    }
  }
  return refused;
}

/** Runs a statement so that its failure does not end the transaction. Resolves to the error, if there was one. */
export async function attempt(client: ClientBase, sql: string, values?: readonly unknown[]): Promise<unknown> {
  await client.query('SAVEPOINT attempt');
  try {
    await client.query(sql, values === undefined ? undefined : [...values]);
    await client.query('RELEASE SAVEPOINT attempt');
    return undefined;
  } catch (error) {
    await client.query('ROLLBACK TO SAVEPOINT attempt');
    return error;
  }
}
