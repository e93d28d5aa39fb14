import { isQuotedName, literalOf, mapNodes } from './schema-expression.ts';
import type { Select, Stmt } from './schema.ts';

/**
 * The columns of a table or view, or `any` if they are not known: then every name may be one. `undefined` where there is
 * no such table.
 */
export type ColumnsOf = (table: string) => ReadonlySet<string> | 'any' | undefined;

/** A statement in which names are told from string literals. */
export interface Resolved<T> {
  readonly node: T;
  /** The names that were string literals, in the order they stand, each time they do. */
  readonly strings: readonly { readonly text: string; readonly offset: number; readonly length: number }[];
}

/**
 * In a statement, makes string literals of the names in double quotes that name no column where they stand: SQLite
 * takes them for that (https://sqlite.org/quirks.html#dblquote), unless it was told not to, as in better-sqlite3. A name
 * that may be a column is left alone.
 */
export function resolveQuotedStrings<T extends Select | Stmt>(root: T, sql: string, columnsOf: ColumnsOf): Resolved<T> {
  const walk = new Walk(sql, columnsOf);
  const node = walk.visit(root, null, new Map()) as T;
  return { node, strings: walk.strings };
}

/** A part of a statement, its double-quoted strings in single quotes. */
export function withLiterals(
  sql: string,
  { start, end }: { readonly start: number; readonly end: number },
  strings: Resolved<unknown>['strings'],
): string {
  let text = '';
  let at = start;
  for (const { text: value, offset, length } of [...strings].sort((a, b) => a.offset - b.offset)) {
    if (offset < start || offset >= end) continue;
    text += `${sql.slice(at, offset)}'${value.replaceAll("'", "''")}'`;
    at = offset + length;
  }
  return text + sql.slice(at, end);
}

type Names = ReadonlySet<string> | 'any';

/** What names mean at a place: the columns of the FROM around it, and of those around that. */
interface Scope {
  readonly names: Names;
  readonly outer: Scope | null;
}

/** The columns of the common tables in sight. */
type Commons = ReadonlyMap<string, Names>;
type Node = Readonly<Record<string, unknown>> & { readonly type: string };
type Arm = Select['select'];
type From = NonNullable<Extract<Arm, { type: 'SelectFrom' }>['from']>;
type Source = NonNullable<From['select']>;
type AlterTable = Extract<Stmt, { type: 'AlterTableStmt' }>;
type CreateTable = Extract<Stmt, { type: 'CreateTableStmt' }>;
type CreateIndex = Extract<Stmt, { type: 'CreateIndexStmt' }>;

const ROWID = ['rowid', 'oid', '_rowid_'];
/** https://sqlite.org/json1.html#jeach */
const OF_TABLE_FUNCTION: Readonly<Record<string, readonly string[]>> = {
  json_each: ['key', 'value', 'type', 'atom', 'id', 'parent', 'fullkey', 'path'],
  json_tree: ['key', 'value', 'type', 'atom', 'id', 'parent', 'fullkey', 'path'],
  jsonb_each: ['key', 'value', 'type', 'atom', 'id', 'parent', 'fullkey', 'path'],
  jsonb_tree: ['key', 'value', 'type', 'atom', 'id', 'parent', 'fullkey', 'path'],
  generate_series: ['value', 'start', 'stop', 'step'],
};

class Walk {
  readonly strings: { text: string; offset: number; length: number }[] = [];
  readonly #sql: string;
  readonly #columnsOf: ColumnsOf;

  constructor(sql: string, columnsOf: ColumnsOf) {
    this.#sql = sql;
    this.#columnsOf = columnsOf;
  }

  visit(value: unknown, scope: Scope | null, commons: Commons): unknown {
    if (Array.isArray(value)) return value.map((item: unknown) => this.visit(item, scope, commons));
    if (!isNode(value)) return value;
    if (isQuotedName(value, this.#sql) && !isKnown(value.name, scope)) {
      this.strings.push({ text: value.name, offset: value.span.offset, length: value.span.length });
      return literalOf(value);
    }
    switch (value.type) {
      case 'Select':
        return this.#select(value as unknown as Select, scope, commons);
      case 'UpdateStmt':
      case 'DeleteStmt':
      case 'InsertStmt':
      case 'UpdateTriggerCmd':
      case 'DeleteTriggerCmd':
      case 'InsertTriggerCmd':
        return this.#change(value, scope, commons);
      case 'CreateTableStmt':
        return this.#within(value, this.#declaredNames(value as unknown as CreateTable));
      case 'CreateIndexStmt':
        return this.#within(value, this.#tableNames((value as unknown as CreateIndex).tblName.text, new Map()));
      case 'AlterTableStmt':
        return this.#within(value, this.#alteredNames(value as unknown as AlterTable));
      case 'PragmaStmt':
        return value;
      default:
        return mapNodes(value, (child) => this.visit(child, scope, commons));
    }
  }

  #within(node: Node, names: Names): unknown {
    return mapNodes(node, (child) => this.visit(child, { names, outer: null }, new Map()));
  }

