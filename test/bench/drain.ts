import Database from 'better-sqlite3';
import pg from 'pg';
import { createCrossfade } from '../../adapter/index.ts';
import type { Home } from './databases.ts';
import { accountRow } from './databases.ts';
import { intoStage } from './into-stage.ts';

/** How fast a backlog was mirrored in one step, and what that took of the process. */
export interface Drained {
  readonly kind: 'insert' | 'update';
  readonly changes: number;
  readonly seconds: number;
  readonly changesPerSecond: number;
  /** By how much the process had grown at its largest. */
  readonly memoryMb: number;
  /** The longest time for which the event loop was held. */
  readonly longestBlockMs: number;
}

const LOOK_EVERY_MS = 5;
const WRITE_AT_ONCE = 10_000;

/** Lets changes pile up in SQLite while nobody mirrors, and measures how the Mirror catches up, in one step each. */
export async function drain(
  home: Home,
  { changes, signal }: { changes: number; signal: AbortSignal },
): Promise<readonly Drained[]> {
  const databases = await home.make('drain');
  const first = await createCrossfade({ ...databases, processName: 'bench' });
  try {
    await first.backfill({ restart: true, signal });
    await intoStage(first, 'dual', signal);
  } finally {
    await first.close();
  }
  const drained: Drained[] = [];
  for (const kind of ['insert', 'update'] as const) {
    signal.throwIfAborted();
    pileUp(databases.sqlite, kind, changes);
    drained.push(await catchUp(databases, { kind, changes }));
  }
  return drained;
}

function pileUp(path: string, kind: Drained['kind'], changes: number): void {
  const file = new Database(path);
  const row = accountRow('', 0);
  const columns = Object.keys(row);
  const insert = file.prepare(
    `INSERT INTO accounts (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  const update = file.prepare('UPDATE accounts SET balance = balance + 1 WHERE id = ?');
  const write = (number: number): void => {
    if (kind === 'update') update.run(number);
    else insert.run(...Object.values({ ...row, email: `drain-${number}@example.org`, is_active: 1 }));
  };
  for (let from = 1; from <= changes; from += WRITE_AT_ONCE) {
    const to = Math.min(changes, from + WRITE_AT_ONCE - 1);
    file.transaction(() => {
      for (let number = from; number <= to; number += 1) write(number);
    })();
  }
  file.close();
}

async function catchUp(
  databases: { readonly sqlite: string; readonly postgres: string },
  { kind, changes }: Pick<Drained, 'kind' | 'changes'>,
): Promise<Drained> {
  let longestBlockMs = 0;
  let largest = process.memoryUsage().rss;
  const before = largest;
  let last = performance.now();
  const looking = setInterval(() => {
    const now = performance.now();
    longestBlockMs = Math.max(longestBlockMs, now - last - LOOK_EVERY_MS);
    last = now;
    largest = Math.max(largest, process.memoryUsage().rss);
  }, LOOK_EVERY_MS);
  const crossfade = await createCrossfade({ ...databases, processName: 'bench' });
  try {
    const startedAt = performance.now();
    await crossfade.mirror.caughtUp({ timeoutMs: 600_000 });
    const seconds = (performance.now() - startedAt) / 1000;
    await assertEqualSums(databases);
    const memoryMb = (largest - before) / 2 ** 20;
    return { kind, changes, seconds, changesPerSecond: changes / seconds, memoryMb, longestBlockMs };
  } finally {
    clearInterval(looking);
    await crossfade.close();
  }
}

/** A figure for work that was not done would be worth nothing. */
async function assertEqualSums({ sqlite, postgres }: { sqlite: string; postgres: string }): Promise<void> {
  const sql = 'SELECT count(*) AS n, sum(balance) AS total FROM accounts';
  const file = new Database(sqlite, { readonly: true });
  const client = new pg.Client({ connectionString: postgres });
  await client.connect();
  try {
    const a = file.prepare(sql).get() as { n: number; total: number };
    const b = (await client.query<{ n: string; total: string }>(sql)).rows[0];
    if (a.n !== Number(b?.n) || a.total !== Number(b?.total)) throw new Error('the databases differ after the drain');
  } finally {
    file.close();
    await client.end();
  }
}
