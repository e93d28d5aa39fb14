import { postgresUrl } from '../config.ts';
import type { Config } from '../config.ts';
import { CrossfadeError } from '../errors.ts';
import type { Store } from '../store.ts';
import { PostgresStore } from './store.ts';

/**
 * Opens a hot standby of a PostgreSQL database, for reading what that one holds. To be closed.
 *
 * A standby shows a past state of its primary server, and Crossfade's watermark of that state with it: so it can be
 * compared like the database itself, as long as that is the secondary (PROTOCOL.md R13).
 *
 * @throws CrossfadeError `CONFIG_INVALID` when there is no standby at that address, or one of another server;
 * `POSTGRES_UNREACHABLE`, `POSTGRES_REFUSED`, `NOT_INSTALLED`.
 */
export async function openStandby(
  url: string,
  { of: primary, answerLimitMs }: { readonly of: PostgresStore } & Pick<Config, 'answerLimitMs'>,
): Promise<Store> {
  const standby = PostgresStore.open(postgresUrl(url), { answerLimitMs });
  try {
    const [here, there] = [await standby.server(), await primary.server()];
    if (!here.isStandby) {
      throw new CrossfadeError(
        'CONFIG_INVALID',
        'the PostgreSQL server to compare with is not a standby: it takes writes',
        {
          hint: 'give the address of a hot standby, or none',
        },
      );
    }
    if (here.system !== there.system || here.database !== there.database) {
      const what = here.system === there.system ? 'another database' : 'another server';
      throw new CrossfadeError('CONFIG_INVALID', `the standby to compare with is one of ${what}`, {
        hint: 'give the address of a standby that follows the PostgreSQL database in use, with the same database name',
      });
    }
    if ((await standby.state()) === undefined) {
      throw new CrossfadeError('NOT_INSTALLED', 'the standby does not hold the bookkeeping of Crossfade yet', {
        hint: 'wait until it has replayed what the primary server holds',
      });
    }
    return standby;
  } catch (error) {
    await standby.close();
    throw error;
  }
}