  #alteredNames({ tblName, body }: AlterTable): Names {
    const added = body.type === 'AddColumnAlterTableBody' ? [body.column.colName.text.toLowerCase()] : [];
    return union([this.#tableNames(tblName.objName.text, new Map()), new Set(added)]);
  }

  #declaredNames({ body }: CreateTable): Names {
    if (body.type !== 'ColumnsAndConstraintsCreateTableBody') return new Set();
    return new Set([...body.columns.map(({ colName }) => colName.text.toLowerCase()), ...ROWID]);
  }

  #select(select: Select, outer: Scope | null, around: Commons): unknown {
    const { commons, visited } = this.#with(select.with, outer, around);
    const first = this.#arm(select.select, outer, commons);
    const others = (select.compounds ?? []).map((compound) => ({
      compound,
      ...this.#arm(compound.select, outer, commons),
    }));
    // ORDER BY may name a column of any of the queries.
    const scope: Scope = { names: union([first.scope.names, ...others.map((arm) => arm.scope.names)]), outer };
    return {
      ...select,
      with: visited,
      select: first.node,
      compounds:
        select.compounds === undefined
          ? undefined
          : others.map(({ compound, node }) => ({ ...compound, select: node })),
      orderBy: this.visit(select.orderBy, scope, commons),
      limit: this.visit(select.limit, scope, commons),
    };
  }

  #with(clause: Select['with'], outer: Scope | null, around: Commons): { commons: Commons; visited: unknown } {
    const commons = new Map(around);
    const ctes = clause?.ctes.map((cte) => {
      const own = cte.columns?.map(({ colName }) => colName.text.toLowerCase());
      const inside = new Map(commons);
      // Its own name, for one that is recursive: its first arm decides what it is called.
      const names: Names = own === undefined ? this.#outputs(cte.select.select, commons) : new Set(own);
      inside.set(cte.tblName.text.toLowerCase(), names);
      const select = this.visit(cte.select, outer, inside);
      commons.set(cte.tblName.text.toLowerCase(), names);
      return { ...cte, select };
    });
    return { commons, visited: clause === undefined ? undefined : { ...clause, ctes } };
  }

  /** One SELECT or VALUES. Its scope is the one of ORDER BY: with the names that AS gives. */
  #arm(arm: Arm, outer: Scope | null, commons: Commons): { node: unknown; scope: Scope } {
    if (arm.type === 'SelectValues')
      return {
        node: mapNodes(arm as unknown as Node, (child) => this.visit(child, outer, commons)),
        scope: { names: new Set(), outer },
      };
    const inside: Scope = { names: this.#namesOf(arm.from, commons), outer };
    const aliases = arm.columns.flatMap((column) =>
      column.type === 'ExprResultColumn' && column.alias !== undefined ? [column.alias.name.text.toLowerCase()] : [],
    );
    const withAliases: Scope = { names: union([inside.names, new Set(aliases)]), outer };
    const { columns, from, whereClause, groupBy, having, windowClause } = arm;
    return {
      node: {
        ...arm,
        columns: this.visit(columns, inside, commons),
        from: from === undefined ? undefined : this.#from(from, inside, commons),
        whereClause: this.visit(whereClause, withAliases, commons),
        groupBy: this.visit(groupBy, withAliases, commons),
        having: this.visit(having, withAliases, commons),
        windowClause: this.visit(windowClause, withAliases, commons),
      },
      scope: withAliases,
    };
  }

  /** Queries within FROM do not see their neighbours; ON and the arguments of table functions do. */
  #from(from: From, inside: Scope, commons: Commons): unknown {
    const source = (table: Source): unknown => {
      if (table.type === 'SelectSelectTable')
        return { ...table, select: this.visit(table.select, inside.outer, commons) };
      if (table.type === 'SubSelectTable') return { ...table, from: this.#from(table.from, inside, commons) };
      return mapNodes(table as unknown as Node, (child) => this.visit(child, inside, commons));
    };
    return {
      ...from,
      select: from.select === undefined ? undefined : source(from.select),
      joins: from.joins?.map((join) => ({
        ...join,
        table: source(join.table),
        constraint: this.visit(join.constraint, inside, commons),
      })),
    };
  }

  /** INSERT, UPDATE and DELETE: the names of their table, and of the FROM of an UPDATE. */
  #change(node: Node, outer: Scope | null, around: Commons): unknown {
    const { commons, visited } = this.#with(node['with'] as Select['with'], outer, around);
    const table = (node['tblName'] as { objName: { text: string } }).objName.text;
    const from = node['from'] as From | undefined;
    const names = union([this.#tableNames(table, new Map()), this.#namesOf(from, commons)]);
    const inside: Scope = { names, outer };
    const mapped = mapNodes(node, (child, key) => {
      if (key === 'with') return visited;
      if (key === 'from') return from === undefined ? undefined : this.#from(from, inside, commons);
      // What an INSERT selects does not see the table it goes to; its upsert clauses do.
      if (key === 'select') return this.visit(child, outer, commons);
      if (key === 'body') return this.#insertBody(child, { inside, outer }, commons);
      return this.visit(child, inside, commons);
    });
    return mapped;
  }

  #insertBody(body: unknown, { inside, outer }: { inside: Scope; outer: Scope | null }, commons: Commons): unknown {
    if (!isNode(body)) return body;
    return mapNodes(body, (child, key) => this.visit(child, key === 'select' ? outer : inside, commons));
  }

  #namesOf(from: From | undefined, commons: Commons): Names {
    if (from === undefined) return new Set();
    const sources = [from.select, ...(from.joins ?? []).map(({ table }) => table)];
    return union(
      sources.map((source) => (source === undefined ? new Set<string>() : this.#sourceNames(source, commons))),
    );
  }

  #sourceNames(source: Source, commons: Commons): Names {
    switch (source.type) {
      case 'TableSelectTable':
        return this.#tableNames(source.tblName.objName.text, commons);
      case 'TableCallSelectTable': {
        const known = OF_TABLE_FUNCTION[source.tblName.objName.text.toLowerCase()];
        return known === undefined ? 'any' : new Set([...known, ...ROWID]);
      }
      case 'SelectSelectTable': {
        const { commons: inner } = this.#withNames(source.select.with, commons);
        return this.#outputs(source.select.select, inner);
      }
      case 'SubSelectTable':
        return this.#namesOf(source.from, commons);
    }
  }

  #tableNames(name: string, commons: Commons): Names {
    const lower = name.toLowerCase();
    const known = commons.get(lower) ?? this.#columnsOf(lower) ?? 'any';
    return known === 'any' ? 'any' : new Set([...known, ...ROWID]);
  }

  #withNames(clause: Select['with'], around: Commons): { commons: Commons } {
    const commons = new Map(around);
    for (const cte of clause?.ctes ?? []) {
      const own = cte.columns?.map(({ colName }) => colName.text.toLowerCase());
      commons.set(
        cte.tblName.text.toLowerCase(),
        own === undefined ? this.#outputs(cte.select.select, commons) : new Set(own),
      );
    }
    return { commons };
  }

  /** What the columns of a query are called, as far as others can call them that. */
  #outputs(arm: Arm, commons: Commons): Names {
    if (arm.type === 'SelectValues')
      return new Set((arm.values[0]?.values ?? []).map((_, index) => `column${index + 1}`));
    return union(
      arm.columns.map((column): Names => {
        switch (column.type) {
          case 'StarResultColumn':
            return this.#namesOf(arm.from, commons);
          // Which of the sources it means is not worth the trouble: all their names are more than enough.
          case 'TableStarResultColumn':
            return this.#namesOf(arm.from, commons);
          case 'ExprResultColumn': {
            if (column.alias !== undefined) return new Set([column.alias.name.text.toLowerCase()]);
            if (column.expr.type === 'Id') return new Set([column.expr.name.toLowerCase()]);
            if (column.expr.type === 'QualifiedExpr') return new Set([column.expr.column.text.toLowerCase()]);
            // It is called by its own text.
            return new Set([
              this.#sql.slice(column.expr.span.offset, column.expr.span.offset + column.expr.span.length).toLowerCase(),
            ]);
          }
        }
      }),
    );
  }
}

function isKnown(name: string, scope: Scope | null): boolean {
  for (let at = scope; at !== null; at = at.outer)
    if (at.names === 'any' || at.names.has(name.toLowerCase())) return true;
  return false;
}

function union(parts: readonly Names[]): Names {
  const all = new Set<string>();
  for (const part of parts) {
    if (part === 'any') return 'any';
    for (const name of part) all.add(name);
  }
  return all;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}
