import { asAny, asText, asValue, classOf, isNull, refuseMixed, typeParameter, untypedParameter } from './convert.ts';
import { boundAs, boundInteger } from './bound.ts';
import { plainOfNative } from './native-value.ts';
import type { Emission } from './emission.ts';
import { castTo, constantFragment, logical, quoteText, valueOf } from './fragment.ts';
import type { Collation, Fragment } from './fragment.ts';
import { NUMBER_PATTERN, numberOfText } from './numeric-text.ts';
import type { SqlType } from './sql-type.ts';
import { Untranslatable } from './translation.ts';

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=' | 'IS' | 'IS NOT';

/** One comparison by SQLite's rules: https://sqlite.org/datatype3.html#comparison_expressions */
export function compareFragments(op: Comparison, left: Fragment, right: Fragment, emission: Emission): Fragment {
  if (op === 'IS' || op === 'IS NOT') {
    const nullSide = [left, right].find((side) => side.constant?.kind === 'null');
    const other = nullSide === left ? right : left;
    if (nullSide !== undefined) return logical(`(${isNull(other, emission).replace(/IS NULL$/, `${op} NULL`)})`);
    if (left.type === 'any' || right.type === 'any') return isSameAny(op, left, right, emission);
  }
  const pair = comparablePair(left, right, emission);
  if (pair.outcome !== undefined) return fixedOutcome(op, pair.outcome, pair.left, pair.right, emission);
  if (pair.right.type === 'integer' && pair.usesPack === true && (op === 'IS' || op === 'IS NOT')) {
    return isSameAny(op, left, right, emission);
  }
  if (op !== '=' && op !== '<>' && op !== 'IS' && op !== 'IS NOT') {
    if (pair.left.type === 'boolean') return compareFragments(op, numbered(left), numbered(right), emission);
    if (pair.left.type === 'text') return compareText(op, pair.left, pair.right);
  }
  return logical(`(${pair.left.sql} ${OPERATOR[op]} ${pair.right.sql})`);
}

const OPERATOR = {
  '=': '=',
  '<>': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  IS: 'IS NOT DISTINCT FROM',
  'IS NOT': 'IS DISTINCT FROM',
} as const satisfies Record<Comparison, string>;

/** IS of values whose types are only known at run time: equal, or both NULL. */
function isSameAny(op: Comparison, left: Fragment, right: Fragment, emission: Emission): Fragment {
  const equal = compareFragments('=', left, right, emission).sql;
  const bothNull = `(${isNull(left, emission)} AND ${isNull(right, emission)})`;
  return logical(`(${op === 'IS' ? '' : 'NOT '}(COALESCE(${equal}, false) OR ${bothNull}))`);
}

/** Two sides that PostgreSQL compares as SQLite does, or what comes out whatever the values are (unless one is NULL). */
interface Pair {
  readonly left: Fragment;
  readonly right: Fragment;
  /** -1 if left is less whatever the values are, 1 if it is greater. */
  readonly outcome?: -1 | 1;
  /** The left is a call of the pack with both in it, the right 0. */
  readonly usesPack?: true;
}

/** Applies affinities and collation to both sides. */
export function comparablePair(one: Fragment, two: Fragment, emission: Emission): Pair {
  const collation = collationOf(one, two);
  const [first, second] = parametersTyped(asValueForComparison(one), asValueForComparison(two), emission);
  if (first.constant?.kind === 'null' || second.constant?.kind === 'null') {
    return { left: typedNull(first, second), right: typedNull(second, first) };
  }
  const [left, right] = withAffinities(first, second, emission);
  const classes = [classOf(left), classOf(right)] as const;
  if (classes.includes('any')) {
    if (collation !== 'BINARY') throw unknownCollation(collation, 'a value whose type is only known at run time');
    const sql = `${emission.pack('compare')}(${asAny(left, emission)}, ${asAny(right, emission)})`;
    return { left: valueOf(sql, 'integer'), right: constantFragment({ kind: 'integer', value: 0n }), usesPack: true };
  }
  if (classes.includes('native')) return nativePair(left, right, emission);
  const [leftRank, rightRank] = [RANK[classes[0]], RANK[classes[1]]];
  if (leftRank !== rightRank) {
    if (emission.running !== undefined && (isNumericText(left) || isNumericText(right))) {
      return comparablePair(knownAtLast(left, emission), knownAtLast(right, emission), emission);
    }
    for (const side of [left, right]) refuseNumericText(side);
    return { left, right, outcome: leftRank < rightRank ? -1 : 1 };
  }
  if (classes[0] === 'number') return numberPair(left, right, emission);
  if (classes[0] === 'blob') return { left, right };
  return { left: collated(left, collation), right: collated(right, collation) };
}

