import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CrossfadeError, messageOf } from '../../adapter/errors.ts';
import type { Finding } from '../finding.ts';

/** A file of SQL in a folder of migrations. */
export interface MigrationFile {
  /** Its path within the folder, with `/`. */
  readonly name: string;
  readonly sql: string;
}

/** Files in the order in which they are applied, and what was passed over. */
export interface MigrationFiles {
  readonly files: readonly MigrationFile[];
  readonly findings: readonly Finding[];
}

/** What undoes a migration: `2_x.down.sql`, `down.sql`, Flyway's `U2__x.sql`. */
const UNDOES = /(^|[._-])(down|undo|rollback|revert)\.sql$|^U[\d._]+__.*\.sql$/i;
/** Flyway's repeatable migrations, which run after all others. */
const REPEATS = /^R__/;

/**
 * Lists the migrations of a folder: by the number they begin with (`2_x.sql` before `10_x.sql`, `V1.2__x.sql`,
 * `20240101120000_x.up.sql`), then by name; a folder with a `migration.sql` (Prisma) or `up.sql` (Diesel) in it is one
 * migration. Those without a number come last, by name. What undoes a migration is passed over and told, as are migrations in
 * other languages.
 *
 * @throws CrossfadeError `CONFIG_INVALID` when there is no such folder or no SQL in it.
 */
export function migrationFiles(folder: string): MigrationFiles {
  const findings: Finding[] = [];
  const names: string[] = [];
  for (const entry of entriesOf(folder)) {
    if (statSync(join(folder, entry)).isDirectory()) {
      const inner = ['migration.sql', 'up.sql'].find((name) => existsSync(join(folder, entry, name)));
      if (inner !== undefined) names.push(`${entry}/${inner}`);
    } else if (UNDOES.test(entry)) {
      findings.push({
        severity: 'note',
        code: 'migration-undoes',
        place: { file: entry },
        message: 'it undoes a migration and was not applied',
      });
    } else if (/\.sql$/i.test(entry)) names.push(entry);
    else if (/\.[cm]?[jt]s$/i.test(entry) && !/\.d\.[cm]?ts$/i.test(entry))
      findings.push({
        severity: 'warning',
        code: 'migration-not-sql',
        place: { file: entry },
        message: 'it is not SQL and was not applied',
        remedy: 'run the migrations on an empty SQLite file and give that file instead of the folder',
      });
  }
  if (names.length === 0)
    throw new CrossfadeError('CONFIG_INVALID', `there is no SQL to apply in the folder "${folder}"`, {
      hint: 'give the folder that holds the .sql files themselves, or a SQLite file',
    });
  const numbered = names.filter((name) => versionOf(name).length > 0);
  if (numbered.length > 0)
    for (const name of names)
      if (versionOf(name).length === 0 && !REPEATS.test(name))
        findings.push({
          severity: 'warning',
          code: 'migration-without-number',
          place: { file: name },
          message: 'others begin with a number and it does not: it was applied after them',
          remedy: 'begin its name with a number if it belongs elsewhere',
        });
  return {
    files: names
      .sort(inOrder)
      .map((name) => ({ name, sql: readFileSync(join(folder, name), 'utf8').replace(/^\uFEFF/, '') })),
    findings,
  };
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch (error) {
    throw new CrossfadeError(
      'CONFIG_INVALID',
      `could not read the folder of migrations "${folder}": ${messageOf(error)}`,
      {
        hint: 'give a folder of .sql files',
        cause: error,
      },
    );
  }
}

/** The numbers a name begins with: `V1.2__x` → 1, 2. Digits after a single `_` belong to the name. */
function versionOf(name: string): readonly bigint[] {
  const [, flyway, plain] = /^(?:[vV](\d+(?:[._]\d+)*)__|[vV]?(\d+(?:\.\d+)*)(?![\d]))/.exec(name) ?? [];
  return (flyway ?? plain ?? '').split(/[._]/).filter(Boolean).map(BigInt);
}

function inOrder(left: string, right: string): number {
  const [a, b] = [versionOf(left), versionOf(right)];
  if ((a.length === 0) !== (b.length === 0)) return a.length === 0 ? 1 : -1;
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [x, y] = [a[i] ?? -1n, b[i] ?? -1n];
    if (x !== y) return x < y ? -1 : 1;
  }
  return left < right ? -1 : left > right ? 1 : 0;
}
