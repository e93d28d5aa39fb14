import { createRequire } from 'node:module';
import type knex from 'knex';

/**
 * The library knex, which is loaded when it is first asked for: that takes a tenth of a second, and most commands run no
 * query of the application's.
 */
export function loadKnex(): typeof knex {
  return createRequire(import.meta.url)('knex') as typeof knex;
}
