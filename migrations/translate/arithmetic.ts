import type { Expr } from '../sqlite/schema.ts';
import { callPack } from './call-pack.ts';
import { compareFragments } from './compare-fragments.ts';
import type { Comparison } from './compare-fragments.ts';
import { asAny, asCondition, asNumber, asText, commonNumbers, exactly, refuseMixed, typeParameter } from './convert.ts';
import { wide, withExact } from './convert.ts';
import type { Emission } from './emission.ts';
import { NULL_FRAGMENT, castTo, constantFragment, logical, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';

type Binary = Extract<Expr, { type: 'BinaryExpr' }>;

const COMPARISON: Readonly<Partial<Record<Binary['op'], Comparison>>> = {
  Equals: '=',
  NotEquals: '<>',
  Less: '<',
  LessEquals: '<=',
  Greater: '>',
  GreaterEquals: '>=',
  Is: 'IS',
  IsNot: 'IS NOT',
};

/** Operators with one or two operands: https://sqlite.org/lang_expr.html#operators_and_parse_affecting_attributes */
export function translateArithmetic(
  ast: Extract<Expr, { type: 'UnaryExpr' | 'BinaryExpr' }>,
  setting: Setting,
): Fragment {
  const { emission } = setting;
  if (ast.type === 'UnaryExpr') return translateUnary(ast, setting);
  if (ast.op === 'And' || ast.op === 'Or') {
    const [left, right] = [ast.left, ast.right].map((side) => asCondition(translateNode(side, setting), emission));
    return logical(`(${left} ${ast.op === 'And' ? 'AND' : 'OR'} ${right})`);
  }
  const truth = truthLiteral(ast);
  if (truth !== undefined) {
    const condition = asCondition(translateNode(ast.left, setting), emission);
    return logical(`(${condition} IS ${ast.op === 'IsNot' ? 'NOT ' : ''}${truth})`);
  }
  const left = translateNode(ast.left, setting);
  const right = translateNode(ast.right, setting);
  const comparison = COMPARISON[ast.op];
  if (comparison !== undefined) return compareFragments(comparison, left, right, emission);
  switch (ast.op) {
    case 'Concat': {
      const [one, two] = [asText(left, emission), asText(right, emission)];
      return valueOf(`(${one.sql} || ${two.sql})`, 'text');
    }
    case 'ArrowRight':
    case 'ArrowRightShift':
      return callPack(ast.op === 'ArrowRight' ? 'arrow' : 'arrow_value', [left, right], setting);
    case 'Modulus':
      return remainder(...operands(left, right, emission), left, right, emission);
    case 'Divide':
    case 'Add':
    case 'Subtract':
    case 'Multiply':
      return compute(ast.op, ...operands(left, right, emission), emission);
    default:
      return computeBits(ast.op, bitOperand(left, right, emission), bitOperand(right, left, emission));
  }
}

/** `x IS TRUE`, where TRUE is not a column. */
function truthLiteral({ op, right }: Binary): string | undefined {
  if ((op !== 'Is' && op !== 'IsNot') || right.type !== 'Id' || right.span.length !== right.name.length)
    return undefined;
  const word = right.name.toUpperCase();
  return word === 'TRUE' || word === 'FALSE' ? word : undefined;
}

function operands(left: Fragment, right: Fragment, emission: Emission): [Fragment, Fragment] {
  const one = left.parameter === undefined ? asNumber(left, emission) : undefined;
  const two = right.parameter === undefined ? asNumber(right, emission) : undefined;
  const known = one ?? two;
  const type =
    known?.type === 'integer' || known?.type === 'numeric' || known?.type === 'real' ? known.type : undefined;
  if (type === undefined) return [asNumber(left, emission), asNumber(right, emission)];
  return [one ?? typeParameter(left, type, emission), two ?? typeParameter(right, type, emission)];
}

function compute(
  op: 'Add' | 'Subtract' | 'Multiply' | 'Divide',
  one: Fragment,
  two: Fragment,
  emission: Emission,
): Fragment {
  if (one.type === 'null' || two.type === 'null') return NULL_FRAGMENT;
  const { left, right, isReal } = commonNumbers(one, two);
  if (op === 'Divide') return divide(left, right, isReal, one, two, emission);
  const sign = ({ Add: '+', Subtract: '-', Multiply: '*' } as const)[op];
  if (isReal) {
    const isMixed = maybeWhole(one) && maybeWhole(two);
    const sql = `(${left.sql} ${sign} ${right.sql})`;
    return isMixed
      ? exactReal(valueOf(sql, 'real', { isMixed: true }), sign, one, two, emission)
      : valueOf(sql, 'real');
  }
  emission.remark({
    severity: 'note',
    code: 'integer-overflow',
    message: 'a result beyond 64 bits is an error in PostgreSQL, where SQLite goes on with a real',
  });
  const first = right.isWide === true ? left : wide(left);
  return valueOf(`(${first.sql} ${sign} ${right.sql})`, 'integer', { isWide: true });
}

/** A real of mixed classes, with the value that it is exactly where both operands' are known. */
function exactReal(
  real: Fragment,
  operator: '+' | '-' | '*' | '/' | '%',
  one: Fragment,
  two: Fragment,
  emission: Emission,
): Fragment {
  if (emission.running === undefined || !isExact(one) || !isExact(two)) return real;
  const [a, b] = [asAny(one, emission), asAny(two, emission)];
  return withExact(real, `${emission.pack('arithmetic')}('${operator}', ${a}, ${b})`);
}

/** Whether it is known which class each value of a number is of. */
function isExact(number: Fragment): boolean {
  return number.isMixed !== true || exactly(number) !== number;
}

/** Whether a number can be an INTEGER in SQLite. */
function maybeWhole(number: Fragment): boolean {
  return number.type === 'integer' || number.type === 'numeric' || number.isMixed === true;
}

/** Division by zero gives NULL; that of integers is cut off, and which of both it is only the values tell in places. */
function divide(
  left: Fragment,
  right: Fragment,
  isReal: boolean,
  one: Fragment,
  two: Fragment,
  emission: Emission,
): Fragment {
  if (!isReal) {
    const first = right.isWide === true ? left : wide(left);
    return valueOf(`(${first.sql} / ${divisor(right)})`, 'integer', { isWide: true });
  }
  const quotient = `(${left.sql} / ${divisor(right)})`;
  if (!maybeWhole(one) || !maybeWhole(two)) return valueOf(quotient, 'real');
  if (emission.running !== undefined && isExact(one) && isExact(two) && (one.isMixed ?? two.isMixed) === true) {
    const value = `${emission.pack('arithmetic')}('/', ${asAny(one, emission)}, ${asAny(two, emission)})`;
    return withExact(valueOf(`${emission.pack('cast_real')}(${value})`, 'real', { isMixed: true }), value);
  }
  refuseMixed(one, 'division');
  refuseMixed(two, 'division');
  // Whole values of a numeric column are integers in SQLite, so it divides them as such.
  const whole = [one, two].flatMap(({ sql, type }) => (type === 'numeric' ? [`${sql} = trunc(${sql})`] : []));
  const either = valueOf(
    `(CASE WHEN ${whole.join(' AND ')} THEN trunc(${castTo(one.sql, 'numeric')} / NULLIF(${castTo(two.sql, 'numeric')}, 0))::double precision ELSE ${quotient} END)`,
    'real',
    { isMixed: true },
  );
  return exactReal(either, '/', one, two, emission);
}

/** What a number is divided by: NULL instead of 0. */
function divisor({ sql, constant }: Fragment): string {
  const isZero =
    constant?.kind === 'integer' ? constant.value === 0n : constant?.kind === 'real' && constant.value === 0;
  return constant === undefined || isZero ? `NULLIF(${sql}, 0)` : sql;
}

/** Of whole numbers, which both sides are cut to; the result is a real if one of them was. */
function remainder(one: Fragment, two: Fragment, left: Fragment, right: Fragment, emission: Emission): Fragment {
  if (one.type === 'null' || two.type === 'null') return NULL_FRAGMENT;
  const [divided, by] = [bitOperand(left, right, emission), bitOperand(right, left, emission)];
  if (one.type === 'integer' && two.type === 'integer') {
    const first = by.isWide === true ? divided : wide(divided);
    return valueOf(`(${first.sql} % ${divisor(by)})`, 'integer', { isWide: true });
  }
  const isMixed = maybeWhole(one) && maybeWhole(two);
  const rest = `(${integerOf(divided)} % NULLIF(${integerOf(by)}, 0))`;
  const real = valueOf(castTo(rest, 'real'), 'real', isMixed ? { isMixed: true } : {});
  return isMixed ? exactReal(real, '%', one, two, emission) : real;
}

function translateUnary(ast: Extract<Expr, { type: 'UnaryExpr' }>, setting: Setting): Fragment {
  const { emission } = setting;
  if (ast.op === 'Negative' && ast.expr.type === 'NumericLiteral' && !/^0x/i.test(ast.expr.value)) {
    const { constant } = translateNode({ ...ast.expr, value: ast.expr.value }, setting);
    if (constant?.kind === 'integer') return constantFragment({ kind: 'integer', value: -constant.value });
    if (ast.expr.value === '9223372036854775808') return constantFragment({ kind: 'integer', value: -(2n ** 63n) });
    if (constant?.kind === 'real') return constantFragment({ kind: 'real', value: -constant.value });
  }
  const operand = translateNode(ast.expr, setting);
  // A sign takes a column's affinity away, but not its collation.
  if (ast.op === 'Positive') return { ...operand, affinity: null };
  const number = asNumber(operand, emission);
  if (number.type === 'null') return NULL_FRAGMENT;
  if (ast.op === 'BitwiseNot') {
    return valueOf(`(~ ${integerOf(bitOperand(operand, operand, emission))})`, 'integer', { isWide: true });
  }
  if (number.type === 'integer') return valueOf(`(- ${wide(number).sql})`, 'integer', { isWide: true });
  return valueOf(`(- ${number.sql})`, number.type, number.isMixed === true ? { isMixed: true } : {});
}

type BitOperator = Exclude<Binary['op'], 'Add' | 'Subtract' | 'Multiply' | 'Divide' | 'Modulus'>;

/** An integer as operators on bits take it: of a text its leading digits, without an exponent. */
function bitOperand(fragment: Fragment, other: Fragment, emission: Emission): Fragment {
  if (fragment.parameter !== undefined && other.parameter === undefined)
    return typeParameter(fragment, 'integer', emission);
  if ((fragment.type === 'text' && fragment.isDigits !== true) || fragment.type === 'any') {
    return valueOf(`${emission.pack('cast_integer')}(${asAny(fragment, emission)})`, 'integer', { isWide: true });
  }
  return asNumber(fragment, emission);
}

function computeBits(op: BitOperator, one: Fragment, two: Fragment): Fragment {
  if (one.type === 'null' || two.type === 'null') return NULL_FRAGMENT;
  const [left, right] = [integerOf(one), integerOf(two)];
  if (op === 'BitwiseAnd') return valueOf(`(${left} & ${right})`, 'integer', { isWide: true });
  if (op === 'BitwiseOr') return valueOf(`(${left} | ${right})`, 'integer', { isWide: true });
  return shift(left, op === 'LeftShift', two, right);
}

/** SQLite shifts by any distance, a negative one the other way; PostgreSQL only within 64 bits. */
function shift(left: string, isLeft: boolean, distance: Fragment, right: string): Fragment {
  const shifted = (sql: string, toLeft: boolean) => `(${left} ${toLeft ? '<<' : '>>'} ${sql})`;
  if (distance.constant?.kind === 'integer') {
    const by = distance.constant.value;
    const toLeft = isLeft === by >= 0n;
    const places = by < 0n ? -by : by;
    if (places < 64n) return valueOf(shifted(`${places}`, toLeft), 'integer', { isWide: true });
    return valueOf(toLeft ? `(${left} & 0)` : shifted('63', false), 'integer', { isWide: true });
  }
  const places = `least(abs(greatest(${right}, -64)), 64)::integer`;
  const go = (toLeft: boolean) =>
    toLeft
      ? `CASE WHEN ${places} > 63 THEN ${left} & 0 ELSE ${shifted(places, true)} END`
      : shifted(`least(${places}, 63)`, false);
  return valueOf(`(CASE WHEN ${right} >= 0 THEN ${go(isLeft)} WHEN ${right} < 0 THEN ${go(!isLeft)} END)`, 'integer', {
    isWide: true,
  });
}

function integerOf(number: Fragment): string {
  if (number.type === 'integer') return wide(number).sql;
  return castTo(`trunc(${number.sql})`, 'integer');
}
