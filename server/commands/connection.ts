import type { Command } from 'commander';
import type { Config, CrossfadeOptions } from '../../adapter/config.ts';
import type { Crossfade } from '../../adapter/index.ts';
import { EXIT } from './exit-status.ts';
import type { ExitStatus } from './exit-status.ts';
import { Terminal } from './terminal.ts';

/** The flags that every command has. */
export interface ConnectionFlags {
  readonly sqlite?: string;
  readonly postgres?: string;
  readonly json?: true;
}

/** Adds the flags that every command has. */
export function withConnectionFlags(command: Command): Command {
  return command
    .option('--sqlite <file>', 'the SQLite file of the API (default: the variable SQLITE_PATH)')
    .option('--postgres <url>', 'postgresql://user:password@host:port/name (default: the variable DATABASE_URL)')
    .option('--json', 'write the result as one line of JSON on stdout');
}

/** What a command works with. */
export interface Session {
  readonly crossfade: Crossfade;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

export interface SessionSettings {
  readonly flags: ConnectionFlags;
  /** Whether this process may, must or must not run the Mirror meanwhile. */
  readonly mirror: 'auto' | 'required' | 'off';
  /** Whether the command goes on when PostgreSQL does not answer. @default false */
  readonly worksWithoutPostgres?: boolean;
  /** What else the command asks of Crossfade. */
  readonly options?: Pick<CrossfadeOptions, 'backfillShare'>;
}

/** How long closing may take before the process ends anyway, in ms. */
const CLOSE_LIMIT_MS = 5_000;

/**
 * Runs a command on both databases: connects, runs, reports what was thrown, closes, sets the exit status.
 * Never rejects.
 */
export async function runOn(
  settings: SessionSettings,
  command: (session: Session) => Promise<ExitStatus>,
): Promise<void> {
  const terminal = new Terminal({ isJson: settings.flags.json ?? false });
  await runGuarded(terminal, async (signal, closeLater) => {
    // A flag in the environment is for the API; no command moves the stage but `stage`.
    delete process.env['CROSSFADE_STAGE'];
    const options = {
      ...settings.options,
      ...(settings.flags.sqlite === undefined ? {} : { sqlite: settings.flags.sqlite }),
      ...(settings.flags.postgres === undefined ? {} : { postgres: settings.flags.postgres }),
      mirror: settings.mirror,
      processName: 'crossfade command',
      logger: terminal.logger,
    };
    // Loaded here, so that --help and a mistake in the call cost no database drivers.
    const { readConfig } = await import('../../adapter/config.ts');
    const config = readConfig(options);
    const [{ Crossfade }] = await Promise.all([
      import('../../adapter/index.ts'),
      settings.worksWithoutPostgres === true ? null : reachPostgres(config),
    ]);
    const crossfade = await Crossfade.open(config, { runsQueries: false });
    closeLater(() => crossfade.close());
    return await command({ crossfade, terminal, signal });
  });
}

/** An API starts while PostgreSQL is away; a command says at once that it is. */
async function reachPostgres(config: Config): Promise<void> {
  const { PostgresStore } = await import('../../adapter/postgres/store.ts');
  const store = PostgresStore.open(config.postgres, config);
  try {
    await store.ping();
  } finally {
    await store.close();
  }
}

/**
 * Runs `work` so that whatever happens ends in an exit status: what it throws is reported, signals end it early, and
 * everything it wants closed is closed.
 */
export async function runGuarded(
  terminal: Terminal,
  work: (signal: AbortSignal, closeLater: (close: () => Promise<void>) => void) => Promise<ExitStatus>,
  { closeLimitMs = CLOSE_LIMIT_MS }: { readonly closeLimitMs?: number } = {},
): Promise<void> {
  const closers: (() => Promise<void>)[] = [];
  const signals = catchSignals();
  let status: ExitStatus;
  try {
    status = await Promise.race([work(signals.signal, (close) => closers.push(close)), signals.ended]);
  } catch (error) {
    if (!signals.signal.aborted) terminal.error(error);
    status = signals.signal.aborted ? await signals.ended : EXIT.error;
  }
  process.exitCode = status;
  // What is still open after this (a connection attempt that cannot be called off) must not keep the process alive.
  setTimeout(() => process.exit(), closeLimitMs).unref();
  try {
    for (const close of closers.reverse()) await close();
  } catch (error) {
    if (status === EXIT.done || status === EXIT.no) {
      terminal.error(error);
      process.exitCode = EXIT.error;
    }
  }
  signals.release();
}

/** Turns the first Ctrl-C or SIGTERM into an aborted signal; the second one ends the process at once. */
function catchSignals(): { signal: AbortSignal; ended: Promise<ExitStatus>; release: () => void } {
  const controller = new AbortController();
  let end: (status: ExitStatus) => void = () => {};
  const ended = new Promise<ExitStatus>((resolve) => {
    end = resolve;
  });
  const stop = (status: ExitStatus) => () => {
    if (controller.signal.aborted) process.exit(status);
    controller.abort();
    end(status);
  };
  const onInterrupt = stop(EXIT.interrupted);
  const onTerminate = stop(EXIT.terminated);
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return {
    signal: controller.signal,
    ended,
    release: () => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}
