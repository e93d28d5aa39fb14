import { join } from 'node:path';
import { migrationFiles } from '../../sqlite/migration-files.ts';
import { splitStatements } from '../../sqlite/parser.ts';
import { upPart } from '../../sqlite/up-part.ts';
import type { SqlUse } from './sql-use.ts';

/**
 * The statements of a folder of SQL migrations, only the way up.
 *
 * @throws CrossfadeError `CONFIG_INVALID` when there is no such folder or no SQL in it.
 */
export function migrationStatements(folder: string): readonly SqlUse[] {
  return migrationFiles(folder).files.flatMap(({ name, sql }) =>
    splitStatements(upPart(sql)).map((statement) => ({
      origin: 'migration' as const,
      role: 'statement' as const,
      sql: statement.sql,
      isAssembled: false,
      tables: [],
      place: { file: join(folder, name), line: statement.line },
    })),
  );
}
