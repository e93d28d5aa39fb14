import type Database from 'better-sqlite3';
import type { ClientBase } from 'pg';
import { messageOf } from '../../../adapter/errors.ts';
import type { Finding } from '../../finding.ts';
import { tokensOf, tryParseStatement } from '../../sqlite/parser.ts';
import { resolveQuotedStrings, withLiterals } from '../../sqlite/quoted-strings.ts';
import type { SqliteSchema, Stmt } from '../../sqlite/schema.ts';
import type { Catalog } from '../../translate/catalog.ts';
import { translateStatement } from '../../translate/translate-statement.ts';
import { Untranslatable } from '../../translate/translation.ts';
import { differences } from './differences/differences.ts';
import { numbered, prepare } from './prepare.ts';
import type { Refusal } from './prepare.ts';
import type { SqlUse } from './sql-use.ts';
import { withoutColumns, wrappings } from './wrap-part.ts';

/** What was found out about a piece of SQL; the place is the caller's. */
export type Judgement = Omit<Finding, 'place'>;

export interface JudgeSettings {
  /** With the schema in it, and with the application's functions. Statements are prepared on it, and not run. */
  readonly sqlite: Database.Database;
  /** In the transaction in which the planned schema stands, and the function pack not on the search path. */
  readonly postgres: ClientBase;
  readonly schema: SqliteSchema;
  readonly catalog: Catalog;
}

/** A statement in which nothing keeps PostgreSQL from preparing it: its kind can be prepared. */
const PREPARABLE = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt']);
/** Plain BEGIN, COMMIT and their like mean the same in both. */
const TRANSACTIONS = new Set(['BeginStmt', 'CommitStmt', 'RollbackStmt', 'SavepointStmt', 'ReleaseStmt']);

/** grouping_error: the columns of a part may be grouped by what stands elsewhere. */
const GROUPING_ERROR = '42803';
const SYNTAX_ERROR = '42601';
const UNDEFINED_FUNCTION = '42883';

/** Asks both databases about statements, one at a time. */
export class StatementJudge {
  readonly #settings: JudgeSettings;

  constructor(settings: JudgeSettings) {
    this.#settings = settings;
  }

  /** What will become of a statement, or of a part of one, on PostgreSQL. Empty if it does the same there. */
  async judge(use: SqlUse): Promise<readonly Judgement[]> {
    if (use.role !== 'statement') return await this.#part(use);
    const parsed = tryParseStatement(use.sql);
    const refusal = this.#sqliteRefusal(use.sql, parsed.ok ? parsed.value : undefined);
    if (!parsed.ok) return refusal === undefined ? [unread(parsed.problem.message)] : [invalid(use, refusal)];
    const { value: statement } = parsed;
    if (TRANSACTIONS.has(statement.type)) return transactionJudgement(statement);
    if (!PREPARABLE.has(statement.type)) return use.origin === 'migration' ? [] : [schemaJudgement(statement, use.sql)];
    if (refusal !== undefined) return [invalid(use, refusal)];
    return await this.#prepared(use.sql, this.#withStrings(use.sql, statement), { isPart: false });
  }

