import type { Knex } from 'knex';
import { columnTypes } from './column-types.ts';

/** Rental contracts, what was paid for them and what was used: the large tables of the ledger. */
export async function up(knex: Knex): Promise<void> {
  const type = columnTypes(knex);
  await knex.schema.createTable('contracts', (table) => {
    table.specificType('id', type.generatedKey);
    table
      .specificType('account_id', type.integer)
      .notNullable()
      .references('accounts.id')
      .onDelete('RESTRICT')
      .index('contracts_account');
    table
      .specificType('offering_id', type.integer)
      .references('offerings.id')
      .onDelete('SET NULL')
      .index('contracts_offering');
    table.specificType('status', type.text).notNullable();
    table.specificType('hours', type.integer).notNullable();
    table.specificType('total_cents', type.integer).notNullable();
    table.specificType('starts_at', type.integer).notNullable();
    table.specificType('ends_at', type.integer);
    table.specificType('signed_on', type.text);
    table.specificType('auto_renew', type.flag).notNullable();
    table.specificType('terms', type.json);
    table.check("status in ('draft', 'active', 'ended', 'cancelled')", [], 'contracts_status_known');
    table.check('hours > 0', [], 'contracts_hours_positive');
  });
  await knex.schema.createTable('payments', (table) => {
    table.specificType('id', type.generatedKey);
    table
      .specificType('contract_id', type.integer)
      .notNullable()
      .references('contracts.id')
      .onDelete('CASCADE')
      .index('payments_contract');
    table.specificType('amount_cents', type.integer).notNullable();
    table.specificType('currency', type.text).notNullable();
    table.specificType('method', type.text).notNullable();
    table.specificType('reference', type.text).unique();
    table.specificType('is_refund', type.flag).notNullable();
    table.specificType('paid_at', type.text);
    table.specificType('created_at', type.integer).notNullable();
    table.specificType('receipt', type.blob);
  });
  await knex.schema.createTable('usage', (table) => {
    table.specificType('id', type.generatedKey);
    table
      .specificType('contract_id', type.integer)
      .notNullable()
      .references('contracts.id')
      .onDelete('CASCADE')
      .index('usage_contract');
    table.specificType('metric', type.text).notNullable();
    table.specificType('amount', type.real).notNullable();
    table.specificType('measured_at', type.integer).notNullable();
    table.specificType('is_billed', type.flag).notNullable();
    table.specificType('note', type.text);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('usage');
  await knex.schema.dropTable('payments');
  await knex.schema.dropTable('contracts');
}
