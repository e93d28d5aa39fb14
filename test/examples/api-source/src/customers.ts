import type { Knex } from 'knex';

const COLUMNS = 'id, email, name';

interface Customer {
  readonly id: number;
  readonly email: string;
  readonly name: string;
}

export async function search(knex: Knex, words: string): Promise<readonly Customer[]> {
  return await knex<Customer>('customers')
    .select('id', 'email', 'name')
    .whereRaw('name LIKE ?', [`%${words}%`]);
}

export async function byEmail(knex: Knex, email: string): Promise<unknown> {
  return await knex.raw(`SELECT ${COLUMNS} FROM customers WHERE email = ?`, [email]);
}

export async function byId(knex: Knex, id: number): Promise<unknown> {
  return await knex.raw('SELECT id, name FROM customers WHERE id = ?', [id]);
}

export async function activeOnes(knex: Knex, region?: string): Promise<unknown> {
  return await knex.raw(
    `SELECT id FROM customers WHERE active = 1 ${region === undefined ? '' : 'AND region = ?'} ORDER BY id`,
    region === undefined ? [] : [region],
  );
}

export function byRegion(knex: Knex): Knex.QueryBuilder {
  return knex('customers').select(knex.raw("ifnull(region, 'none') as region")).orderByRaw('region DESC, id');
}

export function named(knex: Knex): Knex.QueryBuilder {
  return knex('customers as c').join('orders as o', 'o.customer_id', 'c.id').orderByRaw('c.name, o.id');
}

export async function pick(knex: Knex, column: string): Promise<unknown> {
  await knex.raw('SELECT ?? FROM ?? WHERE ?? = ?', ['id', 'customers', 'id', 7]);
  return await knex.raw('SELECT ?? FROM customers', [column]);
}
