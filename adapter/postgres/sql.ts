import { createHash } from 'node:crypto';
import type { ColumnSpec, TableSpec } from '../spec.ts';
import { keyColumns } from '../spec.ts';
import { FILL_SQL } from './fill-sql.ts';

/** The version of the bookkeeping tables below. A release that finds a higher one refuses to start. */
export const BOOKKEEPING_VERSION = 1;

/** The SQLSTATE of every write that the fence refuses; the router recognises it by this. */
export const FENCE_SQLSTATE = 'CF001';

/** Set on the Mirror's own sessions; the fence lets them pass. */
export const MIRRORING = `current_setting('crossfade.mirroring', true) IS DISTINCT FROM 'on'`;

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * A type without its modifier. A cast to `varchar(3)` would cut a longer text in silence; an assignment does not.
 * `character` without one is `character(1)`; the name of the type of any length is `bpchar`.
 */
export function baseType(column: ColumnSpec): string {
  const name = column.postgresType.replace(/\(.*\)/, '');
  return name === 'character' ? 'bpchar' : name;
}

/**
 * Bookkeeping, in a schema of its own.
 *
 * `changes` has no sequence: sequence order is not commit order, so the order of changes is that of snapshots
 * (PROTOCOL.md R10), and `xid` is the top-level transaction's.
 *
 * `state.lifted` is the number of the last attempt whose fence has come down. A fence trigger carries its attempt's
 * number and lets a write pass only when the writer's own snapshot shows that this fence has been lifted; a snapshot
 * from before the fence never does (R23), and lifting a fence needs no lock on any table.
 */
export const BOOKKEEPING_SQL = `
  CREATE SCHEMA IF NOT EXISTS crossfade;
  CREATE TABLE IF NOT EXISTS crossfade.state (
    id integer PRIMARY KEY CHECK (id = 1),
    version integer NOT NULL,
    role text NOT NULL,
    epoch integer NOT NULL,
    stage text NOT NULL,
    intent text,
    attempt integer NOT NULL DEFAULT 0,
    lifted integer NOT NULL DEFAULT 0,
    final_position text,
    attempt_expires timestamptz,
    capture_id text,
    step bigint NOT NULL DEFAULT 0,
    watermark text,
    watermark_capture_id text,
    handover text,
    pruned_to text,
    reconciling boolean NOT NULL DEFAULT false
  );
  ALTER TABLE crossfade.state ADD COLUMN IF NOT EXISTS pruned_to text;
  ALTER TABLE crossfade.state ADD COLUMN IF NOT EXISTS reconciling boolean NOT NULL DEFAULT false;
  CREATE TABLE IF NOT EXISTS crossfade.changes (xid xid8 NOT NULL DEFAULT pg_current_xact_id(), tbl text NOT NULL, key text[]);
  CREATE INDEX IF NOT EXISTS changes_xid ON crossfade.changes (xid);
  CREATE TABLE IF NOT EXISTS crossfade.tables (name text PRIMARY KEY, spec text NOT NULL);
  CREATE TABLE IF NOT EXISTS crossfade.cursors (
    tbl text PRIMARY KEY, after text, done boolean NOT NULL DEFAULT false, copied bigint NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS crossfade.quarantine (
    tbl text NOT NULL, key text NOT NULL, reason text NOT NULL, since timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tbl, key)
  );
  CREATE TABLE IF NOT EXISTS crossfade.history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), epoch integer NOT NULL,
    from_stage text NOT NULL, to_stage text NOT NULL, note text NOT NULL
  );
  CREATE TABLE IF NOT EXISTS crossfade.lease (
    name text PRIMARY KEY, holder text NOT NULL, description text NOT NULL, expires timestamptz NOT NULL
  );
  CREATE TABLE IF NOT EXISTS crossfade.comparisons (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, started timestamptz NOT NULL, finished timestamptz NOT NULL,
    outcome text NOT NULL, is_full boolean NOT NULL, rows_compared bigint NOT NULL,
    missing bigint NOT NULL, extra bigint NOT NULL, differing bigint NOT NULL, inconclusive bigint NOT NULL
  );
  CREATE TABLE IF NOT EXISTS crossfade.shapes (id text PRIMARY KEY, last_seen timestamptz NOT NULL, tally text NOT NULL);
  ${FILL_SQL}
  CREATE OR REPLACE FUNCTION crossfade.refuse_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  BEGIN
    IF EXISTS (SELECT FROM crossfade.state WHERE lifted >= TG_ARGV[0]::integer) THEN
      RETURN NULL;
    END IF;
    RAISE EXCEPTION 'crossfade: fenced: this PostgreSQL database does not take writes now, the primary does (crossfade status)'
      USING ERRCODE = '${FENCE_SQLSTATE}';
  END $$;`;

const CAPTURE_EVENTS = ['insert', 'update', 'delete', 'truncate'] as const;

/** A name for a table's own functions that stays within 63 bytes whatever the table is called. */
function functionName(table: TableSpec, event: string): string {
  return `crossfade."capture_${createHash('sha256').update(table.name).digest('hex').slice(0, 16)}_${event}"`;
}