/** A column of texts whose affinity makes numbers of texts: beside a number, SQLite's values decide. */
function refuseNumericText(side: Fragment): void {
  refuseMixed(side, 'a comparison');
  if (side.type === 'text' && isNumeric(side)) refuseMixed({ ...side, isMixed: true }, 'a comparison with a number');
}

/** A column of texts in which SQLite would hold as a number whatever looks like one. */
function isNumericText(side: Fragment): boolean {
  return side.type === 'text' && isNumeric(side) && side.isMixed !== true && side.constant === undefined;
}

/** The same with each value in the class that SQLite has for it. */
function knownAtLast(side: Fragment, emission: Emission): Fragment {
  if (!isNumericText(side)) return side;
  return valueOf(
    `(CASE WHEN ${side.sql} ~ ${quoteText(NUMBER_PATTERN)} THEN ${emission.pack('cast_numeric')}(${side.sql}) ELSE ${side.sql}::${emission.pack('value')} END)`,
    'any',
  );
}

/** How SQLite orders values of different classes. */
const RANK = { null: 0, any: 0, native: 0, number: 1, text: 2, blob: 3 } as const;

/** The collation of a comparison: an explicit one, then a column's, the left side before the right. */
export function collationOf(left: Fragment, right?: Fragment): string {
  const sides = right === undefined ? [left.collation] : [left.collation, right.collation];
  const found: Collation | null | undefined =
    sides.find((side) => side?.isExplicit) ?? sides.find((side) => side !== null);
  return found?.name ?? 'BINARY';
}

/** The text that is equal, and ordered under "C", as a text is under a collation. */
export function collated(text: Fragment, collation: string): Fragment {
  if (text.type !== 'text') return text;
  switch (collation) {
    case 'BINARY':
      return text.constant === undefined ? text : { ...text, sql: text.sql.replace(/::text$/, '') };
    case 'NOCASE':
      if (text.constant?.kind === 'text') {
        return { ...text, sql: quoteText(text.constant.value.replace(/[A-Z]/g, (letter) => letter.toLowerCase())) };
      }
      // Under "C", PostgreSQL's lower() folds the letters of ASCII and no others, as NOCASE does.
      return { ...text, sql: `lower(${text.sql} COLLATE "C")` };
    case 'RTRIM':
      return { ...text, sql: `rtrim(${text.sql}, ' ')` };
    default:
      throw unknownCollation(collation, 'a comparison');
  }
}

function unknownCollation(collation: string, use: string): Untranslatable {
  return new Untranslatable(
    'collation',
    `collation ${collation} is asked for in ${use}`,
    'compare a key that the application makes, or use BINARY, NOCASE or RTRIM',
  );
}

function compareText(op: Comparison, left: Fragment, right: Fragment): Fragment {
  refuseMixed(left, 'an order');
  refuseMixed(right, 'an order');
  // The collation of one side is that of the comparison; literals have the database's own.
  return logical(`(${left.sql} ${OPERATOR[op]} ${right.sql} COLLATE "C")`);
}

function asValueForComparison(fragment: Fragment): Fragment {
  return fragment.type === 'boolean' ? fragment : asValue(fragment);
}

function numbered(fragment: Fragment): Fragment {
  return fragment.type === 'boolean' ? valueOf(`${fragment.sql}::integer`, 'integer') : fragment;
}

function typedNull(side: Fragment, other: Fragment): Fragment {
  if (side.constant?.kind !== 'null') return side;
  return other.constant?.kind === 'null' ? { ...side, sql: 'NULL::text' } : side;
}

/** A parameter takes the type of what it is compared with. */
function parametersTyped(left: Fragment, right: Fragment, emission: Emission): [Fragment, Fragment] {
  if (left.parameter !== undefined && right.parameter !== undefined) throw untypedParameter();
  const typeFor = ({ type }: Fragment): SqlType => {
    if (type === 'any' || type === 'null') throw untypedParameter();
    return type;
  };
  if (left.parameter !== undefined) return [typeParameter(left, typeFor(right), emission), right];
  if (right.parameter !== undefined) return [left, typeParameter(right, typeFor(left), emission)];
  return [left, right];
}

