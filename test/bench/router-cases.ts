import knex from 'knex';
import type { Knex } from 'knex';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCrossfade } from '../../adapter/index.ts';
import type { CrossfadeOptions, Stage } from '../../adapter/index.ts';
import { createRewriter } from '../../migrations/schema.ts';
import { SEED_ROWS } from './databases.ts';
import type { Databases } from './databases.ts';

/** An application's Knex, open. */
export interface Asked {
  readonly knex: Knex;
  close(): Promise<void>;
}

/** One way to ask. The first one of a case is what the others are measured by. */
export interface Contestant {
  readonly name: string;
  open(databases: Databases): Promise<Asked>;
}

/** What is asked, in a stage. */
export interface RouterCase {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  readonly stage: Stage;
  readonly contestants: readonly Contestant[];
  ask(db: Knex, number: number): Promise<unknown>;
}

const POOL_MAX = 10;
const READY_LIMIT_MS = 60_000;
const UPDATES = 10;

const onSqlite: Contestant = {
  name: 'plain Knex',
  open: async ({ sqlite }) =>
    plain(knex({ client: 'better-sqlite3', connection: { filename: sqlite }, useNullAsDefault: true })),
};
const onPostgres: Contestant = {
  name: 'plain Knex',
  open: async ({ postgres }) => plain(knex({ client: 'pg', connection: postgres, pool: { min: 0, max: POOL_MAX } })),
};

const ROUTED = [routed('routed', { shadow: false }), routed('routed, shadow reads as by default', {})];

/** In the order of the stages, which are walked once. */
export const ROUTER_CASES: readonly RouterCase[] = [
  {
    name: 'read-sqlite',
    title: 'point read, SQLite answers',
    stage: 'shadow',
    contestants: [onSqlite, ...ROUTED],
    ask: pointRead,
  },
  {
    name: 'read-postgres',
    title: 'point read, PostgreSQL answers',
    stage: 'read',
    contestants: [onPostgres, ...ROUTED],
    ask: pointRead,
  },
  {
    name: 'raw-postgres',
    title: 'point read in raw SQL, PostgreSQL answers',
    stage: 'read',
    contestants: [
      onPostgres,
      routed('routed, as it is', { shadow: false }),
      routed('routed, rewritten', { shadow: false, rewrite: createRewriter() }),
    ],
    ask: (db, number) => db.raw('SELECT * FROM accounts WHERE id = ?', [idOf(number)]).then(),
  },
  {
    name: 'ported',
    title: 'point read of ported code, PostgreSQL answers',
    stage: 'write',
    contestants: [onPostgres, routed('routed', { facade: 'postgres' })],
    ask: pointRead,
  },
  {
    name: 'transaction',
    title: `transaction of ${UPDATES} updates in PostgreSQL`,
    stage: 'write',
    contestants: [
      onPostgres,
      routed('routed, no savepoints', { statementSavepoints: false }),
      routed('routed, a savepoint for each statement', {}),
    ],
    ask: (db, number) =>
      db.transaction(async (trx) => {
        for (let place = 0; place < UPDATES; place += 1) {
          await trx('accounts')
            .where({ id: idOf(number + place) })
            .update({ balance: number });
        }
      }),
  },
];

function pointRead(db: Knex, number: number): Promise<unknown> {
  return db('accounts')
    .where({ id: idOf(number) })
    .first()
    .then();
}

function idOf(number: number): number {
  return (number % SEED_ROWS) + 1;
}

function plain(db: Knex): Asked {
  return { knex: db, close: () => db.destroy() };
}

function routed(name: string, options: Omit<CrossfadeOptions, 'sqlite' | 'postgres'>): Contestant {
  return {
    name,
    open: async (databases) => {
      const crossfade = await createCrossfade({ ...databases, poolMax: POOL_MAX, processName: 'bench', ...options });
      try {
        // Until the Mirror has caught up, reads stay with the primary.
        const deadline = performance.now() + READY_LIMIT_MS;
        for (;;) {
          const { stage, reads } = await crossfade.status();
          if (reads === (stage === 'shadow' ? 'sqlite' : 'postgres')) break;
          if (performance.now() > deadline) throw new Error(`in stage ${stage} reads stay with ${reads}`);
          await sleep(20);
        }
      } catch (error) {
        await crossfade.close();
        throw error;
      }
      return { knex: crossfade.knex, close: () => crossfade.close() };
    },
  };
}
