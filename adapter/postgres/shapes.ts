import type pg from 'pg';
import { KEPT_SHAPES } from '../shadow/shape-sink.ts';
import type { ShapeSink } from '../shadow/shape-sink.ts';
import { mergeTallies } from '../shadow/shape-tally.ts';
import type { ShapeTally } from '../shadow/shape-tally.ts';
import { sqlState } from './connection.ts';

type Transaction = <T>(work: (client: pg.ClientBase) => Promise<T>) => Promise<T>;

interface ShapeRow {
  readonly tally: string;
}

/** The tallies of query shapes, in the schema `crossfade`. */
export class ShapeTable implements ShapeSink {
  readonly #transaction: Transaction;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  async add(tallies: readonly ShapeTally[]): Promise<void> {
    await this.#transaction(async (client) => {
      // One process after the other: each adds to what the one before has left.
      await client.query('LOCK TABLE crossfade.shapes IN SHARE ROW EXCLUSIVE MODE');
      const ids = tallies.map(({ id }) => id);
      const { rows } = await client.query<ShapeRow>('SELECT tally FROM crossfade.shapes WHERE id = ANY ($1)', [ids]);
      const known = new Map(rows.map((row) => read(row)).map((tally) => [tally.id, tally]));
      const merged = tallies.map((tally) => {
        const before = known.get(tally.id);
        return before === undefined ? tally : mergeTallies(before, tally);
      });
      await client.query(
        `INSERT INTO crossfade.shapes (id, last_seen, tally)
         SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[])
         ON CONFLICT (id) DO UPDATE SET last_seen = EXCLUDED.last_seen, tally = EXCLUDED.tally`,
        [ids, merged.map(({ lastSeen }) => lastSeen), merged.map((tally) => JSON.stringify(tally))],
      );
      await client.query(
        `DELETE FROM crossfade.shapes WHERE id IN (SELECT id FROM crossfade.shapes ORDER BY last_seen DESC OFFSET $1)`,
        [KEPT_SHAPES],
      );
    });
  }

  async all(): Promise<readonly ShapeTally[]> {
    try {
      return await this.#transaction(async (client) => {
        const { rows } = await client.query<ShapeRow>('SELECT tally FROM crossfade.shapes ORDER BY id COLLATE "C"');
        return rows.map(read);
      });
    } catch (error) {
      // Crossfade is not installed, or by a release that kept none.
      if (sqlState(error) === '42P01' || sqlState(error) === '3F000') return [];
      throw error;
    }
  }

  async forget(): Promise<void> {
    await this.#transaction((client) => client.query('DELETE FROM crossfade.shapes'));
  }
}

function read({ tally }: ShapeRow): ShapeTally {
  return JSON.parse(tally) as ShapeTally;
}