const NUMERIC = new Set(['INTEGER', 'REAL', 'NUMERIC']);

function withAffinities(left: Fragment, right: Fragment, emission: Emission): [Fragment, Fragment] {
  const [leftNumeric, rightNumeric] = [isNumeric(left), isNumeric(right)];
  if (leftNumeric && !rightNumeric) return [left, numericFor(right, left, emission)];
  if (rightNumeric && !leftNumeric) return [numericFor(left, right, emission), right];
  if (leftNumeric || rightNumeric) return [left, right];
  if (left.affinity === 'TEXT' && right.affinity === null) return [left, textFor(right, emission)];
  if (right.affinity === 'TEXT' && left.affinity === null) return [textFor(left, emission), right];
  return [left, right];
}

function isNumeric({ affinity }: Fragment): boolean {
  return affinity !== null && NUMERIC.has(affinity);
}

function textFor(fragment: Fragment, emission: Emission): Fragment {
  switch (classOf(fragment)) {
    case 'number':
      return asText(fragment, emission);
    case 'any':
      return valueOf(
        `(CASE ${emission.pack('typeof')}(${fragment.sql}) WHEN 'blob' THEN ${fragment.sql} ELSE ${emission.pack('cast_text')}(${fragment.sql})::${emission.pack('value')} END)`,
        'any',
      );
    default:
      return fragment;
  }
}

/** What numeric affinity makes of a side whose partner has it. */
function numericFor(fragment: Fragment, partner: Fragment, emission: Emission): Fragment {
  if (fragment.bound !== undefined && !(partner.type === 'text' && partner.isMixed === true)) {
    if (fragment.bound.holds === 'integer-text') return boundInteger(fragment, emission) ?? fragment;
    if (fragment.bound.holds === 'real-text') return boundAs(fragment.bound, 'real', emission);
  }
  if (fragment.constant?.kind === 'text') {
    const number = numberOfText(fragment.constant.value);
    if (number === undefined) return fragment;
    if (partner.type !== 'text' || partner.isMixed !== true) return constantFragment(number);
    // Among texts that were numbers, an integer is found by its digits.
    if (number.kind === 'integer') return constantFragment({ kind: 'text', value: `${number.value}` });
    return constantFragment(number);
  }
  if (fragment.constant?.kind === 'integer' && partner.type === 'text' && partner.isMixed === true) {
    return constantFragment({ kind: 'text', value: `${fragment.constant.value}` });
  }
  switch (classOf(fragment)) {
    case 'any':
      return valueOf(
        `(CASE WHEN ${emission.pack('typeof')}(${fragment.sql}) = 'text' AND ${emission.pack('cast_text')}(${fragment.sql}) ~ ${quoteText(NUMBER_PATTERN)} THEN ${emission.pack('cast_numeric')}(${fragment.sql}) ELSE ${fragment.sql} END)`,
        'any',
      );
    case 'text':
      refuseMixed(fragment, 'a comparison with a number');
      refuseMixed(partner, 'a comparison with a text');
      if (fragment.isNeverNumber === true) return fragment;
      if (fragment.isDigits === true) return valueOf(castTo(fragment.sql, 'integer'), 'integer', { isWide: true });
      return valueOf(
        `(CASE WHEN ${fragment.sql} ~ ${quoteText(NUMBER_PATTERN)} THEN ${emission.pack('cast_numeric')}(${fragment.sql}) ELSE ${fragment.sql}::${emission.pack('value')} END)`,
        'any',
      );
    default:
      return fragment;
  }
}

function numberPair(left: Fragment, right: Fragment, emission: Emission): Pair {
  if (left.type === 'boolean' || right.type === 'boolean') return booleanPair(left, right, emission);
  if ((left.type === 'integer' && right.type === 'real') || (left.type === 'real' && right.type === 'integer')) {
    if (left.constant === undefined && right.constant === undefined) {
      emission.remark({
        severity: 'note',
        code: 'integer-beside-real',
        message: 'an integer is compared with a real: past 2^53 PostgreSQL rounds the integer first',
      });
    }
  }
  return { left: plainNumber(left, right, emission), right: plainNumber(right, left, emission) };
}

