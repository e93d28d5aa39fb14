import { once } from 'node:events';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type Database from 'better-sqlite3';
import type { Knex } from 'knex';
import type { StoreName } from '../adapter/spec.ts';
import { goTo, makePair, until } from './helpers/pair.ts';

/** How many rows there are to be read. Whoever reads them all at once is found out. */
const ROWS = 30_000;
/** What may be read for a few: some batches, and the buffers of the streams. */
const FEW = 1_000;
/** Where the reading fails. */
const WALL = 5_000;

const TABLES = {
  sqlite: 'CREATE TABLE tags (name TEXT PRIMARY KEY NOT NULL);',
  postgres: `CREATE TABLE tags (name text COLLATE "C" PRIMARY KEY);
    CREATE SEQUENCE rows_read;
    CREATE FUNCTION seen(n integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM nextval('rows_read'); RETURN n; END $$;
    CREATE FUNCTION wall(n integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS
      $$ BEGIN IF n > ${WALL} THEN RAISE EXCEPTION 'the wall'; END IF; RETURN n; END $$;`,
} as const;

/** One store that answers, and how many rows it has read since the last time it was asked. */
interface Answering {
  readonly knex: Knex;
  readonly rowsRead: () => Promise<number>;
  /** Connections that are in use. */
  readonly inUse: () => number;
}

async function answering(t: ExecutionContext, store: StoreName): Promise<Answering> {
  const pair = await makePair(t, { tables: TABLES });
  let count = 0;
  const afterCreate = (connection: Database.Database, done: () => void): void => {
    connection.function('seen', (n: number) => {
      count += 1;
      return n;
    });
    connection.function('wall', (n: number) => {
      if (n > WALL) throw new Error('the wall');
      return n;
    });
    done();
  };
  const crossfade = await pair.open({ knex: { useNullAsDefault: true, pool: { afterCreate } } });
  await goTo(crossfade, store === 'sqlite' ? 'dual' : 'read');
  if (store === 'postgres') await goTo(crossfade, 'write');
  const countOnPostgres = async (): Promise<number> => {
    const { rows } = await pair.postgres.query<{ n: string }>(
      `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS n, setval('rows_read', 1, false) FROM rows_read`,
    );
    return Number(rows[0]?.n);
  };
  return {
    knex: crossfade.knex,
    rowsRead: async () => {
      if (store === 'postgres') return await countOnPostgres();
      const read = count;
      count = 0;
      return read;
    },
    inUse: () => crossfade.direct[store].client.pool.numUsed(),
  };
}

/** Many rows, each counted when it is read. */
const many = (knex: Knex, f = 'seen'): Knex.Raw =>
  knex.raw(
    `with recursive n (x) as (select 1 union all select x + 1 from n where x < ${ROWS}) select ${f}(x) as x from n`,
  );

const rowsOf = (query: Pick<Knex.Raw, 'stream'>): AsyncIterable<{ readonly x: number }> => query.stream();

/** Lets everything that can go on by itself go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
}

for (const store of ['sqlite', 'postgres'] as const) {
  test(`${store} reads no more rows than are taken, and none once the stream has been left`, async (t) => {
    const { knex, rowsRead, inUse } = await answering(t, store);
    let taken = 0;
    for await (const { x } of rowsOf(many(knex))) {
      t.is(x, (taken += 1));
      if (taken === 10) break;
    }
    await until('the connection is back', () => inUse() === 0);
    const read = await rowsRead();
    t.true(read >= 10 && read < FEW, String(read));

    const waiting: Transform = many(knex).stream();
    await once(waiting, 'readable');
    await settle();
    const ahead = await rowsRead();
    t.true(ahead > 0 && ahead < FEW, String(ahead));
    waiting.destroy();
    await until('the connection is back', () => inUse() === 0);
    await settle();
    t.true((await rowsRead()) < FEW);
  });

  test(`${store} streams all rows, and tells of an error in the midst after those before it`, async (t) => {
    const { knex, inUse } = await answering(t, store);
    let sum = 0;
    await pipeline(many(knex).stream(), async (rows: AsyncIterable<unknown>) => {
      for await (const row of rows) sum += (row as { x: number }).x;
    });
    t.is(sum, (ROWS * (ROWS + 1)) / 2);

    let last = 0;
    const untilTheWall = async (): Promise<void> => {
      for await (const { x } of rowsOf(many(knex, 'wall'))) last = x;
    };
    await t.throwsAsync(untilTheWall(), { message: /the wall/ });
    t.true(last > WALL - FEW && last <= WALL, String(last));
    await until('the connection is back', () => inUse() === 0);
    t.deepEqual(await knex('tags'), []);
  });

  test(`in a transaction ${store} streams beside other statements, and reads the rest before it ends`, async (t) => {
    const { knex, rowsRead } = await answering(t, store);
    await knex.transaction(async (trx) => {
      let taken = 0;
      for await (const { x } of rowsOf(many(trx))) {
        await trx('tags').where('name', String(x));
        if ((taken += 1) === 20) break;
      }
      const read = await rowsRead();
      t.true(read >= 20 && read < FEW, String(read));
      await trx('tags').insert({ name: 'after a break' });
      const untilTheWall = async (): Promise<void> => {
        for await (const { x } of rowsOf(many(trx, 'wall'))) taken = x;
      };
      await t.throwsAsync(untilTheWall(), { message: /the wall/ });
      t.true(taken > WALL - FEW, String(taken));
      await trx('tags').insert({ name: 'after an error' });
    });
    t.deepEqual(await knex('tags').orderBy('name').pluck('name'), ['after a break', 'after an error']);

    const trx = await knex.transaction();
    const rows = rowsOf(many(trx))[Symbol.asyncIterator]();
    await rows.next();
    await trx.commit();
    let last = 0;
    for (let row = await rows.next(); row.done !== true; row = await rows.next()) last = row.value.x;
    t.is(last, ROWS);
  });

  test(`whoever else asks ${store} meanwhile need not wait until a stream’s rows have been taken`, async (t) => {
    const { knex } = await answering(t, store);
    let taken = 0;
    for await (const { x } of rowsOf(many(knex))) {
      taken = x;
      if (taken === 5) {
        await knex('tags').insert({ name: 'meanwhile' });
        t.deepEqual(await knex('tags').pluck('name'), ['meanwhile']);
      }
    }
    t.is(taken, ROWS);
  });
}
