import type { Expr } from '../sqlite/schema.ts';
import { isSameExpression, walk } from './ast.ts';
import { translateArithmetic } from './arithmetic.ts';
import { boundFragment } from './bound.ts';
import { translateCase } from './case.ts';
import { translateCast } from './cast.ts';
import { compareFragments } from './compare-fragments.ts';
import { asCondition, isNull } from './convert.ts';
import type { Emission } from './emission.ts';
import { UNTYPED, logical, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateCall, translateCallStar } from './function-call.ts';
import { translateInList, translateInSelect, translateInTable } from './in.ts';
import { translateLike } from './like.ts';
import { translateColumn, translateLiteral, translateQualified } from './literal.ts';
import { settled } from './order-by.ts';
import { compareRows, isRow } from './row-value.ts';
import type { Scope } from './scope.ts';
import { translateExists, translateSubquery } from './subquery.ts';
import { Untranslatable } from './translation.ts';

/** Where an expression stands. */
export interface Setting {
  readonly scope: Scope;
  readonly emission: Emission;
  /** The windows of the WINDOW clause, by name in lower case. */
  readonly windows?: ReadonlyMap<string, string>;
  /** Date and time as indexes and generated columns want them: immutable, or an error. */
  readonly isFixed: boolean;
}

/** An expression of SQLite's in PostgreSQL's words. Throws {@link Untranslatable}. */
export function translateNode(ast: Expr, setting: Setting): Fragment {
  const fragment = translateBare(ast, setting);
  if (fragment.collation !== null || (fragment.type !== 'text' && fragment.type !== 'any')) return fragment;
  const name = collationWithin(ast);
  return name === undefined ? fragment : { ...fragment, collation: { name, isExplicit: true } };
}

/** A COLLATE anywhere in an operand or an argument counts for the whole, the first one found. */
function collationWithin(ast: Expr): string | undefined {
  let name: string | undefined;
  walk(ast, (node) => {
    if (node.type === 'CollateExpr') name ??= (node as Extract<Expr, { type: 'CollateExpr' }>).collation.toUpperCase();
    return name === undefined && node.type !== 'Select';
  });
  return name;
}

function translateBare(ast: Expr, setting: Setting): Fragment {
  const { emission, scope } = setting;
  if (scope.group?.keys.some((key) => isSameExpression(key, ast)) === true) {
    const { group: _, ...free } = scope;
    return settled(translateNode(ast, { ...setting, scope: free }));
  }
  switch (ast.type) {
    case 'NumericLiteral':
    case 'StringLiteral':
    case 'BlobLiteral':
    case 'NullLiteral':
    case 'KeywordLiteral':
    case 'CurrentDateLiteral':
    case 'CurrentTimeLiteral':
    case 'CurrentTimestampLiteral':
      return translateLiteral(ast, setting);
    case 'Id':
      return translateColumn(ast.name, ast.span.length, setting);
    case 'NameExpr':
      return translateColumn(ast.name.text, ast.name.span.length, setting);
    case 'QualifiedExpr':
      return translateQualified(ast, setting);
    case 'VariableExpr': {
      const bound = emission.boundUse(ast);
      return bound === undefined
        ? valueOf(UNTYPED, 'null', { parameter: emission.parameterUse(ast) })
        : boundFragment(bound, emission);
    }
    case 'ParenthesizedExpr': {
      const [only] = ast.exprs;
      if (only === undefined || ast.exprs.length > 1) {
        throw new Untranslatable(
          'row-value',
          'a row value stands where one value is wanted',
          'compare its parts one by one',
        );
      }
      return translateNode(only, setting);
    }
    case 'CollateExpr':
      return {
        ...translateNode(ast.expr, setting),
        collation: { name: ast.collation.toUpperCase(), isExplicit: true },
      };
    case 'UnaryExpr':
      if (ast.op === 'Not') return logical(`(NOT ${asCondition(translateNode(ast.expr, setting), emission)})`);
      return translateArithmetic(ast, setting);
    case 'BinaryExpr':
      if (isRow(ast.left) || isRow(ast.right)) return compareRows(ast, setting);
      return translateArithmetic(ast, setting);
    case 'IsNullExpr':
    case 'NotNullExpr':
      return translateIsNull(ast, setting);
    case 'BetweenExpr':
      return translateBetween(ast, setting);
    case 'CaseExpr':
      return translateCase(ast, setting);
    case 'CastExpr':
      return translateCast(ast, setting);
    case 'LikeExpr':
      return translateLike(ast, setting);
    case 'InListExpr':
      return translateInList(ast, setting);
    case 'InSelectExpr':
      return translateInSelect(ast, setting);
    case 'InTableExpr':
      return translateInTable(ast, setting);
    case 'ExistsExpr':
      return translateExists(ast, setting);
    case 'SubqueryExpr':
      return translateSubquery(ast, setting);
    case 'FunctionCallExpr':
      return translateCall(ast, setting);
    case 'FunctionCallStarExpr':
      return translateCallStar(ast, setting);
    case 'RaiseExpr':
      throw new Untranslatable('raise', 'RAISE stands outside of a trigger', 'use it in a trigger only');
  }
}

function translateIsNull(ast: Extract<Expr, { type: 'IsNullExpr' | 'NotNullExpr' }>, setting: Setting): Fragment {
  const operand = translateNode(ast.expr, setting);
  const test = isNull(operand, setting.emission);
  return logical(`(${ast.type === 'NotNullExpr' ? test.replace(/NULL$/, 'NOT NULL') : test})`);
}

function translateBetween(ast: Extract<Expr, { type: 'BetweenExpr' }>, setting: Setting): Fragment {
  const operand = translateNode(ast.lhs, setting);
  const low = compareFragments('>=', operand, translateNode(ast.start, setting), setting.emission);
  const high = compareFragments('<=', operand, translateNode(ast.end, setting), setting.emission);
  return logical(ast.not ? `(NOT (${low.sql} AND ${high.sql}))` : `(${low.sql} AND ${high.sql})`);
}