/** A real literal beside an integer or a numeric is compared exactly, as SQLite does, and not as a double. */
function plainNumber(side: Fragment, other: Fragment, emission: Emission): Fragment {
  if (side.bound !== undefined && (other.type === 'integer' || other.type === 'numeric')) {
    // As the column's own type, so that an index serves; the value is the same.
    const whole = boundInteger(side, emission);
    if (whole !== undefined) return whole;
    if (side.bound.holds === 'real' || side.bound.holds === 'real-text') {
      return boundAs(side.bound, 'numeric', emission);
    }
  }
  if (side.constant?.kind !== 'real' || !Number.isFinite(side.constant.value) || other.type === 'real') return side;
  return { ...side, sql: side.sql.replace(/::double precision$/, '::numeric') };
}

/** A boolean beside a boolean or a literal 0 or 1 stays one; beside other numbers it is 0 or 1. */
function booleanPair(left: Fragment, right: Fragment, emission: Emission): Pair {
  const [one, two] = [asBoolean(left, emission), asBoolean(right, emission)];
  if (one !== undefined && two !== undefined) return { left: one, right: two };
  const [first, second] = [numbered(left), numbered(right)];
  return { left: plainNumber(first, second, emission), right: plainNumber(second, first, emission) };
}

function asBoolean(fragment: Fragment, emission: Emission): Fragment | undefined {
  if (fragment.type === 'boolean') return fragment;
  if (fragment.bound?.holds === 'bit') return boundAs(fragment.bound, 'boolean', emission);
  const { constant } = fragment;
  if (constant?.kind !== 'integer' || (constant.value !== 0n && constant.value !== 1n)) return undefined;
  return valueOf(constant.value === 1n ? 'true' : 'false', 'boolean');
}

function nativePair(left: Fragment, right: Fragment, emission: Emission): Pair {
  if (left.type === right.type && left.form === right.form && left.type !== 'jsonb') return { left, right };
  const [native, other] = classOf(left) === 'native' ? [left, right] : [right, left];
  if (emission.running !== undefined) {
    const bound = emission.running.isNative ? boundNative(native, other, emission) : undefined;
    if (bound !== undefined) return native === left ? { left, right: bound } : { left: bound, right };
    const plain = (side: Fragment) => (classOf(side) === 'native' ? plainOfNative(side) : side);
    return comparablePair(plain(left), plain(right), emission);
  }
  if (native.type === 'uuid' && native.form === undefined && other.type === 'text') {
    const uuid = { ...native, sql: `${native.sql}::text`, type: 'text' as const };
    if (other.constant?.kind !== 'text') return native === left ? { left: uuid, right } : { left, right: uuid };
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(other.constant.value)) {
      const constant = valueOf(`${quoteText(other.constant.value)}::uuid`, 'uuid');
      return native === left ? { left, right: constant } : { left: constant, right };
    }
    return native === left ? { left: uuid, right } : { left, right: uuid };
  }
  throw new Untranslatable(
    'native-comparison',
    `a column of type ${native.type} is compared with something that is ${other.type === 'any' ? 'not' : `of type ${other.type}`}`,
    'keep this column as text or bigint (profile faithful, or its type in the configuration)',
  );
}

/** The outcome of a comparison of values whose classes differ: always the same, unless one of them is NULL. */
function fixedOutcome(op: Comparison, order: -1 | 1, left: Fragment, right: Fragment, emission: Emission): Fragment {
  const nullable = [left, right].filter((side) => side.isNotNull !== true).map((side) => isNull(side, emission));
  if (op === 'IS' || op === 'IS NOT') {
    if (nullable.length < 2) return logical(op === 'IS' ? 'false' : 'true');
    return logical(`(${op === 'IS' ? '' : 'NOT '}(${nullable.join(' AND ')}))`);
  }
  const isTrue = op === '<>' || (order < 0 ? op === '<' || op === '<=' : op === '>' || op === '>=');
  if (nullable.length === 0) return logical(String(isTrue));
  return logical(
    `(CASE WHEN ${nullable.map((test) => test.replace(/NULL$/, 'NOT NULL')).join(' AND ')} THEN ${isTrue} END)`,
  );
}

/** A parameter as a value of a column's native type; undefined where it is to be compared as SQLite would. */
function boundNative(native: Fragment, { bound }: Fragment, emission: Emission): Fragment | undefined {
  const { form, postgresType } = native;
  if (bound === undefined || form === undefined || postgresType === undefined || native.type === 'null')
    return undefined;
  if (native.type === 'any') return undefined;
  return valueOf(emission.bound({ key: bound.key, type: native.type, postgresType, form }), native.type, { form });
}
