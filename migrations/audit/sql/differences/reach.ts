import type { Catalog } from '../../../translate/catalog.ts';
import type { Expr, Select } from '../../../sqlite/schema.ts';
import { bare } from './difference.ts';
import { expressionFacts } from './expression-facts.ts';
import { knownColumn, lookUp, UNKNOWN } from './facts.ts';
import type { Facts, KnownColumn, KnownTable, Reach } from './facts.ts';

export type Core = Extract<Select['select'], { type: 'SelectFrom' }>;
export type From = NonNullable<Core['from']>;
type Source = NonNullable<From['select']>;

/** Bits of a join's kind: https://www.npmjs.com/package/sqlite3-parser */
const LEFT = 8;
const RIGHT = 16;

/** What names mean in the parts of a statement. */
export class Reaches {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  facts = (expr: Expr, reach: Reach): Facts =>
    expressionFacts(expr, reach, (select, outer) => this.#columnsOf(select, outer)[0]?.facts ?? UNKNOWN);

  /** The names in sight with the WITH of a query. */
  withQueries(clause: Select['with'], outer: Reach | null): Reach {
    const queries = new Map<string, readonly KnownColumn[]>();
    const reach: Reach = { tables: [], queries, neverNull: new Set(), aliases: new Map(), outer };
    for (const { tblName, columns, select } of clause?.ctes ?? []) {
      const found = this.#columnsOf(select, reach);
      queries.set(
        tblName.text.toLowerCase(),
        found.map((column, index) => ({ ...column, name: columns?.[index]?.colName.text ?? column.name })),
      );
    }
    return reach;
  }

  /** The names in sight within a query's core; `where` tells which columns are never NULL. */
  core({ from, whereClause, columns }: Pick<Core, 'from' | 'whereClause' | 'columns'>, outer: Reach): Reach {
    const reach = this.tables(from === undefined ? [] : this.#from(from, outer), whereClause, outer);
    const aliases = new Map<string, Facts>();
    for (const column of columns) {
      if (column.type === 'ExprResultColumn' && column.alias !== undefined) {
        aliases.set(column.alias.name.text.toLowerCase(), this.facts(column.expr, reach));
      }
    }
    return { ...reach, aliases };
  }

  /** The names in sight where some tables are. */
  tables(tables: readonly KnownTable[], where: Expr | undefined, outer: Reach | null): Reach {
    const reach: Reach = { tables, queries: new Map(), neverNull: new Set(), aliases: new Map(), outer };
    return where === undefined ? reach : { ...reach, neverNull: neverNull(where, reach) };
  }

  /** A table of the catalog, by whatever name it goes. */
  table(name: string, alias: string | undefined): KnownTable {
    return { name: alias ?? name, columns: this.#catalog.table(name)?.columns.map(knownColumn) ?? [] };
  }

  from(from: From | undefined, outer: Reach): readonly KnownTable[] {
    return from === undefined ? [] : this.#from(from, outer);
  }

  #from(from: From, outer: Reach): readonly KnownTable[] {
    let tables = from.select === undefined ? [] : this.#source(from.select, outer);
    for (const { operator, table } of from.joins ?? []) {
      const kind = operator.type === 'TypedJoinJoinOperator' ? (operator.joinType ?? 0) : 0;
      const right = this.#source(table, outer);
      tables = [
        ...((kind & RIGHT) === 0 ? tables : tables.map(nullable)),
        ...((kind & LEFT) === 0 ? right : right.map(nullable)),
      ];
    }
    return tables;
  }

  #source(source: Source, outer: Reach): readonly KnownTable[] {
    const alias = source.alias?.name.text;
    switch (source.type) {
      case 'TableSelectTable': {
        const name = source.tblName.objName.text;
        for (let place: Reach | null = outer; place !== null; place = place.outer) {
          const columns = place.queries.get(name.toLowerCase());
          if (columns !== undefined) return [{ name: alias ?? name, columns }];
        }
        return [this.table(name, alias)];
      }
      case 'SelectSelectTable':
        return [{ name: alias ?? null, columns: this.#columnsOf(source.select, outer) }];
      case 'SubSelectTable':
        return this.#from(source.from, outer);
      case 'TableCallSelectTable':
        return [{ name: alias ?? source.tblName.objName.text, columns: [] }];
    }
  }

  #columnsOf(select: Select, outer: Reach): readonly KnownColumn[] {
    const queries = this.withQueries(select.with, outer);
    const { select: core } = select;
    if (core.type === 'SelectValues') {
      const [row] = core.values;
      return (row?.values ?? []).map((value, index) => ({
        name: `column${index + 1}`,
        facts: this.facts(value, queries),
      }));
    }
    const reach = this.core(core, queries);
    return core.columns.flatMap((column): readonly KnownColumn[] => {
      if (column.type === 'StarResultColumn') return reach.tables.flatMap(({ columns }) => columns);
      if (column.type === 'TableStarResultColumn') {
        const wanted = column.table.text.toLowerCase();
        return reach.tables.filter(({ name }) => name?.toLowerCase() === wanted).flatMap(({ columns }) => columns);
      }
      const { column: known, constant: _, ...facts } = this.facts(column.expr, reach);
      return [{ name: column.alias?.name.text ?? known?.name ?? '', facts }];
    });
  }
}

function nullable(table: KnownTable): KnownTable {
  return {
    ...table,
    columns: table.columns.map(({ name, facts }) => ({ name, facts: { ...facts, isNullable: true } })),
  };
}

/** Columns that are not NULL in the rows for which a condition is true. */
function neverNull(condition: Expr, reach: Reach): ReadonlySet<KnownColumn> {
  const found = new Set<KnownColumn>();
  const note = (expr: Expr): void => {
    const column = columnOf(bare(expr), reach);
    if (column !== undefined) found.add(column);
  };
  const visit = (expr: Expr): void => {
    const one = bare(expr);
    if (one.type === 'NotNullExpr') note(one.expr);
    if ((one.type === 'LikeExpr' || one.type === 'BetweenExpr' || one.type === 'InListExpr') && !one.not) note(one.lhs);
    if (one.type === 'InSelectExpr' && !one.not) note(one.lhs);
    if (one.type !== 'BinaryExpr') return;
    if (one.op === 'And') {
      visit(one.left);
      visit(one.right);
    }
    if (one.op === 'IsNot' && bare(one.right).type === 'NullLiteral') note(one.left);
    if (['Equals', 'NotEquals', 'Less', 'LessEquals', 'Greater', 'GreaterEquals'].includes(one.op)) {
      note(one.left);
      note(one.right);
    }
  };
  visit(condition);
  return found;
}

function columnOf(expr: Expr, reach: Reach): KnownColumn | undefined {
  if (expr.type === 'Id') return lookUp(reach, expr.name).column;
  return expr.type === 'QualifiedExpr' ? lookUp(reach, expr.column.text, expr.table.text).column : undefined;
}
