import { quote } from '../../adapter/postgres/sql.ts';
import type { Statement } from './emit.ts';
import type { Plan } from './plan.ts';

/**
 * A baseline as a Knex migration, in JavaScript: it makes the schema on PostgreSQL, and does nothing on SQLite, where the
 * schema is already. The way down takes away what the way up made, but for the function pack.
 *
 * @param options.module which module system the API's migrations are written for. @default 'esm'
 */
export function knexMigration(
  statements: readonly Statement[],
  { plan, module }: { readonly plan: Plan; readonly module?: 'esm' | 'commonjs' },
): string {
  const up = statements.map(({ sql }) => `  ${template(sql)},\n`).join('');
  const drops = [
    ...plan.views.toReversed().map(({ name }) => `DROP VIEW ${quote(name)}`),
    ...(plan.tables.length === 0
      ? []
      : [`DROP TABLE ${plan.tables.map(({ name }) => quote(name)).join(', ')} CASCADE`]),
    ...plan.triggers.map(({ functionName }) => `DROP FUNCTION ${quote(functionName)}()`),
  ];
  const isEsm = module !== 'commonjs';
  return `const up = [
${up}];

const down = [
${drops.map((sql) => `  ${template(sql)},\n`).join('')}];

// Past knex.raw, which takes every question mark for a binding.
async function run(knex, statements) {
  if (knex.client.config.client !== 'pg' && knex.client.dialect !== 'postgresql') return;
  const connection = await knex.client.acquireConnection();
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    await knex.client.releaseConnection(connection);
  }
}

${isEsm ? '' : 'module.'}export${isEsm ? ' {' : 's = {'} ${isEsm ? 'migrateUp as up, migrateDown as down' : 'up: migrateUp, down: migrateDown'} };

function migrateUp(knex) {
  return run(knex, up);
}

function migrateDown(knex) {
  return run(knex, down);
}
`;
}

function template(text: string): string {
  return `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``;
}
