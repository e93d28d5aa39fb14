import test from 'ava';
import type { Knex } from 'knex';
import { openOracle } from './helpers/oracle.ts';

async function createNames(db: Knex): Promise<void> {
  await db.schema.createTable('names', (table) => {
    table.text('name').primary();
    table.integer('count').notNullable().defaultTo(0);
  });
  await db('names').insert([{ name: 'ada' }, { name: 'bob' }]);
}

/** The code of the error, or `done`. */
async function outcome(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work;
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

const names = (db: Knex): PromiseLike<unknown> => db('names').orderBy('name').pluck('name');

test('a transaction goes on after a statement of it has failed', async (t) => {
  const { same } = await openOracle(t, { create: createNames });
  await same('outcomes', (db) =>
    db.transaction(async (trx) => [
      await outcome(trx('names').insert({ name: 'cleo' })),
      await outcome(trx('names').insert({ name: 'ada' })),
      await outcome(trx('names').insert([{ name: 'dora' }, { name: 'bob' }])),
      await outcome(trx.raw('select nonsense from names')),
      await outcome(trx('names').where('name', 'ada').update({ count: null })),
      await outcome(trx('names').where('name', 'bob').update({ name: 'eve' })),
      await names(trx),
    ]),
  );
  await same('what was kept', names);
});

test('statements of one transaction that run at once fail one by one', async (t) => {
  const { same } = await openOracle(t, { create: createNames });
  await same('outcomes', (db) =>
    db.transaction(
      async (trx) =>
        await Promise.all(['cleo', 'ada', 'dora', 'bob', 'eve'].map((name) => outcome(trx('names').insert({ name })))),
    ),
  );
  await same('what was kept', names);
});

test('nested transactions are undone or kept with what failed in them', async (t) => {
  const { same } = await openOracle(t, { create: createNames });
  const nested = (trx: Knex.Transaction, name: string, end: 'keep' | 'undo'): PromiseLike<unknown> =>
    outcome(
      trx.transaction(async (inner) => {
        await inner('names').insert({ name });
        await outcome(inner('names').insert({ name }));
        await inner.transaction(async (innermost) => {
          await outcome(innermost('names').insert({ name: 'ada' }));
          await innermost('names').insert({ name: `${name}, too` });
        });
        if (end === 'undo') throw Object.assign(new Error('undone'), { code: 'UNDONE' });
      }),
    );
  await same('outcomes', (db) =>
    db.transaction(async (trx) => [
      await outcome(trx('names').insert({ name: 'ada' })),
      await nested(trx, 'cleo', 'keep'),
      await outcome(trx('names').insert({ name: 'cleo' })),
      await nested(trx, 'dora', 'undo'),
      await outcome(trx('names').insert({ name: 'dora' })),
      await outcome(trx('names').insert({ name: 'dora' })),
    ]),
  );
  await same('what was kept', names);
});

test('savepoints in raw SQL have their meaning', async (t) => {
  const { same } = await openOracle(t, { create: createNames });
  await same('outcomes', (db) =>
    db.transaction(async (trx) => {
      await trx.raw('SAVEPOINT mine');
      await trx('names').insert({ name: 'cleo' });
      const failed = await outcome(trx('names').insert({ name: 'cleo' }));
      await trx.raw('ROLLBACK TO mine');
      await trx('names').insert({ name: 'dora' });
      await trx.raw('RELEASE mine');
      return [failed, await outcome(trx('names').insert({ name: 'dora' }))];
    }),
  );
  await same('what was kept', names);
});

test('a rolled back transaction keeps nothing, and its connection is as good as new', async (t) => {
  const { same } = await openOracle(t, { create: createNames, router: { poolMax: 1 } });
  await same('a rollback after a caught error', (db) =>
    outcome(
      db.transaction(async (trx) => {
        await outcome(trx('names').insert({ name: 'ada' }));
        await trx('names').insert({ name: 'cleo' });
        throw Object.assign(new Error('undone'), { code: 'UNDONE' });
      }),
    ),
  );
  await same('what was kept', names);
  await same('outside of a transaction', (db) => outcome(db('names').insert({ name: 'cleo' })));
  await same('and then', names);
});

test('a stream in a transaction may fail or be left in the middle', async (t) => {
  const { same } = await openOracle(t, { create: createNames });
  await same('outcomes', (db) =>
    db.transaction(async (trx) => {
      const seen: unknown[] = [];
      for await (const row of trx('names').select('name').orderBy('name').stream()) {
        seen.push(row);
        break;
      }
      const failing = async (): Promise<void> => {
        for await (const row of trx('names').select('nonsense').stream()) seen.push(row);
      };
      seen.push(await outcome(failing()));
      await trx('names').insert({ name: 'cleo' });
      return seen;
    }),
  );
  await same('what was kept', names);
});

test('without savepoints a failed statement ends the transaction, as PostgreSQL has it', async (t) => {
  const { routed } = await openOracle(t, { create: createNames, router: { statementSavepoints: false } });
  await t.throwsAsync(
    routed.transaction(async (trx) => {
      await outcome(trx('names').insert({ name: 'ada' }));
      await trx('names').insert({ name: 'cleo' });
    }),
    { message: /current transaction is aborted/ },
  );
  t.deepEqual(await names(routed), ['ada', 'bob']);
});
