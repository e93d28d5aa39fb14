import type { Statement } from './emit.ts';

/**
 * A baseline as a Knex migration, in JavaScript: it makes the schema on PostgreSQL, and does nothing on SQLite, where the
 * schema is already.
 *
 * @param options.module which module system the API's migrations are written for. @default 'esm'
 */
export function knexMigration(
  statements: readonly Statement[],
  options: { readonly module?: 'esm' | 'commonjs'; readonly tables: readonly string[] },
): string {
  const list = statements.map(({ sql }) => `  ${template(forKnex(sql))},`).join('\n');
  const drop = options.tables.map((table) => `"${table.replaceAll('"', '""')}"`).join(', ');
  const down = drop === '' ? [] : [template(forKnex(`DROP TABLE ${drop} CASCADE`))];
  const isEsm = options.module !== 'commonjs';
  return `const statements = [
${list}
];

function isPostgres(knex) {
  return knex.client.config.client === 'pg' || knex.client.dialect === 'postgresql';
}

${isEsm ? 'export ' : ''}async function up(knex) {
  if (!isPostgres(knex)) return;
  for (const statement of statements) await knex.raw(statement);
}

${isEsm ? 'export ' : ''}async function down(knex) {
  if (!isPostgres(knex)) return;
${down.map((sql) => `  await knex.raw(${sql});\n`).join('')}}
${isEsm ? '' : '\nmodule.exports = { up, down };\n'}`;
}

/**
 * Knex takes a question mark for a binding unless a backslash stands before it, and drops all backslashes there; those that
 * belong to a text are kept apart from it.
 */
function forKnex(sql: string): string {
  return sql.replaceAll(/(\\*)\?/g, (_, slashes: string) => (slashes === '' ? '\\?' : `${slashes}'||'\\?`));
}

function template(text: string): string {
  return `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``;
}