/** A dollar quote that no name of the table's own can end. */
function tag(table: TableSpec): string {
  return `$capture_${createHash('sha256').update(JSON.stringify(table)).digest('hex').slice(0, 16)}$`;
}

/** What a writer's session may have set otherwise, and the text of a key depends on; it costs every statement a little. */
function settings(table: TableSpec): string {
  const types = keyColumns(table).map((column) => column.type);
  return [
    ...(types.some((type) => type === 'double' || type === 'real') ? ['SET extra_float_digits = 1'] : []),
    ...(types.some((type) => type === 'timestamptz' || type === 'timestamp' || type === 'date')
      ? [`SET timezone = 'UTC' SET datestyle = 'ISO'`]
      : []),
  ].join(' ');
}

/** The text of a key's column, in the form that the codec reads back; independent of session settings. */
function keyText(column: ColumnSpec, row: string): string {
  const name = `${row}.${quote(column.name)}`;
  return column.type === 'blob'
    ? `('\\x' OPERATOR(pg_catalog.||) pg_catalog.encode(${name}, 'hex'))`
    : `${name}::pg_catalog.text`;
}

/** Whether an update has changed a key's column: as it is written down, whatever its own collation takes for equal. */
function isOther(column: ColumnSpec): string {
  const [before, after] = ['OLD', 'NEW'].map((row) =>
    isInteger(column) ? `${row}.${quote(column.name)}` : `(${keyText(column, row)}) COLLATE pg_catalog."C"`,
  );
  return `${before} OPERATOR(pg_catalog.<>) ${after}`;
}

function isInteger({ type }: ColumnSpec): boolean {
  return type === 'smallint' || type === 'integer' || type === 'bigint';
}

/**
 * The triggers that record which key changed, in the transaction of the change.
 *
 * Inserts and deletes are recorded by one call per statement, whatever the number of rows. Updates by one per row: to a
 * statement of one row that costs half as much as two transition tables, to one of a thousand a fifth more.
 *
 * They leave the Mirror's writes out: its sessions are in the replica role, or say that they mirror. That is asked inside,
 * since PostgreSQL would parse a WHEN condition anew for each statement. For the same reason no `SET search_path` stands on
 * these functions, which run with their owner's rights: every type, function and operator in them is named with its schema.
 */
export function captureSql(table: TableSpec): string {
  const keys = keyColumns(table);
  const array = (row: string): string => `ARRAY[${keys.map((column) => keyText(column, row)).join(', ')}]`;
  const record = (changed: string): string =>
    `INSERT INTO crossfade.changes (tbl, key) SELECT ${literal(table.name)}, ${changed};`;
  const isOtherKey = keys.map((column) => `(${isOther(column)}) IS NOT FALSE`).join(' OR ');
  const bodies = {
    insert: record(`${array('n')} FROM new_rows n`),
    update: `${record(array('NEW'))}
      IF ${isOtherKey} THEN
        ${record(array('OLD'))}
      END IF;`,
    delete: record(`${array('o')} FROM old_rows o`),
    truncate: record('NULL'),
  };
  const firing = {
    insert: 'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT',
    update: 'FOR EACH ROW',
    delete: 'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT',
    truncate: 'FOR EACH STATEMENT',
  };
  return CAPTURE_EVENTS.map(
    (event) => `
    CREATE OR REPLACE FUNCTION ${functionName(table, event)}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER ${settings(table)} AS ${tag(table)}
    BEGIN
      IF pg_catalog.current_setting('crossfade.mirroring', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
      END IF;
      ${bodies[event]}
      RETURN NULL;
    END ${tag(table)};
    CREATE OR REPLACE TRIGGER crossfade_capture_${event} AFTER ${event.toUpperCase()} ON ${quote(table.name)} ${firing[event]}
      EXECUTE FUNCTION ${functionName(table, event)}();`,
  ).join('\n');
}

export function dropCaptureSql(table: TableSpec): string {
  return CAPTURE_EVENTS.map(
    (event) =>
      `DROP TRIGGER IF EXISTS crossfade_capture_${event} ON ${quote(table.name)}; DROP FUNCTION IF EXISTS ${functionName(table, event)}();`,
  ).join('\n');
}

/**
 * Puts a fence up that lets writes pass only once `attempt` has been lifted. Fires for replica-role sessions too.
 * Replacing a trigger waits for writers only; dropping one would wait for readers as well.
 */
export function fenceSql(table: TableSpec, attempt: number): string {
  const name = quote(table.name);
  return `
    CREATE OR REPLACE TRIGGER crossfade_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${name}
      FOR EACH STATEMENT WHEN (${MIRRORING}) EXECUTE FUNCTION crossfade.refuse_write('${attempt}');
    ALTER TABLE ${name} ENABLE ALWAYS TRIGGER crossfade_fence;`;
}

export function dropFenceSql(table: TableSpec): string {
  return `DROP TRIGGER IF EXISTS crossfade_fence ON ${quote(table.name)};`;
}
