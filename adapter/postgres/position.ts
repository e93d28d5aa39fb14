import type { Position } from '../store.ts';

/**
 * A snapshot, and the history that its transaction numbers belong to: after a failover, a restored backup or a dump
 * and restore they mean something else (PROTOCOL.md R12).
 */
export interface SnapshotPosition {
  readonly xmax: bigint;
  /** Transactions below `xmax` that were still running. */
  readonly running: readonly bigint[];
  readonly system: string;
  readonly timeline: string;
  /**
   * Up to which transaction the changelog had been forgotten, as this snapshot shows it; left out where nobody looked.
   * It never goes back, but when an older state of the server is put back: transactions may have numbers beyond the
   * watermark's again by then, so that nothing else would tell.
   */
  readonly forgotten?: string | undefined;
}

/** What the queries below give: `pg_current_snapshot()`, the system identifier and the name of the WAL file. */
export interface SnapshotRow {
  readonly snapshot: string;
  readonly system: string;
  readonly wal_file: string;
}

interface Written extends Pick<SnapshotPosition, 'system' | 'timeline' | 'forgotten'> {
  readonly xmax: string;
  readonly running: readonly string[];
}

/** The columns of {@link SnapshotRow}. Callable by an ordinary role. */
export const SNAPSHOT_COLUMNS = `
  pg_current_snapshot()::text AS snapshot,
  (SELECT system_identifier FROM pg_control_system())::text AS system,
  CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) ELSE '' END AS wal_file`;

export function fromSnapshotRow(row: SnapshotRow): SnapshotPosition {
  const [, xmax = '0', running = ''] = row.snapshot.split(':');
  return {
    xmax: BigInt(xmax),
    running: running === '' ? [] : running.split(',').map(BigInt),
    system: row.system,
    timeline: row.wal_file.slice(0, 8),
  };
}

export function formatPosition(position: SnapshotPosition): Position {
  return JSON.stringify({
    xmax: String(position.xmax),
    running: position.running.map(String),
    system: position.system,
    timeline: position.timeline,
    forgotten: position.forgotten,
  });
}

export function parsePosition(text: Position): SnapshotPosition {
  const value = JSON.parse(text) as Written;
  return { ...value, xmax: BigInt(value.xmax), running: value.running.map(BigInt) };
}

/** What a position's `forgotten` is when `state.pruned_to` says this. */
export function forgottenTo(prunedTo: Position | null): string {
  return prunedTo === null ? '0' : String(parsePosition(prunedTo).xmax);
}

/** Whether every transaction that `position` sees as ended is ended for `watermark` too. */
export function includes(watermark: SnapshotPosition, position: SnapshotPosition): boolean {
  return (
    watermark.system === position.system &&
    watermark.timeline === position.timeline &&
    watermark.xmax >= position.xmax &&
    watermark.running.every((xid) => xid >= position.xmax || position.running.includes(xid))
  );
}

/** The condition on `xid` of changes that `position` does not include, given that they are visible now. */
export function changedSince(position: SnapshotPosition): string {
  const running = position.running.map((xid) => `'${xid}'::xid8`);
  return `(xid >= '${position.xmax}'::xid8${running.length === 0 ? '' : ` OR xid IN (${running.join(', ')})`})`;
}
