/**
 * `npm run postgres:start` and `npm run postgres:stop`: a PostgreSQL for development, in the background, whose data
 * stays in `.crossfade/postgres-dev`. Standard output holds `DATABASE_URL=…` and nothing else.
 */
import { fileURLToPath } from 'node:url';
import { isCrossfadeError, messageOf } from '../../adapter/errors.ts';
import { startEmbeddedPostgres, stopEmbeddedPostgres } from '../embedded-postgres.ts';

const folder = fileURLToPath(new URL('../../../.crossfade/postgres-dev', import.meta.url));

try {
  await run(process.argv[2]);
} catch (error) {
  console.error(`crossfade: ${messageOf(error)}`);
  if (isCrossfadeError(error)) console.error(error.hint);
  process.exitCode = 2;
}

async function run(command: string | undefined): Promise<void> {
  switch (command) {
    case 'start': {
      const { url, home, wasRunning } = await startEmbeddedPostgres({ folder, background: true });
      console.error(`PostgreSQL ${wasRunning ? 'already runs' : 'runs'}, with its data in ${home}`);
      console.log(`DATABASE_URL=${url}`);
      return;
    }
    case 'stop': {
      const wasRunning = await stopEmbeddedPostgres(folder);
      console.error(wasRunning ? 'PostgreSQL has stopped; its data stays' : 'No development PostgreSQL was running');
      return;
    }
    default:
      console.error('usage: development-postgres start | stop');
      process.exitCode = 2;
  }
}
