import type { Action, Model } from './explore.ts';

/*
 * PostgreSQL as the primary: what a watermark must be, and when it may be committed.
 *
 * Modelled: transactions that get their number and their changelog entry's in one order and commit in another, or roll
 * back; a WAL of which a crash loses what is not flushed, transaction numbers with it, which are then given out again;
 * one Mirror that reads a snapshot and applies it later; pruning.
 *
 * Left out: everything about the secondary (`steps.ts`), savepoints and prepared transactions, another history
 * (failover, restore: the identifiers of R12 and not the order of anything tell that).
 *
 * Bounds: two keys, as many transactions and crashes as asked for.
 */

/** What the implementation keeps to. Each may be taken out, to see what it is there for. */
export const WATERMARK_RULES = {
  /** R10: the watermark is a snapshot, and not the highest number of a changelog entry. */
  watermarkIsSnapshot: true,
  /** R11: what the snapshot shows is flushed before the watermark commits. */
  flushedFirst: true,
  /** R14: only what the watermark sees is forgotten, and not everything below its end. */
  pruneWhatIsSeen: true,
} as const satisfies Record<string, boolean>;

export type WatermarkRules = { readonly [Rule in keyof typeof WATERMARK_RULES]: boolean };

export interface WatermarkBounds {
  readonly transactions: number;
  readonly crashes: number;
  /** Whether a commit is flushed before it is acknowledged. */
  readonly isCommitSynchronous: boolean;
  readonly rules?: Partial<WatermarkRules>;
}

type Rows = readonly [number, number];

/** Which transactions are over: those below `end` that were not running. */
interface Snapshot {
  readonly end: number;
  readonly running: readonly number[];
  /** The highest entry of the changelog, for those who go by that. */
  readonly entry: number;
}

interface Transaction {
  readonly xid: number;
  readonly entry: number;
  readonly key: number;
  readonly value: number;
}

interface Ended extends Transaction {
  readonly isCommitted: boolean;
}

interface Reading {
  readonly snapshot: Snapshot;
  readonly rows: readonly [number | null, number | null];
  /** So much of the WAL must be flushed before it may be applied. */
  readonly wal: number;
}

export interface WatermarkState {
  readonly begun: number;
  readonly nextXid: number;
  readonly open: readonly Transaction[];
  /** How transactions ended, in that order. */
  readonly wal: readonly Ended[];
  readonly flushed: number;
  /** The values of the entries that were forgotten: each belongs to one transaction for good. */
  readonly pruned: readonly number[];
  readonly crashes: number;
  readonly secondary: Rows;
  readonly watermark: Snapshot;
  readonly reading: Reading | null;
}

const KEYS = [0, 1] as const;

export function watermarkModel(bounds: WatermarkBounds): Model<WatermarkState> {
  const rules: WatermarkRules = { ...WATERMARK_RULES, ...bounds.rules };
  const most = Array.from({ length: bounds.transactions }, (_, index) => index);
  const isNew = (of: Transaction, watermark: Snapshot): boolean =>
    rules.watermarkIsSnapshot ? !isSeen(of.xid, watermark) : of.entry > watermark.entry;
  return {
    initial: {
      begun: 0,
      nextXid: 1,
      open: [],
      wal: [],
      flushed: 0,
      pruned: [],
      crashes: 0,
      secondary: [0, 0],
      watermark: { end: 1, running: [], entry: 0 },
      reading: null,
    },
    actions: [
      ...KEYS.map((key) => begins(key, bounds)),
      ...most.flatMap((index) => [
        ends(index, { isCommitted: true, bounds }),
        ends(index, { isCommitted: false, bounds }),
      ]),
      flushes,
      crashes(bounds),
      reads(isNew),
      {
        name: 'the Mirror applies what it has read',
        next: (state) => {
          const { reading } = state;
          if (reading === null || (rules.flushedFirst && state.flushed < reading.wal)) return null;
          const [a, b] = state.secondary;
          const secondary: Rows = [reading.rows[0] ?? a, reading.rows[1] ?? b];
          return { ...state, secondary, watermark: reading.snapshot, reading: null };
        },
      },
      {
        name: 'what the watermark includes is forgotten',
        next: (state) => {
          const { watermark } = state;
          const isDone = ({ xid }: Ended): boolean =>
            rules.pruneWhatIsSeen ? isSeen(xid, watermark) : xid < watermark.end;
          const gone = changes(state).filter(isDone);
          if (gone.length === 0 || state.reading !== null || bounds.crashes > 0) return null;
          return { ...state, pruned: [...state.pruned, ...gone.map(({ value }) => value)].sort((a, b) => a - b) };
        },
      },
    ],
    invariants: {
      'no committed change is passed over': (state) => {
        if (state.open.length > 0 || state.reading !== null || state.flushed < state.wal.length) return true;
        const waiting = changes(state).filter((change) => isNew(change, state.watermark));
        const now = rowsNow(state);
        return KEYS.every((key) => state.secondary[key] === now[key] || waiting.some((change) => change.key === key));
      },
    },
    encode: JSON.stringify,
  };
}

