import type Database from 'better-sqlite3';
import { messageOf } from '../../adapter/errors.ts';
import { quote } from '../../adapter/sqlite/sql.ts';
import type { Finding } from '../finding.ts';
import { statementOf } from './declaration.ts';
import type { StoredStatement } from './introspection.ts';
import { resolveQuotedStrings, withLiterals } from './quoted-strings.ts';
import type { ColumnsOf, Resolved } from './quoted-strings.ts';
import { schemaUnclear } from './schema-unclear.ts';
import type { SqliteView, Stmt } from './schema.ts';

type CreateView = Extract<Stmt, { type: 'CreateViewStmt' }>;

/**
 * Reads the views, their columns as SQLite names them. A view that SQLite itself cannot run, since something it names is
 * missing, becomes a finding.
 *
 * Views with string literals in double quotes run in other programs, but not in better-sqlite3, which has them switched
 * off: their columns are those of temporary views in which the literals are quoted as such.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function readViews({
  db,
  stored,
  columnsOf,
  previous,
}: {
  readonly db: Database.Database;
  readonly stored: readonly StoredStatement[];
  readonly columnsOf: ColumnsOf;
  /** Read before, from the same database. */
  readonly previous: readonly SqliteView[];
}): { readonly views: readonly SqliteView[]; readonly findings: readonly Finding[] } {
  const before = new Map(previous.map((view) => [view.name, view]));
  const standIns = new StandIns(db);
  try {
    const known = new Map<string, ReadonlySet<string>>();
    const failed: { readonly view: StoredStatement; readonly statement: CreateView }[] = [];
    const views = new Map<string, SqliteView>();
    const keep = (view: SqliteView): void => {
      known.set(view.name.toLowerCase(), new Set(view.columns.map((column) => column.toLowerCase())));
      views.set(view.name, view);
    };
    for (const view of stored) {
      const { name, sql } = view;
      const columns = columnsOfView(db, name, 'main');
      const same = before.get(name);
      if (columns instanceof Error) failed.push({ view, statement: viewStatement(view) });
      else if (same?.sql === sql) keep({ ...same, columns });
      else keep({ name, columns, select: viewStatement(view).select, sql, quotedAsNames: [] });
    }
    const findings: Finding[] = [];
    // A view can build on one that comes later; once round after round helps none, what is left is broken.
    let left = failed;
    while (left.length > 0) {
      const next: typeof failed = [];
      const problems: Finding[] = [];
      for (const { view, statement } of left) {
        const ofView: ColumnsOf = (name) => known.get(name) ?? columnsOf(name);
        const resolved = resolveQuotedStrings(statement, view.sql, ofView);
        const columns = standIns.make(view, resolved);
        if (!(columns instanceof Error)) {
          const quotedAsNames = resolved.strings.map(({ text }) => text);
          keep({ name: view.name, columns, select: resolved.node.select, sql: view.sql, quotedAsNames });
        } else {
          next.push({ view, statement });
          problems.push(brokenView(view.name, columns));
        }
      }
      if (next.length === left.length) findings.push(...problems);
      left = next.length === left.length ? [] : next;
    }
    return { views: stored.flatMap(({ name }) => views.get(name) ?? []), findings };
  } finally {
    standIns.drop();
  }
}

/** Temporary views that stand in for views which this build of SQLite does not take as they are stored. */
class StandIns {
  readonly #db: Database.Database;
  readonly #names: string[] = [];

  readonly #queryOnly: boolean;

  constructor(db: Database.Database) {
    this.#db = db;
    // It forbids temporary views too.
    this.#queryOnly = Number(db.pragma('query_only', { simple: true })) === 1;
  }

  /** The columns, or SQLite's complaint. */
  make({ name, sql }: StoredStatement, { node, strings }: Resolved<CreateView>): readonly string[] | Error {
    const start = node.viewName.span.offset;
    if (this.#queryOnly) this.#db.pragma('query_only = OFF');
    try {
      this.#db.exec(`CREATE TEMP VIEW ${withLiterals(sql, { start, end: sql.length }, strings)}`);
    } catch (error) {
      return asError(error);
    }
    const columns = columnsOfView(this.#db, name, 'temp');
    if (columns instanceof Error) {
      this.#db.exec(`DROP VIEW temp.${quote(name)}`);
      return columns;
    }
    this.#names.push(name);
    // A column without a name is called by its text, in which the literals look different now.
    const texts = new Map(
      resultSpans(node).map(({ start: from, end }) => {
        return [withLiterals(sql, { start: from, end }, strings), sql.slice(from, end)];
      }),
    );
    const named = columns.map((column) => texts.get(column) ?? column);
    if (named.some((column, index) => column !== columns[index])) {
      // Views over this one see the names it really has.
      const afterName = start + node.viewName.span.length;
      const body = withLiterals(sql, { start: afterName, end: sql.length }, strings);
      this.#db.exec(`DROP VIEW temp.${quote(name)}`);
      this.#db.exec(`CREATE TEMP VIEW ${quote(name)} (${named.map(quote).join(', ')}) ${body}`);
    }
    return named;
  }

  drop(): void {
    for (const name of this.#names) this.#db.exec(`DROP VIEW temp.${quote(name)}`);
    if (this.#queryOnly) this.#db.pragma('query_only = ON');
  }
}

function columnsOfView(db: Database.Database, name: string, schema: 'main' | 'temp'): string[] | Error {
  try {
    return db.prepare(`SELECT name FROM pragma_table_xinfo(?, ?) ORDER BY cid`).pluck().all(name, schema) as string[];
  } catch (error) {
    return asError(error);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}

function resultSpans({ select }: CreateView): readonly { readonly start: number; readonly end: number }[] {
  if (select.select.type !== 'SelectFrom') return [];
  return select.select.columns.flatMap((column) =>
    column.type === 'ExprResultColumn' && column.alias === undefined
      ? [{ start: column.expr.span.offset, end: column.expr.span.offset + column.expr.span.length }]
      : [],
  );
}

function viewStatement({ name, sql }: StoredStatement): CreateView {
  const what = `view "${name}"`;
  const statement = statementOf(sql, what);
  if (statement.type !== 'CreateViewStmt') throw schemaUnclear(what, 'its stored statement is no CREATE VIEW');
  return statement;
}

const MISSING = [
  { pattern: /^no such table: (?:main\.|temp\.)?(.+)$/, kind: 'table' },
  { pattern: /^no such column: (.+?)(?: - should this be .*)?$/, kind: 'column' },
  { pattern: /^no such function: (.+)$/, kind: 'function' },
  { pattern: /^no such module: (.+)$/, kind: 'module' },
  { pattern: /^no such collation sequence: (.+)$/, kind: 'collation' },
] as const;

function brokenView(view: string, error: Error): Finding {
  for (const { pattern, kind } of MISSING) {
    const name = pattern.exec(error.message)?.[1];
    if (name === undefined) continue;
    return {
      severity: 'rejection',
      code: `view-over-missing-${kind}`,
      place: { view },
      message: `it names the ${kind} "${name}", which SQLite does not have`,
      remedy:
        kind === 'table' || kind === 'column'
          ? 'drop the view, or create it anew over what there is now'
          : `give Crossfade's connection the ${kind}, or drop the view`,
    };
  }
  return {
    severity: 'rejection',
    code: 'view-broken',
    place: { view },
    message: `SQLite cannot run it: ${error.message}`,
    remedy: 'drop the view, or create it anew',
  };
}
