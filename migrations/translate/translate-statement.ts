import type { Stmt } from '../sqlite/schema.ts';
import { translateDelete } from './delete.ts';
import { Emission } from './emission.ts';
import { quoteName } from './fragment.ts';
import { translateInsert } from './insert.ts';
import type { Query } from './query.ts';
import { translateQuery } from './query.ts';
import { queryTranslation } from './query-translation.ts';
import type { QueryOptions } from './translate-select.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import type { QueryTranslation } from './translation.ts';
import { translateUpdate } from './update.ts';

/** A statement of SQLite's in PostgreSQL's words, with the same effect and the same rows. Throws {@link Untranslatable}. */
export function translateStatement(statement: Stmt, { catalog, source, running }: QueryOptions): QueryTranslation {
  const emission = new Emission(catalog, statement, source, running);
  return queryTranslation(translated(statement, { scope: { tables: [] }, emission, isFixed: false }), emission);
}

function translated(statement: Stmt, setting: Setting): Query {
  switch (statement.type) {
    case 'SelectStmt':
      return translateQuery(statement.body, setting, { isNested: false });
    case 'InsertStmt':
      return translateInsert(statement, setting);
    case 'UpdateStmt':
      return translateUpdate(statement, setting);
    case 'DeleteStmt':
      return translateDelete(statement, setting);
    case 'BeginStmt':
      return { sql: 'BEGIN', columns: [] };
    case 'CommitStmt':
      return { sql: 'COMMIT', columns: [] };
    case 'RollbackStmt': {
      const name = statement.savepointName?.text;
      return { sql: name === undefined ? 'ROLLBACK' : `ROLLBACK TO ${quoteName(name.toLowerCase())}`, columns: [] };
    }
    case 'SavepointStmt':
      return { sql: `SAVEPOINT ${quoteName(statement.savepointName.text.toLowerCase())}`, columns: [] };
    case 'ReleaseStmt':
      return { sql: `RELEASE ${quoteName(statement.savepointName.text.toLowerCase())}`, columns: [] };
    case 'PragmaStmt':
      throw new Untranslatable(
        'pragma',
        `PRAGMA ${statement.name.objName.text} is SQLite's own`,
        'leave it out; what a schema consists of, information_schema and pg_catalog tell',
      );
    default:
      throw new Untranslatable(
        'schema-statement',
        `a statement of the kind ${statement.type.replace(/Stmt$/, '')} changes or describes the database itself`,
        'make the schema with `crossfade schema`; leave out ANALYZE, VACUUM, ATTACH and their like',
      );
  }
}
