import type { Knex } from 'knex';
import { columnTypes } from './column-types.ts';

/** What providers offer for rent, and the rates at which it has been offered: a table with a composite key. */
export async function up(knex: Knex): Promise<void> {
  const type = columnTypes(knex);
  await knex.schema.createTable('offerings', (table) => {
    table.specificType('id', type.generatedKey);
    table
      .specificType('provider_id', type.integer)
      .notNullable()
      .references('accounts.id')
      .onDelete('RESTRICT')
      .index('offerings_provider');
    table.specificType('title', type.text).notNullable();
    table.specificType('description', type.text);
    table.specificType('category', type.text).notNullable();
    table.specificType('price_cents_per_hour', type.integer).notNullable();
    table.specificType('reliability', type.real);
    table.specificType('latitude', type.real);
    table.specificType('longitude', type.real);
    table.specificType('is_listed', type.flag).notNullable();
    table.specificType('attributes', type.json);
    table.specificType('created_at', type.integer).notNullable();
    table.check('price_cents_per_hour >= 0', [], 'offerings_price_not_negative');
  });
  await knex.schema.createTable('rates', (table) => {
    table.specificType('offering_id', type.integer).notNullable().references('offerings.id').onDelete('CASCADE');
    table.specificType('currency', type.text).notNullable();
    table.specificType('valid_from', type.text).notNullable();
    table.specificType('factor', type.real).notNullable();
    table.specificType('note', type.text);
    table.primary(['offering_id', 'currency', 'valid_from']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('rates');
  await knex.schema.dropTable('offerings');
}
