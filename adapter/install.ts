import type { Config } from './config.ts';
import { CrossfadeError } from './errors.ts';
import { matchTables } from './match-tables.ts';
import type { StoreName, TableSpec } from './spec.ts';
import type { Store, StoreState } from './store.ts';

export interface InstallOptions {
  readonly stores: Readonly<Record<StoreName, Store>>;
  readonly config: Pick<Config, 'include' | 'exclude' | 'columns'>;
  /** Empties the PostgreSQL tables and begins the backfill anew. Only while nobody reads there. */
  readonly restart: boolean;
}

/**
 * Puts Crossfade's bookkeeping on both databases, the fence on PostgreSQL and capture on SQLite. Idempotent: what is
 * there already stays. Everything that can be refused is looked at before anything is changed.
 *
 * PostgreSQL comes first, so that nothing is captured for a secondary that does not exist; the watermark it starts
 * from is the changelog's position in the transaction that put the triggers on, so that nothing is missed.
 *
 * @throws CrossfadeError what {@link matchTables} throws; `TABLE_NOT_EMPTY`, `KEY_HOLDS_NULL`, `SQLITE_BUSY`, `POSTGRES_RIGHTS`,
 * `HISTORY_LOST` when PostgreSQL remembers a write switch that SQLite does not.
 */
export async function install(options: InstallOptions): Promise<readonly TableSpec[]> {
  const { sqlite, postgres } = options.stores;
  const [a, b] = [await sqlite.state(), await postgres.state()];
  assertSameHistory(a, b);
  if (a?.role === 'secondary') return sqlite.installedTables();

  const tables = matchTables({ sqlite: await sqlite.describe(), postgres: await postgres.describe() }, options.config);
  const captureId = a?.captureId ?? null;
  const follows = captureId !== null && b?.watermarkCaptureId === captureId;
  if (!follows && !options.restart) await assertEmpty(postgres, tables);

  await sqlite.prepareInstall(tables);
  await postgres.prepareInstall(tables);

  const [epoch, stage] = [a?.epoch ?? 1, a?.stage ?? 'sqlite'];
  await postgres.install({ tables, role: 'secondary', epoch, stage });
  await sqlite.install({ tables, role: 'primary', epoch, stage });
  const captured = await sqlite.state();
  if (captured === undefined || captured.captureId === null || captured.handover === null) return tables;
  if (!follows || options.restart) {
    await postgres.adopt({
      captureId: captured.captureId,
      // From a restart on, everything up to now is in the rows that the backfill is going to read.
      watermark: options.restart ? await sqlite.position() : captured.handover,
      tables,
      empties: options.restart,
    });
  }
  return tables;
}

/** PROTOCOL.md R24: a store that knows a later switch than the other tells of a restored file or a lost fence. */
function assertSameHistory(sqlite: StoreState | undefined, postgres: StoreState | undefined): void {
  if (postgres?.role !== 'primary' || (sqlite?.role === 'secondary' && sqlite.epoch <= postgres.epoch)) return;
  if (sqlite?.role === 'primary' && sqlite.epoch === postgres.epoch - 1 && sqlite.intent === 'released') return;
  throw new CrossfadeError(
    'HISTORY_LOST',
    `PostgreSQL has been the primary since write switch ${postgres.epoch}, which this SQLite file does not know`,
    { hint: 'it is another file, or an older copy was put back; find the right one, or go on with PostgreSQL' },
  );
}

async function assertEmpty(postgres: Store, tables: readonly TableSpec[]): Promise<void> {
  const filled = await postgres.tablesWithRows(tables);
  if (filled.length === 0) return;
  throw new CrossfadeError(
    'TABLE_NOT_EMPTY',
    `PostgreSQL already holds rows in: ${filled.map((name) => `"${name}"`).join(', ')}`,
    {
      hint: 'Crossfade does not know where they come from; to empty these tables and copy everything: crossfade backfill --restart; to keep them as they are, leave the tables out (option tables.exclude)',
    },
  );
}
