import type { Catalog, CatalogColumn } from '../../../translate/catalog.ts';
import type { Expr, Select, Stmt } from '../../../sqlite/schema.ts';
import { bare, warning } from './difference.ts';
import type { Difference, RuleContext } from './difference.ts';
import type { Facts, Reach } from './facts.ts';
import { callDifferences, castDifferences } from './function-rules.ts';
import { collationDifferences, likeDifferences, operatorDifferences } from './operator-rules.ts';
import { Reaches } from './reach.ts';
import type { Core } from './reach.ts';
import { resultDifferences } from './result-rules.ts';

type Sorted = NonNullable<Select['orderBy']>[number];
type Insert = Extract<Stmt, { type: 'InsertStmt' }>;
type Update = Extract<Stmt, { type: 'UpdateStmt' }>;
type Delete = Extract<Stmt, { type: 'DeleteStmt' }>;

/**
 * Why a statement that PostgreSQL takes as it is gives other answers there, or has another effect. It is meant for
 * statements that PostgreSQL prepares: what it refuses is not looked for. Nothing is told on a guess; a column that
 * cannot be NULL has no other order.
 *
 * @param source the text that was parsed.
 * @param isPart whether the statement was put around a part of one, so that its result is nobody's.
 */
export function differences(
  statement: Stmt,
  { catalog, source, isPart }: { readonly catalog: Catalog; readonly source: string; readonly isPart: boolean },
): readonly Difference[] {
  const walk = new Walk(catalog, source, isPart);
  walk.statement(statement);
  return walk.found;
}

class Walk {
  readonly #found = new Map<string, Difference>();
  readonly #catalog: Catalog;
  readonly #reaches: Reaches;
  readonly #source: string;
  readonly #isPart: boolean;

  constructor(catalog: Catalog, source: string, isPart: boolean) {
    this.#catalog = catalog;
    this.#reaches = new Reaches(catalog);
    this.#source = source;
    this.#isPart = isPart;
  }

  /** One of each kind: more of them in one statement would say the same again. */
  get found(): readonly Difference[] {
    return [...this.#found.values()];
  }

  statement(statement: Stmt): void {
    switch (statement.type) {
      case 'SelectStmt':
        this.#select(statement.body, null, { isResult: !this.#isPart });
        return;
      case 'InsertStmt':
        this.#insert(statement);
        return;
      case 'UpdateStmt':
        this.#update(statement);
        return;
      case 'DeleteStmt':
        this.#delete(statement);
        return;
      default:
    }
  }

  #select(select: Select, outer: Reach | null, { isResult = false }: { readonly isResult?: boolean } = {}): void {
    const queries = this.#reaches.withQueries(select.with, outer);
    for (const cte of select.with?.ctes ?? []) this.#select(cte.select, queries);
    const cores = [select.select, ...(select.compounds ?? []).map((compound) => compound.select)];
    const reaches = cores.map((core) => this.#core(core, queries));
    const [first, reach] = [cores[0], reaches[0] ?? queries];
    if (first?.type === 'SelectFrom') {
      if (isResult) this.#add(resultDifferences(first.columns, { ...this.#context(reach), source: this.#source }));
      this.#orderBy(select.orderBy ?? [], first, reach);
    }
    if (select.limit !== undefined) this.#limit(select.limit);
  }

  #core(core: Select['select'], outer: Reach): Reach {
    if (core.type === 'SelectValues') {
      this.#visit(core, outer);
      return outer;
    }
    const reach = this.#reaches.core(core, outer);
    this.#visit(core, reach);
    const keys =
      core.distinctness === 'Distinct'
        ? core.columns.flatMap((column) => (column.type === 'ExprResultColumn' ? column.expr : []))
        : [];
    for (const key of [...(core.groupBy ?? []), ...keys]) {
      this.#add(collationDifferences(key, [this.#reaches.facts(key, reach)], this.#context(reach)));
    }
    return reach;
  }

