import Database from 'better-sqlite3';
import { CrossfadeError, messageOf } from '../../adapter/errors.ts';
import type { Finding } from '../finding.ts';
import { migrationFiles } from './migration-files.ts';
import { splitStatements, tryParseStatement } from './parser.ts';
import type { ScriptStatement } from './parser.ts';
import { resolveQuotedStrings, withLiterals } from './quoted-strings.ts';
import type { Stmt } from './schema.ts';
import { upPart } from './up-part.ts';

/** A function that migrations call and SQLite does not have. */
export type SqlFunction = (...values: unknown[]) => unknown;

export interface MigrationOptions {
  /** A folder of SQL files: see {@link migrationFiles}. */
  readonly folder: string;
  /** Where the database is made: a path at which there is nothing yet. @default ':memory:' */
  readonly path?: string;
  /** Functions of the application's, by name; registered as deterministic, for any number of arguments. @default {} */
  readonly functions?: Readonly<Record<string, SqlFunction>>;
  /**
   * What PRAGMA foreign_keys is when a file begins. Off is SQLite's own default; with it on, a table that is dropped to be
   * made anew takes the rows of its children along.
   *
   * @default false
   */
  readonly foreignKeys?: boolean;
  /** Called after each file. */
  readonly onFile?: (applied: AppliedFile) => void;
}

/** A file that has been applied. */
export interface AppliedFile {
  readonly name: string;
  readonly statements: readonly (ScriptStatement & { readonly ast: Stmt | null })[];
  /** As it is after the file. */
  readonly db: Database.Database;
}

/** A database that migrations have made, with whatever rows they put in. */
export interface AppliedMigrations {
  /** The caller closes it. */
  readonly db: Database.Database;
  readonly files: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * Applies a folder of migrations to an empty database, statement by statement, only the way up.
 *
 * String literals in double quotes, which better-sqlite3 refuses and other builds of SQLite accept, are put in single quotes
 * on the way, and told.
 *
 * @throws CrossfadeError `MIGRATION_FAILED`, naming file, line and statement; `CONFIG_INVALID` when there is nothing to apply.
 */
export function applyMigrations(options: MigrationOptions): AppliedMigrations {
  const { files, findings } = migrationFiles(options.folder);
  const db = new Database(options.path ?? ':memory:');
  try {
    // It is made anew if anything fails, so nothing is waited for.
    db.pragma('journal_mode = MEMORY');
    db.pragma('synchronous = OFF');
    for (const [name, run] of Object.entries(options.functions ?? {}))
      db.function(name, { varargs: true, deterministic: true }, run);
    const told: Finding[] = [...findings];
    for (const { name, sql } of files) {
      db.pragma(`foreign_keys = ${options.foreignKeys === true ? 'ON' : 'OFF'}`);
      db.pragma('legacy_alter_table = OFF');
      const statements = splitStatements(upPart(sql)).map((statement) => {
        const parsed = tryParseStatement(statement.sql);
        const ast = parsed.ok ? parsed.value : null;
        told.push(...execute(db, name, { ...statement, ast }));
        return { ...statement, ast };
      });
      if (db.inTransaction)
        throw failed({
          file: name,
          line: statements.at(-1)?.line ?? 1,
          found: 'it ends in the midst of a transaction',
          hint: 'add the COMMIT it lacks',
        });
      options.onFile?.({ name, statements, db });
    }
    return { db, files: files.map(({ name }) => name), findings: told };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A line for SQLite's shell: `.read other.sql`. */
const SHELL_COMMAND = /^\.\w+[^\n]*/;

function execute(
  db: Database.Database,
  file: string,
  statement: ScriptStatement & { readonly ast: Stmt | null },
): readonly Finding[] {
  const { sql, line, ast } = statement;
  const command = SHELL_COMMAND.exec(sql)?.[0];
  if (command !== undefined)
    throw failed({
      file,
      line,
      found: `${JSON.stringify(command.trim())} is a command of SQLite's shell, not SQL`,
      hint: 'replace it with what it stands for',
    });
  if (ast?.type === 'AttachStmt' || (ast?.type === 'VacuumStmt' && ast.into !== undefined))
    throw failed({
      file,
      line,
      found: `${ast.type === 'AttachStmt' ? 'ATTACH' : 'VACUUM INTO'} reaches another file`,
      hint: 'apply the migrations yourself and give the SQLite file instead of the folder',
    });
  const fail = (error: unknown): CrossfadeError =>
    failed({
      file,
      line,
      found: `${messageOf(error)}, in ${JSON.stringify(withoutValues(sql))}`,
      hint: hintFor(messageOf(error)),
      cause: error,
    });
  // SQLite looks into views and triggers only when they are used, and would then complain elsewhere.
  const isLate = ast?.type === 'CreateViewStmt' || ast?.type === 'CreateTriggerStmt';
  try {
    if (!isLate) {
      db.exec(sql);
      return [];
    }
  } catch (error) {
    if (ast === null || !messageOf(error).endsWith('should this be a string literal in single-quotes?'))
      throw fail(error);
  }
  const strings = ast === null ? [] : resolveQuotedStrings(ast, sql, (table) => columnsOf(db, table)).strings;
  try {
    db.exec(withLiterals(sql, { start: 0, end: sql.length }, strings));
  } catch (error) {
    throw fail(error);
  }
  const [first] = strings;
  if (first === undefined) return [];
  return [
    {
      severity: 'note',
      code: 'string-in-double-quotes',
      place: { file, line: line + newlines(sql.slice(0, first.offset)) },
      message: `"${first.text}" names no column, so SQLite takes it for a text`,
      remedy: 'put texts in single quotes',
      count: strings.length,
    },
  ];
}

function columnsOf(db: Database.Database, table: string): ReadonlySet<string> | 'any' | undefined {
  try {
    const names = db.prepare('SELECT lower(name) FROM pragma_table_xinfo(?)').pluck().all(table) as string[];
    return names.length === 0 ? undefined : new Set(names);
  } catch {
    return 'any';
  }
}

function hintFor(message: string): string {
  if (message.startsWith('no such function')) return 'give the function in the option functions';
  if (message.startsWith('no such module'))
    return 'better-sqlite3 lacks that module: apply the migrations yourself and give the SQLite file';
  return 'correct the migration, or check that the folder holds all of them';
}

function newlines(text: string): number {
  return text.split('\n').length - 1;
}

/** The statement as far as it holds no rows, on one line. */
function withoutValues(sql: string): string {
  const plain = sql
    .replace(/\bVALUES\b[\s\S]*$/i, 'VALUES …')
    .replace(/\s+/g, ' ')
    .trim();
  return plain.length > 200 ? `${plain.slice(0, 199)}…` : plain;
}

function failed({
  file,
  line,
  found,
  hint,
  cause,
}: {
  file: string;
  line: number;
  found: string;
  hint: string;
  cause?: unknown;
}): CrossfadeError {
  return new CrossfadeError('MIGRATION_FAILED', `could not apply the migration "${file}", line ${line}: ${found}`, {
    hint,
    cause,
  });
}
