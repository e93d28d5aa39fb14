import { AGGREGATE_SQL } from './aggregate-sql.ts';
import { CAST_SQL } from './cast-sql.ts';
import { DATE_SQL } from './date-sql.ts';
import { PACK_SCHEMA } from './define.ts';
import { JSON_SQL } from './json-sql.ts';
import { NUMBER_SQL } from './number-sql.ts';
import { PRINTF_SQL } from './printf-sql.ts';
import { RAW_OVERLOADS } from './raw-overloads.ts';
import { TEXT_SQL } from './text-sql.ts';
import { VALUE_SQL } from './value-sql.ts';

/** Counts up with every change of the pack's functions. */
export const PACK_VERSION = 2;

const MARK = 'crossfade function pack, version ';

/** What `installPack` needs of a client of pg. */
export interface PackClient {
  query(sql: string): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
}

export interface InstalledPack {
  /** The version that is there now. */
  readonly version: number;
  /** `kept`: this version was there. `newer`: a newer one is, and was left alone. */
  readonly outcome: 'installed' | 'replaced' | 'kept' | 'newer';
}

/**
 * The whole function pack as one script, which may be run again: SQLite's built-in functions in the schema
 * `crossfade_sqlite`. Any role with CREATE on the database can run it; it uses no extension.
 *
 * The order of the script is free: bodies are looked at when they are called (`check_function_bodies` is off for it).
 */
export function packSql(): string {
  return [
    `SET check_function_bodies = off;\n`,
    `CREATE SCHEMA IF NOT EXISTS ${PACK_SCHEMA};\n`,
    ...VALUE_SQL,
    ...CAST_SQL,
    ...TEXT_SQL,
    ...NUMBER_SQL,
    ...PRINTF_SQL,
    ...DATE_SQL,
    ...JSON_SQL,
    ...AGGREGATE_SQL,
    ...RAW_OVERLOADS,
    `COMMENT ON SCHEMA ${PACK_SCHEMA} IS '${MARK}${PACK_VERSION}';\n`,
    `RESET check_function_bodies;\n`,
  ].join('\n');
}

/**
 * Installs the pack, or replaces an older one, in one transaction that others who install wait for. The client must not
 * be in a transaction. Throws what PostgreSQL raises, with nothing installed.
 */
export async function installPack(client: PackClient): Promise<InstalledPack> {
  await client.query('BEGIN');
  try {
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('${PACK_SCHEMA}'))`);
    const before = await installedVersion(client);
    if (before !== undefined && before >= PACK_VERSION) {
      await client.query('COMMIT');
      return { version: before, outcome: before === PACK_VERSION ? 'kept' : 'newer' };
    }
    await client.query(packSql());
    await client.query('COMMIT');
    return { version: PACK_VERSION, outcome: before === undefined ? 'installed' : 'replaced' };
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** The version of the pack in the client's database; undefined if there is none. */
async function installedVersion(client: PackClient): Promise<number | undefined> {
  const { rows } = await client.query(
    `SELECT obj_description(oid, 'pg_namespace') AS comment FROM pg_namespace WHERE nspname = '${PACK_SCHEMA}'`,
  );
  const comment = rows[0]?.['comment'];
  return typeof comment === 'string' && comment.startsWith(MARK) ? Number(comment.slice(MARK.length)) : undefined;
}