  async #part(use: SqlUse): Promise<readonly Judgement[]> {
    const candidates = wrappings(use, this.#settings.schema);
    for (const sql of candidates) {
      const parsed = tryParseStatement(sql);
      if (!parsed.ok || this.#sqliteRefusal(sql, parsed.value) !== undefined) continue;
      return await this.#prepared(sql, { statement: parsed.value, sql }, { isPart: true });
    }
    const alone = withoutColumns(use.role, use.sql);
    if (alone === undefined) {
      // A join by itself says nothing without the tables before it.
      return candidates.length === 0 && use.role === 'join'
        ? []
        : [invalid(use, 'it could not be put into a statement')];
    }
    return await this.#alone(alone);
  }

  /** A part whose columns are of no table that could be found: only functions and syntax can be judged. */
  async #alone(sql: string): Promise<readonly Judgement[]> {
    const refusal = await prepare(this.#settings.postgres, numbered(sql));
    if (refusal === undefined || !(await this.#isForAnyTypes(refusal))) return [];
    return [
      {
        severity: 'rejection',
        code: 'fails-on-postgres',
        message: `PostgreSQL refuses it: ${refusal.message}`,
        remedy: 'rewrite it; whose columns it names could not be told, so no working form can be given',
      },
    ];
  }

  /** Whether a refusal stands whatever the types of the columns are. */
  async #isForAnyTypes({ code, message }: Refusal): Promise<boolean> {
    if (code === SYNTAX_ERROR) return true;
    const name = /^function (?:\w+\.)?(\w+)\(/.exec(message)?.[1];
    if (code !== UNDEFINED_FUNCTION || name === undefined) return false;
    const { rows } = await this.#settings.postgres.query(
      "SELECT 1 FROM pg_proc WHERE proname = $1 AND pronamespace = 'pg_catalog'::regnamespace LIMIT 1",
      [name],
    );
    return rows.length === 0;
  }

  async #prepared(
    written: string,
    { statement, sql }: Understood,
    { isPart }: { readonly isPart: boolean },
  ): Promise<readonly Judgement[]> {
    const { postgres, catalog } = this.#settings;
    const asIs = await prepare(postgres, numbered(written));
    if (isPart && asIs?.code === GROUPING_ERROR) return [];
    const translation = this.#translated(statement, sql);
    const isTranslated = !(translation instanceof Untranslatable);
    const refused = isTranslated ? await prepare(postgres, translation) : undefined;
    const found: Judgement[] = [];
    // What stands against both, such as a view that cannot be written to, is not the translation's doing.
    if (isTranslated && refused !== undefined && refused.message !== asIs?.message) {
      found.push({
        severity: 'warning',
        code: 'translation-refused',
        message: `Crossfade's own translation is refused by PostgreSQL, which is a defect of Crossfade: ${refused.message}`,
        remedy: `please report it, with this translation: ${oneLine(translation)}`,
      });
    }
    const working = isTranslated && refused === undefined ? oneLine(translation) : undefined;
    if (asIs === undefined) {
      const different = differences(statement, { catalog, source: sql, isPart });
      found.push(...different.map((difference) => withWorkingForm(difference, working)));
      if (!isTranslated && different.length === 0) found.push(unsure(translation));
    } else if (!isTranslated) found.push(untranslatable(asIs, translation));
    else found.push(failing(asIs, working));
    return found;
  }

  /** The statement in PostgreSQL's words, or why it has none. */
  #translated(statement: Stmt, source: string): string | Untranslatable {
    try {
      return translateStatement(statement, { catalog: this.#settings.catalog, source }).sql;
    } catch (error) {
      if (error instanceof Untranslatable) return error;
      throw error;
    }
  }

  /** What SQLite has against a statement. One that could do something while it is prepared is not given to it. */
  #sqliteRefusal(sql: string, statement: Stmt | undefined): string | undefined {
    if (statement?.type === 'PragmaStmt') return undefined;
    try {
      this.#settings.sqlite.prepare(statement === undefined ? sql : this.#withStrings(sql, statement).sql);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Texts in double quotes, which SQLite may have been told to take for names, in single ones. */
  #withStrings(sql: string, statement: Stmt): Understood {
    if (!tokensOf(sql).some(({ text }) => text.startsWith('"'))) return { statement, sql };
    const { strings } = resolveQuotedStrings(statement, sql, (table) => {
      const found = this.#settings.catalog.table(table);
      return found === undefined ? 'any' : new Set(found.columns.map(({ name }) => name.toLowerCase()));
    });
    if (strings.length === 0) return { statement, sql };
    const literal = withLiterals(sql, { start: 0, end: sql.length }, strings);
    const parsed = tryParseStatement(literal);
    return parsed.ok ? { statement: parsed.value, sql: literal } : { statement, sql };
  }
}

interface Understood {
  readonly statement: Stmt;
  /** The text that {@link statement} was parsed from. */
  readonly sql: string;
}

function failing(asIs: Refusal, working: string | undefined): Judgement {
  return {
    severity: 'rejection',
    code: 'fails-on-postgres',
    message: `PostgreSQL refuses it: ${asIs.message}`,
    remedy: working === undefined ? 'rewrite it' : `in PostgreSQL's words: ${working}`,
  };
}

function untranslatable(asIs: Refusal, { message, remedy }: Untranslatable): Judgement {
  return {
    severity: 'rejection',
    code: 'cannot-be-translated',
    message: `PostgreSQL refuses it (${asIs.message}), and it has no translation: ${message}`,
    remedy,
  };
}

/** PostgreSQL takes it as it is, and yet nobody can say that it means the same. */
function unsure({ message, remedy }: Untranslatable): Judgement {
  return {
    severity: 'warning',
    code: 'cannot-be-translated',
    message: `PostgreSQL takes it as it is; whether it answers the same cannot be shown: ${message}`,
    remedy,
  };
}

function withWorkingForm(difference: Judgement, working: string | undefined): Judgement {
  if (working === undefined || difference.severity === 'note') return difference;
  return { ...difference, remedy: `${difference.remedy ?? ''}; with the same answers: ${working}` };
}

function invalid({ isAssembled }: SqlUse, refusal: string): Judgement {
  if (isAssembled) {
    return {
      severity: 'note',
      code: 'put-together-at-run-time',
      message: `the program puts it together, and what runs cannot be told from here (${refusal})`,
      remedy: 'record what runs, and give it with --statements',
    };
  }
  const isFunction = refusal.startsWith('no such function');
  return {
    severity: 'note',
    code: 'not-valid-on-sqlite',
    message: `SQLite does not take it with this schema, so it was not looked at: ${refusal}`,
    remedy: isFunction
      ? "give the application's functions in the config file"
      : 'nothing, if it is for another database or a table that comes and goes',
  };
}

function unread(problem: string): Judgement {
  return {
    severity: 'warning',
    code: 'not-understood',
    message: `SQLite takes it, and Crossfade cannot read it: ${problem}`,
    remedy: 'please report it; look at it yourself meanwhile',
  };
}

function transactionJudgement(statement: Stmt): readonly Judgement[] {
  if (statement.type !== 'BeginStmt' || statement.tx === undefined) return [];
  return [
    {
      severity: 'rejection',
      code: 'fails-on-postgres',
      message: `PostgreSQL does not know BEGIN ${statement.tx.toUpperCase()}`,
      remedy: "in PostgreSQL's words: BEGIN; through Knex, use knex.transaction()",
    },
  ];
}

function schemaJudgement(statement: Stmt, sql: string): Judgement {
  if (statement.type === 'PragmaStmt') {
    return {
      severity: 'warning',
      code: 'pragma',
      message: `PRAGMA ${statement.name.objName.text} is SQLite's own`,
      remedy: 'give it to the connection to SQLite alone (pool.afterCreate), or leave it out',
    };
  }
  const words = sql.trim().split(/\s+/, 2).join(' ').toUpperCase();
  return {
    severity: 'warning',
    code: 'schema-statement',
    message: `${words} at run time changes or describes the database itself, which must happen on both`,
    remedy:
      'make it a migration, and run it with `crossfade migrate`; leave out ANALYZE, VACUUM, ATTACH and their like',
  };
}

function oneLine(sql: string): string {
  return sql.replace(/\s*\n\s*/g, ' ').trim();
}
