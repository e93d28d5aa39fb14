import type { Knex } from 'knex';
import type { Random } from '../../migrations/ledger/random.ts';
import { LEDGER_ROWS } from '../../migrations/ledger/seed.ts';

/** One kind of query of the example API, through plain Knex, the same for either database. */
export interface StoreCase {
  readonly name: string;
  /** Runs it once. `number` is used for nothing else on this database. */
  readonly run: (knex: Knex, on: { readonly random: Random; readonly number: number }) => Promise<unknown>;
}

const PAGE = 20;

export const STORE_CASES: readonly StoreCase[] = [
  {
    name: 'point',
    run: (knex, { random }) =>
      knex('accounts')
        .where({ id: anyOf('accounts', random) })
        .first(),
  },
  {
    name: 'list',
    run: (knex, { random }) => knex('payments').where('id', '>', anyOf('payments', random)).orderBy('id').limit(PAGE),
  },
  {
    name: 'join',
    run: (knex, { random }) =>
      knex('contracts')
        .join('accounts', 'accounts.id', 'contracts.account_id')
        .leftJoin('offerings', 'offerings.id', 'contracts.offering_id')
        .where('contracts.account_id', anyOf('accounts', random))
        .select('contracts.id', 'contracts.status', 'accounts.email', 'offerings.title')
        .orderBy('contracts.id'),
  },
  {
    name: 'sum',
    run: (knex, { random }) =>
      knex('payments')
        .join('contracts', 'contracts.id', 'payments.contract_id')
        .where('contracts.account_id', anyOf('accounts', random))
        .groupBy('payments.currency')
        .select('payments.currency')
        .sum({ cents: 'payments.amount_cents' }),
  },
  {
    name: 'insert',
    run: (knex, { random, number }) => knex('payments').insert(payment(anyOf('contracts', random), number)),
  },
  {
    name: 'update',
    run: (knex, { random, number }) =>
      knex('accounts')
        .where({ id: anyOf('accounts', random) })
        .update({ balance_cents: number }),
  },
  {
    name: 'transaction',
    run: (knex, { random, number }) =>
      knex.transaction(async (trx) => {
        const id = anyOf('contracts', random);
        const contract = await trx<{ id: number; account_id: number }>('contracts').where({ id }).first();
        await trx('payments').insert(payment(id, number));
        await trx('accounts').where({ id: contract?.account_id }).decrement('balance_cents', 100);
      }),
  },
];

function anyOf(table: 'accounts' | 'contracts' | 'payments', random: Random): number {
  return random.between(1, LEDGER_ROWS[table]);
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