  /** Whatever is below a node; queries in it have their own names. */
  #visit(node: object, reach: Reach): void {
    for (const child of Object.values(node) as readonly unknown[]) {
      for (const one of Array.isArray(child) ? (child as readonly unknown[]) : [child]) {
        if (typeof one !== 'object' || one === null || !('type' in one)) continue;
        const found = one as { readonly type: string };
        if (found.type === 'Select') {
          this.#select(one as Select, reach);
          continue;
        }
        if (found.type === 'SortedColumn') this.#sorted(one as Sorted, reach);
        this.#expression(one as Expr, reach);
        this.#visit(one, reach);
      }
    }
  }

  #expression(ast: Expr, reach: Reach): void {
    const context = this.#context(reach);
    switch (ast.type) {
      case 'LikeExpr':
        return this.#add(likeDifferences(ast, context));
      case 'BinaryExpr':
        return this.#add(operatorDifferences(ast, context));
      case 'InListExpr':
      case 'InSelectExpr':
      case 'BetweenExpr':
        return this.#add(collationDifferences(ast, [context.facts(ast.lhs)], context));
      case 'FunctionCallExpr':
        return this.#add(callDifferences(ast, context));
      case 'CastExpr':
        return this.#add(castDifferences(ast, context));
      case 'CurrentDateLiteral':
      case 'CurrentTimeLiteral':
      case 'CurrentTimestampLiteral':
        return this.#add([
          warning(
            'clock-is-no-text',
            `\`${context.text(ast)}\` is a text in UTC in SQLite (2024-01-31 09:30:00); in PostgreSQL it is a moment with fractions of a second, whose text has an offset`,
            "use datetime('now') translated, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), or bind the text",
          ),
        ]);
      default:
    }
  }

  #orderBy(terms: readonly Sorted[], core: Core, reach: Reach): void {
    for (const term of terms) {
      const expr = bare(term.expr);
      const position = expr.type === 'NumericLiteral' ? core.columns[Number(expr.value) - 1] : undefined;
      const alias = expr.type === 'Id' ? expr.name.toLowerCase() : '';
      // A name in ORDER BY is the result's column before it is a table's.
      const result = core.columns.find(
        (column) => column.type === 'ExprResultColumn' && column.alias?.name.text.toLowerCase() === alias,
      );
      const meant = position ?? result;
      this.#sorted(term, reach, meant?.type === 'ExprResultColumn' ? meant.expr : term.expr);
      this.#expression(term.expr, reach);
      this.#visit(term.expr, reach);
    }
  }

  #sorted(term: Sorted, reach: Reach, expr: Expr = term.expr): void {
    const facts = this.#reaches.facts(expr, reach);
    const { text } = this.#context(reach);
    if (facts.isNullable && term.nulls === undefined && bare(expr).type !== 'NullLiteral') {
      const isDescending = term.order === 'Desc';
      this.#add([
        warning(
          'null-order',
          `\`${text(term.expr)}\` can be NULL, which comes ${isDescending ? 'last' : 'first'} in SQLite's order and ${isDescending ? 'first' : 'last'} in PostgreSQL's`,
          `add NULLS ${isDescending ? 'LAST' : 'FIRST'}, which both know`,
        ),
      ]);
    }
    this.#add(collationDifferences(term.expr, [facts], this.#context(reach)));
  }

  #limit({ expr, offset }: NonNullable<Select['limit']>): void {
    const limit = bare(expr);
    if (limit.type !== 'UnaryExpr' || limit.op !== 'Negative') return;
    this.#add([
      warning(
        'negative-limit',
        'a negative LIMIT is no limit in SQLite, and an error in PostgreSQL',
        offset === undefined ? 'leave LIMIT out' : 'use LIMIT 9223372036854775807, which both know',
      ),
    ]);
  }

  #insert(statement: Insert): void {
    const queries = this.#reaches.withQueries(statement.with, null);
    const target = this.#catalog.table(statement.tblName.objName.text);
    const into = this.#reaches.table(statement.tblName.objName.text, statement.tblName.alias?.text);
    const excluded = { ...into, name: 'excluded' };
    const reach = this.#reaches.tables([into, excluded], undefined, queries);
    const { body } = statement;
    if (body.type === 'SelectInsertBody') {
      const columns =
        statement.columns?.map(({ text }) => target?.columns.find((column) => isNamed(column, text))) ??
        target?.columns;
      if (body.select.select.type === 'SelectValues') {
        for (const { values } of body.select.select.values) {
          values.forEach((value, index) => this.#assigned(value, columns?.[index], queries));
        }
      } else this.#select(body.select, queries);
      if (body.upsert !== undefined) this.#visit(body.upsert, reach);
    }
    for (const cte of statement.with?.ctes ?? []) this.#select(cte.select, queries);
    this.#returning(statement.returning, reach);
  }

  #update(statement: Update): void {
    const queries = this.#reaches.withQueries(statement.with, null);
    for (const cte of statement.with?.ctes ?? []) this.#select(cte.select, queries);
    const { objName, alias } = statement.tblName;
    const target = this.#catalog.table(objName.text);
    const tables = [this.#reaches.table(objName.text, alias?.text), ...this.#reaches.from(statement.from, queries)];
    const reach = this.#reaches.tables(tables, statement.whereClause, queries);
    for (const { colNames, expr } of statement.sets) {
      const [only, another] = colNames;
      const column = another === undefined ? target?.columns.find((one) => isNamed(one, only?.text ?? '')) : undefined;
      // What WHERE says of a row is said of the row before it changes.
      this.#assigned(expr, column, reach);
    }
    this.#visit({ from: statement.from, where: [statement.whereClause] }, reach);
    this.#returning(statement.returning, reach);
  }

  #delete(statement: Delete): void {
    const queries = this.#reaches.withQueries(statement.with, null);
    for (const cte of statement.with?.ctes ?? []) this.#select(cte.select, queries);
    const { objName, alias } = statement.tblName;
    const reach = this.#reaches.tables(
      [this.#reaches.table(objName.text, alias?.text)],
      statement.whereClause,
      queries,
    );
    this.#visit({ where: [statement.whereClause] }, reach);
    this.#returning(statement.returning, reach);
  }

  #returning(columns: Insert['returning'], reach: Reach): void {
    if (columns === undefined) return;
    this.#visit({ columns }, reach);
    this.#add(resultDifferences(columns, { ...this.#context(reach), source: this.#source }));
  }

  /** A value on its way into a column. */
  #assigned(value: Expr, column: CatalogColumn | undefined, reach: Reach): void {
    const expr = bare(value);
    if (column?.isRowid === true && expr.type === 'NullLiteral') {
      this.#add([
        warning(
          'null-for-id',
          `NULL for "${column.name}" gives the next id in SQLite, and is an error in PostgreSQL`,
          'leave the column out of the INSERT',
        ),
      ]);
    }
    if (expr.type === 'CurrentTimestampLiteral' && column?.type.startsWith('timestamp') === true) return;
    if (expr.type === 'CurrentDateLiteral' && column?.type === 'date') return;
    const facts = this.#reaches.facts(expr, reach);
    if (column !== undefined) this.#add(storedDifferences(column, expr, facts, this.#context(reach)));
    this.#visit({ value: [value] }, reach);
  }

  #context(reach: Reach): RuleContext {
    return {
      facts: (expr) => this.#reaches.facts(expr, reach),
      text: ({ span }) =>
        this.#source
          .slice(span.offset, span.offset + span.length)
          .replace(/\s+/g, ' ')
          .trim(),
    };
  }

  #add(found: readonly Difference[]): void {
    for (const difference of found) {
      if (!this.#found.has(difference.code)) this.#found.set(difference.code, difference);
    }
  }
}

/** PostgreSQL converts what is assigned: SQLite's column would have kept the fraction. */
function storedDifferences(
  { name, type }: CatalogColumn,
  expr: Expr,
  facts: Facts,
  { text }: RuleContext,
): readonly Difference[] {
  if (type !== 'integer' || (facts.type !== 'real' && facts.type !== 'numeric')) return [];
  return [
    warning(
      'stored-rounded',
      `\`${text(expr)}\` is rounded on its way into "${name}" in PostgreSQL, and kept with its fraction in SQLite`,
      'make it a whole number before it is stored, in the same way for both',
    ),
  ];
}

function isNamed(column: CatalogColumn, name: string): boolean {
  return column.name.toLowerCase() === name.toLowerCase();
}
