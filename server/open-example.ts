import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Crossfade } from '../adapter/crossfade.ts';
import { CrossfadeError } from '../adapter/errors.ts';
import { createApp } from './app.ts';
import type { ComparisonSchedule } from './comparison-schedule.ts';

/** The example API, listening. */
export interface Example {
  /** Without a slash at the end: `http://localhost:3000`. */
  readonly url: string;
  /** Lets the requests under way be answered, for at most a few seconds, and stops listening. */
  close(): Promise<void>;
}

/** How long requests under way may go on when the server closes, in ms. */
const DRAIN_MS = 3_000;

/**
 * Starts the example API.
 *
 * @throws CrossfadeError `CONFIG_INVALID` when the port cannot be had.
 */
export async function openExample(
  crossfade: Crossfade,
  options: { port: number; log: (message: string) => void; comparisons?: ComparisonSchedule },
): Promise<Example> {
  const { port: wanted, ...forApp } = options;
  const server = createServer(createApp(crossfade, forApp));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(wanted, error)));
    server.listen(wanted, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(cut);
    },
  };
}

function cannotListen(port: number, error: NodeJS.ErrnoException): CrossfadeError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process has it',
    EACCES: 'this account may not use it',
  };
  return new CrossfadeError(
    'CONFIG_INVALID',
    `port ${port} cannot be used: ${reasons[error.code ?? ''] ?? error.message}`,
    {
      hint: `choose another one: PORT=${port < 65_535 ? port + 1 : 3000} npm start`,
      cause: error,
    },
  );
}
