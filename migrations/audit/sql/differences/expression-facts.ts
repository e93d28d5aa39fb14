import type { Expr, Select } from '../../../sqlite/schema.ts';
import type { SqlType } from '../../../translate/sql-type.ts';
import { factsOf, lookUp, UNKNOWN } from './facts.ts';
import type { Facts, Reach } from './facts.ts';

type Call = Extract<Expr, { type: 'FunctionCallExpr' }>;
type Binary = Extract<Expr, { type: 'BinaryExpr' }>;

/** What is known of an expression; `subquery` tells the first column of a query in it. */
export function expressionFacts(ast: Expr, reach: Reach, subquery: (select: Select, reach: Reach) => Facts): Facts {
  const of = (expr: Expr): Facts => expressionFacts(expr, reach, subquery);
  switch (ast.type) {
    case 'NumericLiteral':
      return numberFacts(ast.value);
    case 'StringLiteral':
      return factsOf('text');
    case 'BlobLiteral':
      return factsOf('blob');
    case 'NullLiteral':
      return factsOf('null', { isNullable: true });
    case 'CurrentDateLiteral':
    case 'CurrentTimeLiteral':
    case 'CurrentTimestampLiteral':
      return factsOf('text');
    case 'VariableExpr':
      return factsOf('parameter');
    case 'Id':
      return /^(true|false)$/i.test(ast.name) ? factsOf('boolean') : lookUp(reach, ast.name);
    case 'NameExpr':
      return lookUp(reach, ast.name.text);
    case 'QualifiedExpr':
      return lookUp(reach, ast.column.text, ast.table.text);
    case 'ParenthesizedExpr': {
      const [only, another] = ast.exprs;
      return only === undefined || another !== undefined ? UNKNOWN : of(only);
    }
    case 'CollateExpr':
      return { ...of(ast.expr), collation: ast.collation.toUpperCase() };
    case 'CastExpr':
      return { ...factsOf(typeOfCast(ast.typeName?.name ?? '')), isNullable: of(ast.expr).isNullable };
    case 'UnaryExpr': {
      const inner = of(ast.expr);
      if (ast.op === 'Not') return factsOf('boolean', { isNullable: inner.isNullable });
      if (ast.op === 'Negative' && inner.constant !== undefined) return { ...inner, constant: -inner.constant };
      return { ...inner, collation: null };
    }
    case 'BinaryExpr':
      return binaryFacts(ast, of(ast.left), of(ast.right));
    case 'CaseExpr': {
      const results = [...ast.whenThenPairs.map(({ then }) => then), ...(ast.elseExpr ? [ast.elseExpr] : [])].map(of);
      const isNullable = ast.elseExpr === undefined || results.some((result) => result.isNullable);
      return { ...common(results), isNullable };
    }
    case 'FunctionCallStarExpr':
      return factsOf('integer');
    case 'FunctionCallExpr':
      return callFacts(ast, (ast.args ?? []).map(of));
    case 'SubqueryExpr':
      return { ...subquery(ast.select, reach), isNullable: true };
    case 'LikeExpr':
    case 'BetweenExpr':
      return factsOf('boolean', { isNullable: of(ast.lhs).isNullable });
    case 'InListExpr':
    case 'InSelectExpr':
    case 'InTableExpr':
    case 'ExistsExpr':
    case 'IsNullExpr':
    case 'NotNullExpr':
      return factsOf('boolean');
    default:
      return UNKNOWN;
  }
}

function numberFacts(value: string): Facts {
  if (/^(0x[0-9a-f]+|\d+)$/i.test(value)) return factsOf('integer', { constant: BigInt(value), isNarrow: true });
  return factsOf('real');
}

/** https://sqlite.org/datatype3.html#determination_of_column_affinity */
export function typeOfCast(name: string): SqlType {
  if (/int/i.test(name)) return 'integer';
  if (/char|clob|text/i.test(name)) return 'text';
  if (name === '' || /blob/i.test(name)) return 'blob';
  if (/real|floa|doub/i.test(name)) return 'real';
  return 'numeric';
}