/** Whether a snapshot shows a transaction as over. */
function isSeen(xid: number, { end, running }: Snapshot): boolean {
  return xid < end && !running.includes(xid);
}

/** What the changelog shows to a snapshot that is taken now. */
function changes({ wal, pruned }: WatermarkState): readonly Ended[] {
  return wal.filter(({ isCommitted, value }) => isCommitted && !pruned.includes(value));
}

function rowsNow({ wal }: WatermarkState): Rows {
  const lastOf = (key: number): number => wal.findLast((end) => end.isCommitted && end.key === key)?.value ?? 0;
  return [lastOf(0), lastOf(1)];
}

function begins(key: number, { transactions }: WatermarkBounds): Action<WatermarkState> {
  return {
    name: `a transaction begins and changes row ${key}`,
    next: (state) => {
      if (state.begun >= transactions) return null;
      const begun = state.begun + 1;
      // Entries are numbered by a sequence, which a crash does not take back.
      const transaction = { xid: state.nextXid, entry: begun, key, value: begun };
      return { ...state, begun, nextXid: state.nextXid + 1, open: [...state.open, transaction] };
    },
  };
}

function ends(
  index: number,
  { isCommitted, bounds }: { isCommitted: boolean; bounds: WatermarkBounds },
): Action<WatermarkState> {
  return {
    name: `of those open, transaction ${index + 1} ${isCommitted ? 'commits' : 'rolls back'}`,
    next: (state) => {
      const transaction = state.open[index];
      if (transaction === undefined) return null;
      // Who changes a row that another has changed waits for that one to end.
      if (state.open.slice(0, index).some(({ key }) => key === transaction.key)) return null;
      const wal = [...state.wal, { ...transaction, isCommitted }];
      const flushed = isCommitted && bounds.isCommitSynchronous ? wal.length : state.flushed;
      return { ...state, open: state.open.filter((other) => other !== transaction), wal, flushed };
    },
  };
}

const flushes: Action<WatermarkState> = {
  name: 'the WAL is flushed',
  next: (state) => (state.flushed === state.wal.length ? null : { ...state, flushed: state.wal.length }),
};

function crashes(bounds: WatermarkBounds): Action<WatermarkState> {
  return {
    name: 'PostgreSQL crashes and comes back',
    next: (state) => {
      if (state.crashes >= bounds.crashes) return null;
      const wal = state.wal.slice(0, state.flushed);
      const nextXid = 1 + Math.max(0, ...wal.map(({ xid }) => xid));
      return { ...state, crashes: state.crashes + 1, open: [], wal, nextXid, reading: null };
    },
  };
}

function reads(isNew: (of: Transaction, watermark: Snapshot) => boolean): Action<WatermarkState> {
  return {
    name: 'the Mirror reads a snapshot',
    next: (state) => {
      if (state.reading !== null) return null;
      const last = Math.max(0, ...state.wal.map(({ xid }) => xid));
      const found = changes(state).filter((change) => isNew(change, state.watermark));
      const snapshot = {
        end: last + 1,
        running: state.open.map(({ xid }) => xid).filter((xid) => xid <= last),
        entry: Math.max(state.watermark.entry, ...found.map(({ entry }) => entry)),
      };
      if (found.length === 0 && JSON.stringify(snapshot) === JSON.stringify(state.watermark)) return null;
      const now = rowsNow(state);
      const rowOf = (key: 0 | 1): number | null => (found.some((change) => change.key === key) ? now[key] : null);
      return { ...state, reading: { snapshot, rows: [rowOf(0), rowOf(1)], wal: state.wal.length } };
    },
  };
}
