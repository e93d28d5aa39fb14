import { collationOf } from './compare-fragments.ts';
import { asNumber, asText, asValue, classOf, refuseMixed } from './convert.ts';
import { clockFragment } from './clock.ts';
import { chooseFirst } from './case.ts';
import { constantFragment, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { unifiedValue, unify } from './unify.ts';

/** A function that PostgreSQL has with exactly SQLite's meaning, for these arguments; undefined if the pack is wanted. */
export function nativeFunction(name: string, args: readonly Fragment[], setting: Setting): Fragment | undefined {
  const [first, second] = args;
  if ((name === 'max' || name === 'min') && args.length > 1) refuseExtreme(name, args);
  if (name === 'replace' && args.length === 3) return replaced(args, setting);
  if (args.some(({ type, parameter }) => parameter === undefined && (type === 'any' || type === 'null')))
    return undefined;
  switch (name) {
    case 'lower':
    case 'upper':
      if (args.length !== 1 || first === undefined || !isWord(first)) return undefined;
      // Under "C" these fold the letters of ASCII and no others, as SQLite does.
      return valueOf(`${name}(${asText(first, setting.emission).sql} COLLATE "C")`, 'text', notNull(args));
    case 'length':
      if (args.length !== 1 || first === undefined || first.parameter !== undefined) return undefined;
      if (first.type === 'blob') return valueOf(`octet_length(${first.sql})`, 'integer', notNull(args));
      return isWord(first)
        ? valueOf(`length(${asText(first, setting.emission).sql})`, 'integer', notNull(args))
        : undefined;
    case 'abs':
      return args.length === 1 && first !== undefined ? absolute(first, setting) : undefined;
    case 'trim':
    case 'ltrim':
    case 'rtrim':
      if (args.length > 2 || !args.every(isWord)) return undefined;
      return textCall(name === 'trim' ? 'btrim' : name, args, setting);
    case 'instr':
      if (args.length !== 2 || !args.every(isWord)) return undefined;
      return { ...textCall('strpos', args, setting), type: 'integer' };
    case 'substr':
    case 'substring':
      return plainPart(args, setting);
    case 'typeof':
      return args.length === 1 && first !== undefined ? typeName(first, setting) : undefined;
    case 'max':
    case 'min':
      return args.length > 1 && args.every((one) => classOf(one) === 'number' || isWord(one))
        ? extreme(name, args, setting)
        : undefined;
    case 'datetime':
    case 'date':
    case 'time':
    case 'unixepoch':
      return isNow(args) ? clockFragment(name, setting) : undefined;
    case 'strftime':
      return first?.constant?.kind === 'text' &&
        first.constant.value === '%s' &&
        second !== undefined &&
        isNow(args.slice(1))
        ? clockFragment('strftime', setting)
        : undefined;
    default:
      return undefined;
  }
}

function isNow(args: readonly Fragment[]): boolean {
  const [only, another] = args;
  if (only === undefined) return true;
  return another === undefined && only.constant?.kind === 'text' && only.constant.value.toLowerCase() === 'now';
}

/** A text, or what becomes one as in SQLite. */
function isWord(fragment: Fragment): boolean {
  return (
    fragment.parameter !== undefined ||
    classOf(fragment) === 'text' ||
    fragment.type === 'integer' ||
    fragment.type === 'boolean'
  );
}

function notNull(args: readonly Fragment[]): { readonly isNotNull?: true } {
  return args.every((arg) => arg.isNotNull === true) ? { isNotNull: true } : {};
}

function textCall(name: string, args: readonly Fragment[], { emission }: Setting): Fragment {
  return valueOf(`${name}(${args.map((arg) => asText(arg, emission).sql).join(', ')})`, 'text', notNull(args));
}

/** An empty pattern gives the text back, even where nothing is to replace it with. */
function replaced(args: readonly Fragment[], setting: Setting): Fragment {
  const [text, pattern, replacement] = args;
  const call = textCall('replace', args, setting);
  const isPlain = pattern?.constant?.kind === 'text' && pattern.constant.value !== '';
  if (text === undefined || pattern === undefined || isPlain || replacement?.isNotNull === true) return call;
  const [whole, part] = [text, pattern].map((one) => asText(one, setting.emission).sql);
  return valueOf(`(CASE WHEN ${part} = '' THEN ${whole} ELSE ${call.sql} END)`, 'text');
}

function absolute(arg: Fragment, { emission }: Setting): Fragment | undefined {
  if (arg.parameter !== undefined || classOf(arg) !== 'number') return undefined;
  const number = asNumber(arg, emission);
  const { isWide, isMixed } = number;
  return valueOf(`abs(${number.sql})`, number.type, {
    ...(isWide === true ? { isWide } : {}),
    ...(isMixed === true ? { isMixed } : {}),
  });
}

/** From a place that counts from the start, a length that is none below zero: there both databases agree. */
function plainPart([text, from, length]: readonly Fragment[], setting: Setting): Fragment | undefined {
  const isCount = (one: Fragment | undefined, least: bigint) =>
    one?.constant?.kind === 'integer' && one.constant.value >= least && one.constant.value < 2n ** 30n;
  if (text === undefined || from === undefined || !isWord(text) || !isCount(from, 1n)) return undefined;
  if (length !== undefined && !isCount(length, 0n)) return undefined;
  const parts = [asText(text, setting.emission).sql, from.sql, ...(length === undefined ? [] : [length.sql])];
  return valueOf(`substr(${parts.join(', ')})`, 'text');
}

function typeName(arg: Fragment, setting: Setting): Fragment | undefined {
  const value = asValue(arg);
  if (value.isMixed === true || value.parameter !== undefined) return undefined;
  const name = { integer: 'integer', boolean: 'integer', real: 'real', text: 'text', blob: 'blob' }[
    value.type as string
  ];
  if (name === undefined) return undefined;
  const known = constantFragment({ kind: 'text', value: name });
  if (value.isNotNull === true) return known;
  return chooseFirst([`${value.sql} IS NULL`], [constantFragment({ kind: 'text', value: 'null' }), known], setting);
}

/** Of values that are equal under a collation SQLite takes one by their order, and no blob is compared here. */
function refuseExtreme(name: string, args: readonly Fragment[]): void {
  const collation = args.find((arg) => arg.collation !== null && classOf(arg) === 'text');
  if (args.some(({ type }) => type === 'blob')) {
    throw new Untranslatable('mixed-types', `${name}() of blobs`, 'compare them with CASE');
  }
  if (collation !== undefined && collationOf(collation) !== 'BINARY') {
    throw new Untranslatable(
      'extreme-collation',
      `${name}() under collation ${collationOf(collation)}`,
      'add COLLATE BINARY',
    );
  }
}

/** The scalar max() and min(), which are NULL if one argument is. */
function extreme(name: 'max' | 'min', args: readonly Fragment[], { emission }: Setting): Fragment | undefined {
  const classes = new Set(args.map((arg) => (arg.parameter === undefined ? classOf(arg) : 'parameter')));
  if (classes.size > 1 || classes.has('parameter')) return undefined;
  for (const arg of args) if (classOf(arg) === 'text') refuseMixed(arg, 'an order');
  const unified = unify(args, emission, `${name}()`);
  if (unified.type === 'any') {
    return unifiedValue(`${emission.pack(name)}(${unified.parts.map((part) => part.sql).join(', ')})`, unified);
  }
  const sql = unified.parts.map((part, index) =>
    unified.type === 'text' && index === 0 ? `${part.sql} COLLATE "C"` : part.sql,
  );
  const call = `${name === 'max' ? 'GREATEST' : 'LEAST'}(${sql.join(', ')})`;
  const nulls = unified.parts
    .filter((_, index) => args[index]?.isNotNull !== true)
    .map((part) => `${part.sql} IS NOT NULL`);
  return unifiedValue(nulls.length === 0 ? call : `(CASE WHEN ${nulls.join(' AND ')} THEN ${call} END)`, unified);
}