function binaryFacts({ op }: Binary, left: Facts, right: Facts): Facts {
  const isNullable = left.isNullable || right.isNullable;
  switch (op) {
    case 'Concat':
      return factsOf('text', { isNullable, isFromColumn: left.isFromColumn || right.isFromColumn });
    case 'Add':
    case 'Subtract':
    case 'Multiply':
    case 'Divide':
    case 'Modulus': {
      const types = [left.type, right.type];
      const type = types.includes('real') ? 'real' : types.includes('numeric') ? 'numeric' : arithmeticType(types);
      const isNarrow = type === 'integer' && left.isNarrow === true && right.isNarrow === true;
      return factsOf(type, { isNullable, isNarrow, ...folded(op, left.constant, right.constant) });
    }
    case 'BitwiseAnd':
    case 'BitwiseOr':
    case 'LeftShift':
    case 'RightShift':
      return factsOf('integer', { isNullable });
    case 'ArrowRight':
    case 'ArrowRightShift':
      return factsOf('unknown', { isNullable: true });
    case 'Is':
    case 'IsNot':
      return factsOf('boolean');
    default:
      return factsOf('boolean', { isNullable });
  }
}

function arithmeticType(types: readonly Facts['type'][]): Facts['type'] {
  if (types.includes('unknown') || types.includes('parameter')) return 'unknown';
  return 'integer';
}

function folded(op: Binary['op'], left?: bigint, right?: bigint): { readonly constant?: bigint } {
  if (left === undefined || right === undefined) return {};
  if (op === 'Add') return { constant: left + right };
  if (op === 'Subtract') return { constant: left - right };
  if (op === 'Multiply') return { constant: left * right };
  return {};
}

const TEXT = new Set([
  'lower',
  'upper',
  'trim',
  'ltrim',
  'rtrim',
  'substr',
  'substring',
  'replace',
  'hex',
  'char',
  'printf',
  'format',
  'quote',
  'concat',
  'concat_ws',
  'typeof',
]);
const NULLABLE_TEXT = new Set(['date', 'time', 'datetime', 'strftime', 'group_concat', 'string_agg']);
const AGGREGATES = new Set(['group_concat', 'string_agg']);
const INTEGER = new Set([
  'length',
  'octet_length',
  'instr',
  'unicode',
  'random',
  'row_number',
  'rank',
  'dense_rank',
  'ntile',
  'sign',
]);

function callFacts({ name }: Call, args: readonly Facts[]): Facts {
  const called = name.name.toLowerCase();
  const [first] = args;
  const isNullable = args.some((arg) => arg.isNullable);
  const isFromColumn = first?.isFromColumn === true;
  if (TEXT.has(called)) return factsOf('text', { isNullable, isFromColumn });
  if (NULLABLE_TEXT.has(called)) return factsOf('text', { isNullable: isNullable || AGGREGATES.has(called) });
  if (INTEGER.has(called)) return factsOf('integer', { isNullable });
  switch (called) {
    case 'count':
      return factsOf('integer');
    case 'sum':
      return factsOf(first?.type === 'boolean' ? 'integer' : (first?.type ?? 'unknown'), { isNullable: true });
    case 'avg':
      return factsOf('real', { isNullable: true });
    case 'total':
    case 'julianday':
      return factsOf('real');
    case 'round':
      return factsOf('real', { isNullable });
    case 'abs':
      return { ...(first ?? UNKNOWN), collation: null };
    case 'max':
    case 'min':
      return args.length === 1 && first !== undefined
        ? { ...first, isNullable: true }
        : { ...common(args), isNullable };
    case 'coalesce':
    case 'ifnull':
      return { ...common(args), isNullable: args.every((arg) => arg.isNullable) };
    case 'nullif':
    case 'lag':
    case 'lead':
    case 'first_value':
    case 'last_value':
    case 'nth_value':
      return { ...(first ?? UNKNOWN), isNullable: true };
    case 'unixepoch':
      return factsOf('integer');
    default:
      return UNKNOWN;
  }
}

/** What is known of a value that is one of several. */
function common(values: readonly Facts[]): Facts {
  const typed = values.filter(({ type }) => type !== 'null' && type !== 'parameter');
  const [first] = typed;
  if (first === undefined) return UNKNOWN;
  const types = new Set(typed.map(({ type }) => type));
  const type =
    types.size === 1 ? first.type : types.has('real') ? 'real' : types.has('numeric') ? 'numeric' : 'unknown';
  return factsOf(type, { collation: first.collation, isFromColumn: typed.some(({ isFromColumn }) => isFromColumn) });
}
