import { LEDGER_ROWS, LEDGER_TABLES } from '../../migrations/ledger/seed.ts';
import type { LedgerTable } from '../../migrations/ledger/seed.ts';

/** How many rows each table of the ledger begins with; their ids count from 1. */
export type LedgerRows = Readonly<Record<LedgerTable, number>>;

/** The share of the full ledger that a run works with. */
export const LEDGER_SCALE = { full: 1, quick: 0.02 } as const;

/** What the ledger holds that was seeded at this scale. */
export function ledgerRows(scale: number): LedgerRows {
  const rows = LEDGER_TABLES.map((table) => [table, Math.max(4, Math.round(LEDGER_ROWS[table] * scale))]);
  return Object.fromEntries(rows) as LedgerRows;
}
