import { encodeKey } from '../spec.ts';
import type { Key, TableSpec } from '../spec.ts';
import type { EncodedPiece } from '../store.ts';
import { sqlState } from './connection.ts';
import { columnList } from './rows.ts';
import type { Queryable } from './rows.ts';
import type { Session } from './session.ts';
import { quote } from './sql.ts';

/** A row that PostgreSQL cannot hold, and why. */
export interface RefusedRow {
  readonly key: Key;
  readonly reason: string;
}

/**
 * Copies a piece of a backfill into a table that holds none of its rows. Resolves to how many went in, and those that the
 * codec refused.
 *
 * @throws what PostgreSQL says when it refuses one of the rows: then none went in.
 */
export async function copyPiece(
  session: Session,
  piece: EncodedPiece,
): Promise<{ rows: number; refused: readonly RefusedRow[] }> {
  const refused: RefusedRow[] = [];
  let rows = 0;
  async function* bytes(): AsyncIterable<Uint8Array> {
    for await (const chunk of piece.encoded()) {
      rows += chunk.rows;
      refused.push(...chunk.refused);
      yield chunk.bytes;
    }
  }
  await session.copy(copySql(piece.table), bytes());
  return { rows, refused };
}

/** Puts rows of a table into quarantine. */
export async function quarantineRows(client: Queryable, table: TableSpec, rows: readonly RefusedRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    text: `INSERT INTO crossfade.quarantine (tbl, key, reason)
      SELECT $1, refused.* FROM unnest($2::text[], $3::text[]) AS refused
      ON CONFLICT (tbl, key) DO UPDATE SET reason = EXCLUDED.reason`,
    values: [table.name, rows.map(({ key }) => encodeKey(key)), rows.map(({ reason }) => reason)],
  });
}

/** Whether COPY cannot be had for a table at all: row-level security is in its way. Statements may be let through. */
export function isCopyUnsupported(error: unknown): boolean {
  return sqlState(error) === '0A000';
}

/** Columns of identity take the values that they are given, as with `OVERRIDING SYSTEM VALUE`. */
function copySql(table: TableSpec): string {
  return `COPY ${quote(table.name)} (${columnList(table)}) FROM STDIN (FORMAT binary)`;
}
