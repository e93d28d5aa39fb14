import { asAny, asValue, classOf, exactly, typeParameter } from './convert.ts';
import type { Emission } from './emission.ts';
import { castTo, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { POSTGRES_NAME } from './sql-type.ts';
import { Untranslatable } from './translation.ts';

/** Alternatives of which one becomes the value (CASE, coalesce, compounds), given one type. */
export interface Unified {
  readonly parts: readonly Fragment[];
  readonly type: Fragment['type'];
  readonly isMixed: boolean;
  /** How SQLite holds the values, where all parts are of one native type. */
  readonly form: string | undefined;
}

/** One type for several alternatives; numbers go together, numbers and texts do not. */
export function unify(fragments: readonly Fragment[], emission: Emission, what: string): Unified {
  const known = fragments.filter(({ type, parameter }) => type !== 'null' && parameter === undefined);
  const common = commonType(known, what);
  // A double would take digits from an integer, and hide which of the two a value is.
  const hasWhole = known.some((one) => one.type === 'integer' && one.constant === undefined);
  const type = common === 'real' && hasWhole && emission.running !== undefined && known.every(isExact) ? 'any' : common;
  const form = known.find((one) => one.form !== undefined)?.form;
  const isMixed =
    (type !== 'any' && known.some((one) => one.isMixed === true)) ||
    (type === 'real' && known.some((one) => one.type !== 'real'));
  if (type === 'real' && known.some((one) => one.type === 'integer' && one.constant === undefined)) {
    emission.remark({
      severity: 'warning',
      code: 'integer-as-real',
      message: `${what} gives integers and reals: past 2^53 the integers lose digits`,
    });
  }
  const parts = fragments.map((fragment) => convertTo(fragment, type, emission));
  return { parts, type, isMixed, form };
}

/** Whether it is known which class each of its values is of. */
function isExact(one: Fragment): boolean {
  return one.isMixed !== true || exactly(one) !== one;
}

/** The fragment that gives one of several alternatives. */
export function unifiedValue(sql: string, { type, isMixed, form }: Unified): Fragment {
  return valueOf(sql, type, {
    ...(isMixed ? { isMixed: true } : {}),
    ...(form === undefined ? {} : { form }),
  });
}

function commonType(known: readonly Fragment[], what: string): Fragment['type'] {
  const [first] = known;
  if (first === undefined) return 'null';
  const isPlainBoolean = (one: Fragment) => one.type === 'boolean' && one.isLogical !== true;
  if (known.every(isPlainBoolean)) return 'boolean';
  const types = new Set(known.map((one) => (one.type === 'boolean' ? 'integer' : one.type)));
  if (types.size === 1) {
    if (known.every((one) => one.form === first.form)) return first.type === 'boolean' ? 'integer' : first.type;
  } else if (types.has('any')) {
    return 'any';
  } else if (known.every((one) => classOf(one) === 'number')) {
    return types.has('real') ? 'real' : 'numeric';
  } else if (known.every((one) => classOf(one) === 'text')) {
    return 'text';
  } else if (known.every((one) => classOf(one) === 'number' || classOf(one) === 'text')) {
    return 'any';
  }
  throw new Untranslatable(
    'mixed-types',
    `${what} gives values of the types ${[...types].join(' and ')}, and PostgreSQL wants one`,
    'convert them to one type with CAST',
  );
}

/** A fragment as a value of a type that holds its values. */
export function convertTo(fragment: Fragment, type: Fragment['type'], emission: Emission): Fragment {
  if (fragment.parameter !== undefined) {
    return type === 'any' || type === 'null' ? fragment : typeParameter(fragment, type, emission);
  }
  if (fragment.constant?.kind === 'null') return nullOf(type, emission);
  if (type === 'any') {
    return fragment.type === 'any'
      ? fragment
      : valueOf(`${asAny(fragment, emission)}::${emission.pack('value')}`, 'any');
  }
  if (type === 'boolean' || (fragment.type === type && fragment.isLogical !== true)) return fragment;
  const value = fragment.type === 'boolean' ? valueOf(`${fragment.sql}::integer`, 'integer') : asValue(fragment);
  return value.type === type ? value : { ...value, sql: castTo(value.sql, type), type };
}

function nullOf(type: Fragment['type'], emission: Emission): Fragment {
  const name = type === 'any' ? emission.pack('value') : POSTGRES_NAME[type];
  return valueOf(`NULL::${name}`, type, { constant: { kind: 'null' } });
}
