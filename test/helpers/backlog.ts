import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Pair } from './pair.ts';
import { goTo } from './pair.ts';

/** What a process says that has caught up. Memory in MB. */
export interface BacklogReport {
  readonly seconds: number;
  readonly steps: number;
  readonly before: number;
  readonly most: number;
}

/** Lets this many changes pile up in the primary while nobody mirrors, then has a new process catch up. */
export async function catchUp(
  t: Pick<ExecutionContext, 'teardown'>,
  pair: Pair,
  { stage, changes }: { readonly stage: 'dual' | 'write'; readonly changes: number },
): Promise<BacklogReport> {
  const first = await pair.open();
  await goTo(first, stage);
  await first.close();
  if (stage === 'dual') {
    pair.sqlite.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${changes})
       INSERT INTO settings (name, value) SELECT 'row ' || i, 'value ' || i FROM n`,
    );
  } else {
    await pair.postgres.query(
      `INSERT INTO settings (name, value) SELECT 'row ' || i, 'value ' || i FROM generate_series(1, ${changes}) i`,
    );
  }
  return await reportOf(t, pair);
}

async function reportOf(t: Pick<ExecutionContext, 'teardown'>, { path, url }: Pair): Promise<BacklogReport> {
  const child = fork(fileURLToPath(new URL('./backlog-process.js', import.meta.url)), [path, url]);
  t.teardown(() => child.kill('SIGKILL'));
  return await new Promise((resolve, reject) => {
    let report: BacklogReport | undefined;
    child.once('message', (message: BacklogReport) => (report = message));
    child.once('exit', (code) => {
      if (report === undefined) reject(new Error(`the process that was to catch up ended with ${code}`));
      else resolve(report);
    });
  });
}
