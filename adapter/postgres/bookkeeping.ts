import type pg from 'pg';
import { CrossfadeError } from '../errors.ts';
import { parseStage } from '../stage.ts';
import type { Intent, Role, StoreState } from '../store.ts';
import { BOOKKEEPING_VERSION } from './sql.ts';

/** The state row as PostgreSQL writes it. */
export interface StateRow {
  readonly version: string;
  readonly role: Role;
  readonly epoch: string;
  readonly stage: string;
  readonly intent: Intent | null;
  readonly attempt: string;
  readonly lifted: string;
  readonly final_position: string | null;
  readonly is_expired: string | null;
  readonly is_for_good: string | null;
  readonly capture_id: string | null;
  readonly step: string;
  readonly watermark: string | null;
  readonly watermark_capture_id: string | null;
  readonly handover: string | null;
  readonly reconciling?: string;
}

export const STATE_SQL = `SELECT *, attempt_expires < clock_timestamp() AS is_expired,
  attempt_expires = 'infinity' AS is_for_good FROM crossfade.state`;

/** The state row, locked until the transaction ends. */
export async function lockState(client: pg.ClientBase): Promise<StateRow> {
  const { rows } = await client.query<StateRow>(`${STATE_SQL} FOR UPDATE`);
  return only(rows);
}

export async function noteHistory(
  client: pg.ClientBase,
  change: { from: string; to: string; epoch: number; note: string },
): Promise<void> {
  await client.query('INSERT INTO crossfade.history (epoch, from_stage, to_stage, note) VALUES ($1, $2, $3, $4)', [
    change.epoch,
    change.from,
    change.to,
    change.note,
  ]);
}

/** @throws CrossfadeError `VERSION_UNKNOWN`. */
export function toState(row: StateRow): StoreState {
  if (Number(row.version) > BOOKKEEPING_VERSION) {
    throw new CrossfadeError(
      'VERSION_UNKNOWN',
      `the PostgreSQL database carries Crossfade's bookkeeping of version ${row.version}; this release knows version ${BOOKKEEPING_VERSION}`,
      { hint: 'run the same release of knex-crossfade in every process, the newest one' },
    );
  }
  return {
    role: row.role,
    epoch: Number(row.epoch),
    stage: parseStage(row.stage),
    intent: row.intent,
    attempt: Number(row.attempt),
    finalPosition: row.final_position,
    attemptExpired: row.intent === 'fenced' && row.is_expired === 't',
    isFencedForGood: row.intent === 'fenced' && row.is_for_good === 't',
    captureId: row.capture_id,
    step: Number(row.step),
    watermark: row.watermark,
    watermarkCaptureId: row.watermark_capture_id,
    handover: row.handover,
    isReconciling: row.reconciling === 't',
  };
}

/** The row of a query that always answers with one. */
export function only<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new RangeError('a query that always answers with a row gave none');
  return row;
}
