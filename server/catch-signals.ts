/** SIGINT and SIGTERM as an abort signal. */
export interface CaughtSignals {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The exit status that tells of the signal, as shells expect it: 130 or 143. */
  exitStatus(): number;
  /** Stops listening. */
  release(): void;
}

/** npm passes on the Ctrl-C that the terminal has sent to everybody already: this soon after it, it is the same one. */
const ECHO_MS = 500;

/** Turns the first SIGINT or SIGTERM into an aborted signal; a second one ends the process at once. */
export function catchSignals(): CaughtSignals {
  const controller = new AbortController();
  let status = 130;
  let firstAt = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      status = name === 'SIGTERM' ? 143 : 130;
      firstAt = performance.now();
      controller.abort();
    } else if (performance.now() - firstAt > ECHO_MS) {
      process.exit(status);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    exitStatus: () => status,
    release: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
