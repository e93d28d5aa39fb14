import type { Expr } from '../sqlite/schema.ts';
import { collated, comparablePair, compareFragments } from './compare-fragments.ts';
import { asAny, wide } from './convert.ts';
import type { Emission } from './emission.ts';
import { castTo, logical, quoteName, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateQuery } from './query.ts';
import type { Query } from './query.ts';
import { compareRows, isRow } from './row-value.ts';
import { queryTable, resolveQuery, scopeTable } from './scope.ts';
import { catalogTable } from './from.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

/** `x IN (a, b)`, which is `x = +a OR x = +b`: https://sqlite.org/lang_expr.html#the_in_and_not_in_operators */
export function translateInList(ast: Extract<Expr, { type: 'InListExpr' }>, setting: Setting): Fragment {
  const { emission } = setting;
  const items = ast.rhs ?? [];
  // Nothing is in an empty list, not even NULL.
  if (items.length === 0) return logical(ast.not ? 'true' : 'false');
  if (isRow(ast.lhs)) {
    const { lhs: left, span } = ast;
    const equal = items.map(
      (right) => compareRows({ type: 'BinaryExpr', op: 'Equals', left, right, span }, setting).sql,
    );
    return logical(`(${ast.not ? 'NOT ' : ''}(${equal.join(' OR ')}))`);
  }
  const operand = translateNode(ast.lhs, setting);
  const values = items.map((item) => ({ ...translateNode(item, setting), affinity: null, collation: null }));
  const isListable = values.every(({ constant }) => constant?.kind !== 'null');
  const pairs = isListable ? values.map((value) => comparablePair(operand, value, emission)) : [];
  const left = pairs[0]?.left;
  const isUniform = isListable && pairs.every((pair) => pair.outcome === undefined && pair.left.sql === left?.sql);
  const sql = isUniform
    ? `(${left?.sql} ${ast.not ? 'NOT IN' : 'IN'} (${pairs.map((pair) => pair.right.sql).join(', ')}))`
    : `(${ast.not ? 'NOT ' : ''}(${values.map((value) => compareFragments('=', operand, value, emission).sql).join(' OR ')}))`;
  return logical(sql);
}

/** `x IN (SELECT …)`: compared as `x = column`. */
export function translateInSelect(ast: Extract<Expr, { type: 'InSelectExpr' }>, setting: Setting): Fragment {
  return inQuery(ast, translateQuery(ast.rhs, setting, { isNested: true }), setting);
}

/** `x IN table`, which is `x IN (SELECT * FROM table)`. */
export function translateInTable(ast: Extract<Expr, { type: 'InTableExpr' }>, setting: Setting): Fragment {
  if (ast.args !== undefined) {
    throw new Untranslatable('in-function', 'IN looks into a table-valued function', 'use IN (SELECT … FROM …)');
  }
  const named = ast.rhs.dbName === undefined ? resolveQuery(setting.scope, ast.rhs.objName.text) : undefined;
  const table =
    named === undefined
      ? scopeTable(catalogTable(ast.rhs, setting.emission), null, null)
      : queryTable(named.columns, null, named.name);
  const name = named?.name ?? table.base?.name ?? '';
  const columns = table.columns.map((column) => quoteName(column.name)).join(', ');
  return inQuery(ast, { sql: `SELECT ${columns} FROM ${quoteName(name)}`, columns: table.columns }, setting);
}

function inQuery({ lhs, not }: { lhs: Expr; not: boolean }, query: Query, setting: Setting): Fragment {
  const { emission } = setting;
  const operands = (isRow(lhs) ? lhs.exprs : [lhs]).map((part) => translateNode(part, setting));
  if (operands.length !== query.columns.length) {
    throw new Untranslatable(
      'row-value',
      'IN compares rows of different lengths',
      'compare as many values as are selected',
    );
  }
  const name = emission.freshName();
  const outside = queryTable(query.columns, null, name).columns.map(({ fragment }) => fragment);
  const [only, value] = [operands[0], outside[0]];
  if (operands.length === 1 && only !== undefined && value?.type === 'any') {
    const key = keyFor(only, value, emission);
    if (key !== undefined) {
      const keys = `SELECT ${key.right} AS k, ${value.sql} AS v FROM (${query.sql}) AS ${quoteName(name)}`;
      // What can never be equal is left out; NULL stays, as it makes the answer NULL.
      const able = `SELECT k FROM (${keys}) AS ${quoteName(emission.freshName())} WHERE NOT (k IS NULL) OR v IS NULL`;
      return logical(`(${key.left} ${not ? 'NOT IN' : 'IN'} (${able}))`);
    }
  }
  const pairs = operands.map((operand, index) => {
    const column = outside[index];
    if (column === undefined) throw new Error('as many columns as operands');
    const collation = query.columns[index]?.fragment.collation ?? null;
    const pair = comparablePair(operand, { ...column, collation }, emission);
    if (pair.outcome !== undefined || pair.usesPack === true) {
      throw new Untranslatable(
        'in-types',
        'IN compares values of types that PostgreSQL does not compare as SQLite does',
        'convert one side with CAST',
      );
    }
    return pair;
  });
  const isPlain = pairs.every(({ right }, index) => right.sql === outside[index]?.sql);
  const right = isPlain
    ? query.sql
    : `SELECT ${pairs.map((pair) => typed(pair.right)).join(', ')} FROM (${query.sql}) AS ${quoteName(name)}`;
  const left = pairs.map((pair) => typed(pair.left)).join(', ');
  return logical(`(${pairs.length > 1 ? `(${left})` : left} ${not ? 'NOT IN' : 'IN'} (${right}))`);
}

/** What is compared with values whose types are only known at run time: in the type of the operand, which indexes serve. */
function keyFor(
  operand: Fragment,
  value: Fragment,
  emission: Emission,
): { readonly left: string; readonly right: string } | undefined {
  const { sql } = value;
  if (operand.constant?.kind === 'null') return undefined;
  const isNumeric = operand.affinity !== null && operand.affinity !== 'TEXT' && operand.affinity !== 'BLOB';
  if (operand.type === 'integer' && operand.isMixed !== true && isNumeric) {
    return { left: wide(operand).sql, right: `${emission.pack('integer_key')}(${sql})` };
  }
  const collation = operand.collation?.name ?? 'BINARY';
  if (operand.type === 'text' && operand.isMixed !== true && !isNumeric) {
    // A column of texts makes texts of numbers, unless these come from a column without a type.
    const isText = operand.affinity === 'TEXT' && value.affinity === null;
    const text = isText
      ? `${emission.pack('cast_text')}(${sql})`
      : `(CASE WHEN (${sql}).kind <> 4 THEN (${sql}).t END)`;
    return { left: collated(operand, collation).sql, right: collated(valueOf(text, 'text'), collation).sql };
  }
  if (collation !== 'BINARY') return undefined;
  const number = isNumeric ? `COALESCE(${emission.pack('_numeric')}(${sql}), ${sql})` : sql;
  return {
    left: `${emission.pack('settled')}(${asAny(operand, emission)}::${emission.pack('value')})`,
    right: `${emission.pack('settled')}(${number})`,
  };
}

function typed(fragment: Fragment): string {
  return fragment.constant?.kind === 'null' ? castTo('NULL', 'text') : fragment.sql;
}
