import type { Knex } from 'knex';
import { columnTypes } from './column-types.ts';

/** The queue of e-mails to send: rows that come and go. */
export async function up(knex: Knex): Promise<void> {
  const type = columnTypes(knex);
  await knex.schema.createTable('email_queue', (table) => {
    table.specificType('id', type.generatedKey);
    table
      .specificType('account_id', type.integer)
      .references('accounts.id')
      .onDelete('SET NULL')
      .index('email_queue_account');
    table.specificType('recipient', type.text).notNullable();
    table.specificType('subject', type.text).notNullable();
    table.specificType('body', type.text);
    table.specificType('attempts', type.integer).notNullable().defaultTo(0);
    table.specificType('send_after', type.integer).notNullable();
    table.specificType('sent_at', type.text);
    table.specificType('last_error', type.text);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('email_queue');
}
