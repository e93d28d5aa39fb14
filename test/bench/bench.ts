import { catchSignals } from '../../server/catch-signals.ts';
import { openHome } from './databases.ts';
import type { Home } from './databases.ts';
import { loadNow, machineOf } from './machine.ts';
import type { Machine } from './machine.ts';

/** What a bench has to work with. */
export interface Bench {
  readonly home: Home;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Says on a terminal what is going on; nothing elsewhere. */
  readonly say: (text: string) => void;
  /** The machine, with its load since the bench began. */
  readonly machine: () => Promise<Machine>;
}

/**
 * Runs `work` with a server, which is given back whatever happens, as is everything that was made on it. PostgreSQL is
 * that of DATABASE_URL, or else an embedded one.
 *
 * @returns what `work` gave, or `undefined` when a signal ended it; the exit status is set then.
 */
export async function runBench<T>(work: (bench: Bench) => Promise<T>): Promise<T | undefined> {
  const signals = catchSignals();
  const loadAtStart = loadNow();
  try {
    const home = await openHome(process.env['DATABASE_URL'] || undefined);
    try {
      return await work({
        home,
        signal: signals.signal,
        say,
        machine: async () => machineOf({ facts: await home.facts(), loadAtStart }),
      });
    } finally {
      say('');
      await home.remove();
    }
  } catch (error) {
    if (!signals.signal.aborted) throw error;
    process.exitCode = signals.exitStatus();
    return undefined;
  } finally {
    signals.release();
  }
}

function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
