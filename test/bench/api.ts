import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ApiOrder, ApiReport } from './api-process.ts';
import type { Databases } from './databases.ts';
import type { LoopDelays } from './loop-delays.ts';

/** The example API, serving in a process of its own. */
export interface Api {
  readonly url: string;
  readonly resetDelays: () => void;
  /** How late its event loop was since the last reset. */
  readonly delays: () => Promise<LoopDelays>;
  /** Has it do something beside serving. @throws what went wrong there. */
  readonly work: (order: 'backfill' | 'compare') => Promise<void>;
  /** Ends it at once, whatever it is doing. */
  readonly end: () => Promise<void>;
}

const ENTRY = fileURLToPath(new URL('./api-process.js', import.meta.url));

/** Starts the API. BENCH_NODE_OPTIONS goes to Node, for profiles. @throws when it ends before it listens. */
export async function startApi(databases: Databases): Promise<Api> {
  const child = fork(ENTRY, [JSON.stringify(databases)], {
    execArgv: (process.env['BENCH_NODE_OPTIONS'] ?? '').split(' ').filter((option) => option !== ''),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-5_000)));
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      hasEnded = true;
      resolve();
    });
  });
  const answer = async <T extends ApiReport['type']>(
    types: readonly T[],
    order?: ApiOrder,
  ): Promise<Extract<ApiReport, { type: T }>> => {
    const given = new Promise<Extract<ApiReport, { type: T }>>((resolve) => {
      const listen = (report: ApiReport): void => {
        if (!isOneOf(report, types)) return;
        child.off('message', listen);
        resolve(report);
      };
      child.on('message', listen);
    });
    if (order !== undefined) child.send(order);
    const gone = ended.then(() => {
      throw new Error(`the API's process has ended:\n${said}`);
    });
    return await Promise.race([given, gone]);
  };
  const { url } = await answer(['listening']);
  return {
    url,
    resetDelays: () => child.send('reset delays' satisfies ApiOrder),
    delays: () => answer(['delays'], 'tell delays'),
    work: async (order) => {
      const report = await answer(['done', 'failed'], order);
      if (report.type === 'failed') throw new Error(`the API's ${order} failed: ${report.reason}`);
    },
    end: async () => {
      if (!hasEnded) child.kill('SIGKILL');
      await ended;
    },
  };
}

function isOneOf<T extends ApiReport['type']>(
  report: ApiReport,
  types: readonly T[],
): report is Extract<ApiReport, { type: T }> {
  return types.some((type) => type === report.type);
}
