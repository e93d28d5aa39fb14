import type { Knex } from 'knex';
import { columnTypes } from './column-types.ts';

/** Accounts (of those who rent and those who provide), and the settings of the marketplace. */
export async function up(knex: Knex): Promise<void> {
  const type = columnTypes(knex);
  await knex.schema.createTable('accounts', (table) => {
    table.specificType('id', type.generatedKey);
    table.specificType('email', type.text).notNullable().unique();
    table.specificType('name', type.text).notNullable();
    table.specificType('country', type.text);
    table.specificType('is_active', type.flag).notNullable();
    table.specificType('is_provider', type.flag).notNullable();
    table.specificType('balance_cents', type.integer).notNullable().defaultTo(0);
    table.specificType('profile', type.json);
    table.specificType('avatar', type.blob);
    table.specificType('created_at', type.integer).notNullable();
    table.specificType('last_login_at', type.text);
  });
  await knex.schema.createTable('settings', (table) => {
    table.specificType('key', type.text).notNullable().primary();
    table.specificType('value', type.json);
    table.specificType('updated_at', type.integer).notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('settings');
  await knex.schema.dropTable('accounts');
}
