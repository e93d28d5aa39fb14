import { readFileSync } from 'node:fs';
import { CrossfadeError, messageOf } from '../../../adapter/errors.ts';
import { splitStatements } from '../../sqlite/parser.ts';
import type { SqlUse } from './sql-use.ts';

/**
 * The statements of a file that was recorded while an application ran: either one JSON object per line,
 * `{"sql": "select * from `users` where `id` = ?", "count": 3}`, where `sql` is one statement as SQLite got it and `count`
 * how often it ran (1 if missing), or plain SQL statements with semicolons between them. Lines with `"author": "builder"`
 * are left out, since Knex writes those for PostgreSQL as well; of `"mixed"` ones the backticks are.
 *
 * @throws CrossfadeError `CONFIG_INVALID` when the file cannot be read or a line is something else.
 */
export function recordedStatements(path: string): readonly SqlUse[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw invalid(path, messageOf(error), error);
  }
  const statements = text.trimStart().startsWith('{') ? fromLines(path, text) : fromScript(text);
  return statements.map(({ sql, line }) => ({
    origin: 'recorded',
    role: 'statement',
    sql,
    isAssembled: false,
    tables: [],
    place: { file: path, line },
  }));
}

interface Recorded {
  readonly sql: string;
  readonly line: number;
}

function fromScript(text: string): readonly Recorded[] {
  return splitStatements(text).map(({ sql, line }) => ({ sql, line }));
}

function fromLines(path: string, text: string): readonly Recorded[] {
  return text.split('\n').flatMap((content, index) => {
    if (content.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch (error) {
      throw invalid(path, `line ${index + 1} is no JSON`, error);
    }
    if (typeof value !== 'object' || value === null || !('sql' in value) || typeof value.sql !== 'string') {
      throw invalid(path, `line ${index + 1} has no text "sql"`);
    }
    const author = 'author' in value ? value.author : undefined;
    if (author === 'builder') return [];
    const sql = author === 'mixed' ? value.sql.replaceAll(/`([^`]*)`/g, '"$1"') : value.sql;
    return { sql, line: index + 1 };
  });
}

function invalid(path: string, found: string, cause?: unknown): CrossfadeError {
  return new CrossfadeError('CONFIG_INVALID', `the file of statements "${path}" cannot be used: ${found}`, {
    hint: 'give a file of lines like {"sql": "select …", "count": 3}, or of SQL statements that end in semicolons',
    cause,
  });
}
