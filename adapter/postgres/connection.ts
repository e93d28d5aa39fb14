import pg from 'pg';
import { CrossfadeError, isCrossfadeError } from '../errors.ts';

/** Every value arrives as PostgreSQL's own text: the codec reads it, exactly. */
const AS_TEXT = { getTypeParser: () => (value: string) => value };

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Settings of every session of Crossfade's own: text forms that do not depend on the server's configuration, commits
 * that survive a power failure (but for steps, see `Session`), and limits, so that a paused process cannot hold a lock for ever (PROTOCOL.md R9).
 */
const SESSION_OPTIONS = [
  'timezone=UTC',
  'datestyle=ISO',
  'bytea_output=hex',
  'extra_float_digits=1',
  'synchronous_commit=on',
  'idle_in_transaction_session_timeout=30s',
  'standard_conforming_strings=on',
];

export function clientConfig(url: string, purpose: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: `crossfade ${purpose}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: AS_TEXT,
    options: SESSION_OPTIONS.map((option) => `-c ${option}`).join(' '),
  };
}

/** A small pool for bookkeeping and for the comparer. Never the application's. A connection that does not answer within the limit is given up. */
export function openPool(url: string, answerLimitMs: number): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(url, 'bookkeeping'),
    query_timeout: answerLimitMs,
    max: 3,
    idleTimeoutMillis: 10_000,
    allowExitOnIdle: true,
  });
  // An idle connection that breaks is replaced at its next use; without a listener it would end the process.
  pool.on('error', () => {});
  // The pool listens to idle connections only: one that breaks between two statements of a transaction would end it too.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Lends a connection of a pool; one on which something failed is not used again: what has not answered once is not asked again. */
export async function lend<T>(pool: pg.Pool, use: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failed = true;
  try {
    const result = await use(client);
    failed = false;
    return result;
  } finally {
    client.release(failed);
  }
}

/**
 * In the replica role foreign keys are not checked and ordinary triggers do not fire: rows are applied as the primary
 * has them. Resolves to whether the role may (a superuser, or `GRANT SET ON PARAMETER session_replication_role`).
 */
export async function enterReplicaRole(client: pg.ClientBase): Promise<boolean> {
  try {
    await client.query(`SET session_replication_role = 'replica'`);
    return true;
  } catch (error) {
    if (sqlState(error) === '42501') return false;
    throw error;
  }
}

/** The SQLSTATE of a PostgreSQL error, or `undefined` for any other. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Whether PostgreSQL refused a row for what it holds: data exceptions and constraint violations (PROTOCOL.md R30). */
export function isRowRefusal(error: unknown): boolean {
  return /^(2[23]|54000)/.test(sqlState(error) ?? '');
}

/** A lock that was not had in time. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === '55P03';
}

/**
 * What a failed connection means to a person, without the connection string.
 * Everything but a refusal by the server itself counts as unreachable.
 */
export function describeConnectionError(url: string, error: unknown): unknown {
  // It may come from the other store, whose rows were being written.
  if (isCrossfadeError(error)) return error;
  const { hostname, port, pathname } = new URL(url);
  const where = `${hostname || 'localhost'}:${port || '5432'}${pathname}`;
  const state = sqlState(error);
  if (state !== undefined && /^(28|3D)/.test(state)) {
    return new CrossfadeError(
      'POSTGRES_REFUSED',
      `PostgreSQL at ${where} refused the connection: ${REFUSALS[state] ?? 'see the cause'}`,
      {
        hint: 'check the user, the password and the database in the connection URL',
        cause: error,
      },
    );
  }
  if (state === '25006') {
    return new CrossfadeError(
      'POSTGRES_UNREACHABLE',
      `PostgreSQL at ${where} takes no writes: it is a standby, or was made read-only`,
      {
        hint: 'put the address of the primary server into the connection URL, or wait until this one is promoted',
        cause: error,
      },
    );
  }
  const isUnreachable = state === undefined ? isConnectionFailure(error) : /^(08|57P0)/.test(state);
  if (!isUnreachable) return error;
  return new CrossfadeError('POSTGRES_UNREACHABLE', `PostgreSQL at ${where} does not answer${reason(error)}`, {
    hint: 'check that it runs, and the host and port in the connection URL',
    cause: error,
  });
}

const REFUSALS: Readonly<Record<string, string>> = {
  '28P01': 'wrong user or password',
  '28000': 'the user may not connect',
  '3D000': 'there is no such database',
};

function isConnectionFailure(error: unknown): boolean {
  if (error instanceof AggregateError) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    /^(ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|EHOST|ENETUNREACH|ETIMEDOUT|ENOENT)/.test(code) ||
    /timeout|terminated|closed|ended|queryable/i.test(error.message)
  );
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === '' ? '' : ` (${code})`;
}
