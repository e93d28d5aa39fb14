import type {
  RefusedStatement,
  RewrittenStatement,
  SchemaFacts,
  StatementRewriter,
  StatementToRewrite,
} from '../../adapter/compat/rewriter.ts';
import { IS_INSERTED } from '../../adapter/compat/sessions.ts';
import { tryParseStatement } from '../sqlite/parser.ts';
import type { Stmt } from '../sqlite/schema.ts';
import { columnOf } from '../translate/assignment.ts';
import { quoteName } from '../translate/fragment.ts';
import { translateStatement } from '../translate/translate-statement.ts';
import { Untranslatable } from '../translate/translation.ts';
import { LiveCatalog } from './live-catalog.ts';

/** Statements that only change the session or the schema are none of its business. */
const TRANSLATED = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt']);

/** Rewrites statements by the tables that both databases have. */
export class SchemaRewriter implements StatementRewriter {
  readonly #catalog: LiveCatalog;
  readonly #hasPack: boolean;

  constructor(facts: SchemaFacts) {
    this.#catalog = new LiveCatalog(facts);
    this.#hasPack = facts.hasPack;
  }

  rewrite({ sql, bound, isNative }: StatementToRewrite): RewrittenStatement | RefusedStatement {
    const parsed = tryParseStatement(sql);
    if (!parsed.ok) {
      return refused(
        'no-sqlite',
        `SQLite's grammar does not have it: ${parsed.problem.message}`,
        'write it for SQLite',
      );
    }
    const statement = parsed.value;
    if (!TRANSLATED.has(statement.type)) {
      return refused(
        'not-rewritten',
        'only SELECT, INSERT, UPDATE and DELETE are rewritten',
        'run it on each database',
      );
    }
    try {
      return this.#translate(statement, { sql, bound, isNative });
    } catch (error) {
      if (error instanceof Untranslatable) return refused(error.code, error.message, error.remedy);
      throw error;
    }
  }

  #translate(statement: Stmt, { sql, bound, isNative }: StatementToRewrite): RewrittenStatement | RefusedStatement {
    const running = { bound, isNative };
    const translation = translateStatement(statement, { catalog: this.#catalog, source: sql, running });
    if (translation.usesPack && !this.#hasPack) {
      return refused(
        'no-pack',
        'it needs the function pack, which PostgreSQL does not have',
        'install it: `installPack(client)` of knex-crossfade/schema',
      );
    }
    const parameters = translation.bound ?? [];
    const key = insertedKey(statement, this.#catalog);
    if (key === undefined) return { outcome: 'rewritten', sql: translation.sql, parameters };
    if (statement.type === 'InsertStmt' && statement.returning !== undefined) {
      const isReturned = translation.columns.some(({ name }) => name === key);
      return { outcome: 'rewritten', sql: translation.sql, parameters, ...(isReturned ? { returnedKey: key } : {}) };
    }
    return {
      outcome: 'rewritten',
      sql: `${translation.sql} RETURNING ${quoteName(key)}${isUpsert(statement) ? `, ${IS_INSERTED}` : ''}`,
      parameters,
      insertedKey: key,
    };
  }
}

/** The column whose value SQLite would report as `lastInsertRowid`. */
function insertedKey(statement: Stmt, catalog: LiveCatalog): string | undefined {
  if (statement.type !== 'InsertStmt') return undefined;
  const table = catalog.table(statement.tblName.objName.text);
  if (table?.columns.some(({ isRowid }) => isRowid === true) !== true) return undefined;
  return columnOf(table, 'rowid').name;
}

/** What REPLACE has changed was inserted to SQLite. */
function isUpsert(statement: Stmt): boolean {
  return (
    statement.type === 'InsertStmt' &&
    statement.body.type === 'SelectInsertBody' &&
    statement.body.upsert?.doClause.type !== undefined &&
    statement.body.upsert.doClause.type !== 'NothingUpsertDo'
  );
}

function refused(code: string, reason: string, remedy: string): RefusedStatement {
  return { outcome: 'refused', code, reason, remedy };
}
