import Database from 'better-sqlite3';
import { Client } from 'pg';
import type { StoreName } from '../../adapter/spec.ts';
import type { Entry, Journal } from './journal.ts';

/** A row that is not as it was last acknowledged. Names the row, not its values. */
export interface LostWrite {
  readonly store: StoreName;
  readonly table: string;
  readonly key: number | string;
  readonly found: 'missing' | 'not deleted' | 'other values';
}

type FoundRow = Readonly<Record<string, unknown>>;

/**
 * Looks up every row of the journal in both databases, over connections of its own that know nothing of Crossfade, and
 * returns those that are not as they were last acknowledged.
 */
export async function checkJournal(
  journal: Journal,
  databases: { sqlite: string; postgres: string },
): Promise<readonly LostWrite[]> {
  const lost: LostWrite[] = [];
  const sqlite = new Database(databases.sqlite, { readonly: true });
  const postgres = new Client({ connectionString: databases.postgres });
  await postgres.connect();
  try {
    for (const [table, entries] of journal.byTable()) {
      const keyColumn = entries[0]?.keyColumn ?? 'id';
      const find = sqlite.prepare<[number | string], FoundRow>(`select * from "${table}" where "${keyColumn}" = ?`);
      const inPostgres = await rowsOf(postgres, table, keyColumn, entries);
      for (const entry of entries) {
        judge(lost, 'sqlite', entry, find.get(entry.key));
        judge(lost, 'postgres', entry, inPostgres.get(String(entry.key)));
      }
    }
    return lost;
  } finally {
    sqlite.close();
    await postgres.end();
  }
}

async function rowsOf(
  client: Client,
  table: string,
  keyColumn: string,
  entries: readonly Entry[],
): Promise<Map<string, FoundRow>> {
  const type = typeof entries[0]?.key === 'number' ? 'bigint' : 'text';
  const { rows } = await client.query<FoundRow>(`select * from "${table}" where "${keyColumn}" = any ($1::${type}[])`, [
    entries.map((entry) => entry.key),
  ]);
  return new Map(rows.map((row) => [String(row[keyColumn]), row]));
}

function judge(lost: LostWrite[], store: StoreName, { table, key, expected }: Entry, row: FoundRow | undefined): void {
  if (expected === null) {
    if (row !== undefined) lost.push({ store, table, key, found: 'not deleted' });
    return;
  }
  if (row === undefined) {
    lost.push({ store, table, key, found: 'missing' });
    return;
  }
  const isEqual = Object.entries(expected).every(([column, value]) => plain(row[column]) === plain(value));
  if (!isEqual) lost.push({ store, table, key, found: 'other values' });
}

/** A value in a form that is the same from both drivers: pg gives `true` for 1, and a bigint as text. */
function plain(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
