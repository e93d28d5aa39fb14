import type { QueryObject } from '../router/knex-internals.ts';

/**
 * A statement of the application, as a line of JSON in the file of option `record`. `crossfade audit --statements` reads
 * `sql` and `count`.
 */
export interface RecordedStatement {
  /** As SQLite gets it: without values, or, with `bindings`, as it was. */
  readonly sql: string;
  readonly count: number;
  /** `builder` where Knex writes all of it, for PostgreSQL too, `mixed` where some of it is raw; without it all of it is. */
  readonly author?: 'builder' | 'mixed';
  /** What it needs to be run again; only of reads, and only where values were asked for. */
  readonly run?: RecordedRun;
}

/** A read with its values, for both databases. */
export interface RecordedRun {
  readonly method: string | undefined;
  readonly pluck: string | undefined;
  readonly bindings: readonly unknown[];
  readonly postgres: { readonly sql: string; readonly bindings: readonly unknown[]; readonly usesPack: boolean };
}

/** What is kept of a read so that it can be run again. */
export function recordedRun(sqlite: QueryObject, postgres: QueryObject): RecordedRun {
  return {
    method: sqlite.method,
    pluck: typeof sqlite.pluck === 'string' ? sqlite.pluck : undefined,
    bindings: (sqlite.bindings ?? []).map(toJson),
    postgres: {
      sql: postgres.sql,
      bindings: (postgres.bindings ?? []).map(toJson),
      usesPack: postgres.usesPack === true,
    },
  };
}

/** The queries of a recorded read. */
export function queriesOf({ sql, run }: { sql: string; run: RecordedRun }): {
  readonly sqlite: QueryObject;
  readonly postgres: QueryObject;
} {
  const shared = {
    ...(run.method === undefined ? {} : { method: run.method }),
    ...(run.pluck === undefined ? {} : { pluck: run.pluck }),
  };
  const { postgres } = run;
  return {
    sqlite: { ...shared, sql, bindings: run.bindings.map(fromJson) },
    postgres: {
      ...shared,
      sql: postgres.sql,
      bindings: postgres.bindings.map(fromJson),
      ...(postgres.usesPack ? { usesPack: true } : {}),
    },
  };
}

/** Whether a line's value is one, as far as its parts are looked at. */
export function isRecordedStatement(value: unknown): value is RecordedStatement {
  if (typeof value !== 'object' || value === null) return false;
  return 'sql' in value && typeof value.sql === 'string' && 'count' in value && typeof value.count === 'number';
}

/** Values that JSON has no form for are objects with one name. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  return value ?? null;
}

function fromJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$bigint' in value) return BigInt(String(value.$bigint));
  if ('$date' in value) return new Date(String(value.$date));
  return '$bytes' in value ? Buffer.from(String(value.$bytes), 'base64') : value;
}
