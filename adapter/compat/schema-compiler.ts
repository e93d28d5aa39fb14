import type { SchemaCompilerConstructor } from '../router/knex-internals.ts';

/** What Knex's dialect of SQLite refuses, and PostgreSQL's does not. */
const REFUSED = [
  'createSchema',
  'createSchemaIfNotExists',
  'dropSchema',
  'dropSchemaIfExists',
  'createExtension',
  'createExtensionIfNotExists',
  'dropExtension',
  'dropExtensionIfExists',
] as const;

/** PostgreSQL's schema compiler of Knex, with what SQLite's looks up and refuses in the way of SQLite's. */
export function sqliteFlavouredSchema(
  Base: SchemaCompilerConstructor,
  Sqlite: SchemaCompilerConstructor,
): SchemaCompilerConstructor {
  class SqliteFlavouredSchema extends Base {
    override hasTable(table: string): void {
      this.pushQuery({
        sql: `select * from sqlite_master where type = 'table' and name = ?`,
        bindings: [unquoted(this.formatter.wrap(table))],
        output: ({ rows }) => rows.length > 0,
      });
    }

    /** Without regard to case, as names are in SQLite. */
    override hasColumn(table: string, column: string): void {
      const { client } = this;
      const spelled = (name: string): string => client.wrapIdentifier(name.toLowerCase());
      this.pushQuery({
        sql: `PRAGMA table_info(${this.formatter.wrap(table)})`,
        output: ({ rows }) => rows.some(({ name }) => spelled(String(name)) === spelled(column)),
      });
    }
  }
  for (const name of REFUSED) {
    Object.defineProperty(SqliteFlavouredSchema.prototype, name, {
      value: Reflect.get(Sqlite.prototype as object, name),
    });
  }
  return SqliteFlavouredSchema;
}

function unquoted(identifier: string): string {
  return identifier.replaceAll('"', '');
}
