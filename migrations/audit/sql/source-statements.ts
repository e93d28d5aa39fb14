import type { Finding } from '../../finding.ts';
import { splitStatements } from '../../sqlite/parser.ts';
import { findSql } from './find-sql.ts';
import type { FoundSql } from './find-sql.ts';
import { sourceFiles } from './source-files.ts';
import type { SqlUse } from './sql-use.ts';

/** The SQL of an application's source code. */
export interface SourceStatements {
  readonly uses: readonly SqlUse[];
  readonly files: number;
  /** Files that could not be read. */
  readonly findings: readonly Finding[];
}

/**
 * The SQL in the JavaScript and TypeScript of folders and files.
 *
 * @throws CrossfadeError `CONFIG_INVALID` when one of them does not exist.
 */
export function sourceStatements(paths: readonly string[]): SourceStatements {
  const uses: SqlUse[] = [];
  const findings: Finding[] = [];
  let files = 0;
  for (const file of paths.flatMap((path) => [...sourceFiles(path)])) {
    files += 1;
    const { found, problem } = file.problem === null ? findSql(file.text, file) : { found: [], problem: file.problem };
    for (const sql of found) uses.push(...usesOf(sql, file.path));
    if (problem === null) continue;
    const line = /\((\d+):\d+\)/.exec(problem)?.[1];
    findings.push({
      severity: 'warning',
      code: 'source-unreadable',
      place: { file: file.path, ...(line === undefined ? {} : { line: Number(line) }) },
      message: `it cannot be read, and its SQL is not known: ${problem}`,
      remedy: 'mend it, or name the folders to look at with --src so that it is not among them',
    });
  }
  return { uses, files, findings };
}

function usesOf({ role, sql, isAssembled, line, tables }: FoundSql, file: string): readonly SqlUse[] {
  const use = { origin: 'source', role, isAssembled, tables } as const;
  if (role !== 'statement') return [{ ...use, sql, place: { file, line } }];
  return splitStatements(sql).map((statement) => ({
    ...use,
    sql: statement.sql,
    place: { file, line: line + statement.line - 1 },
  }));
}
