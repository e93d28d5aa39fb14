import type { Knex } from 'knex';
import type { Random } from '../../migrations/ledger/random.ts';
import type { LedgerRows } from './ledger-rows.ts';

/** What a query is made of. */
export interface StoreTurn {
  readonly random: Random;
  /** Used for nothing else on this database. */
  readonly number: number;
  readonly rows: LedgerRows;
}

/** One kind of query of the example API, through plain Knex, the same for either database. */
export interface StoreCase {
  readonly name: string;
  /** Runs it once. */
  readonly run: (knex: Knex, on: StoreTurn) => Promise<unknown>;
}

const PAGE = 20;

export const STORE_CASES: readonly StoreCase[] = [
  {
    name: 'point',
    run: (knex, turn) =>
      knex('accounts')
        .where({ id: anyOf('accounts', turn) })
        .first(),
  },
  {
    name: 'list',
    run: (knex, turn) => knex('payments').where('id', '>', anyOf('payments', turn)).orderBy('id').limit(PAGE),
  },
  {
    name: 'join',
    run: (knex, turn) =>
      knex('contracts')
        .join('accounts', 'accounts.id', 'contracts.account_id')
        .leftJoin('offerings', 'offerings.id', 'contracts.offering_id')
        .where('contracts.account_id', anyOf('accounts', turn))
        .select('contracts.id', 'contracts.status', 'accounts.email', 'offerings.title')
        .orderBy('contracts.id'),
  },
  {
    name: 'sum',
    run: (knex, turn) =>
      knex('payments')
        .join('contracts', 'contracts.id', 'payments.contract_id')
        .where('contracts.account_id', anyOf('accounts', turn))
        .groupBy('payments.currency')
        .select('payments.currency')
        .sum({ cents: 'payments.amount_cents' }),
  },
  {
    name: 'insert',
    run: (knex, turn) => knex('payments').insert(payment(anyOf('contracts', turn), turn.number)),
  },
  {
    name: 'update',
    run: (knex, turn) =>
      knex('accounts')
        .where({ id: anyOf('accounts', turn) })
        .update({ balance_cents: turn.number }),
  },
  {
    name: 'transaction',
    run: (knex, turn) =>
      knex.transaction(async (trx) => {
        const id = anyOf('contracts', turn);
        const contract = await trx<{ id: number; account_id: number }>('contracts').where({ id }).first();
        await trx('payments').insert(payment(id, turn.number));
        await trx('accounts').where({ id: contract?.account_id }).decrement('balance_cents', 100);
      }),
  },
];

function anyOf(table: 'accounts' | 'contracts' | 'payments', { random, rows }: StoreTurn): number {
  return random.between(1, rows[table]);
}

function payment(contract: number, number: number): Record<string, string | number> {
  return {
    contract_id: contract,
    amount_cents: 12_000,
    currency: 'EUR',
    method: 'card',
    reference: `bench-${number}`,
    is_refund: 0,
    created_at: 1_717_200_000_000 + number,
  };
}
