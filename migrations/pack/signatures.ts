import type { PackFunction, PackType } from './pack-function.ts';

/**
 * Every function of the pack, by overload. What is not here SQLite and PostgreSQL have in syntax (`coalesce`, `nullif`),
 * or is SQLite's own business (`changes`, `last_insert_rowid`).
 *
 * Names that SQLite does not have:
 *
 * - `cast_integer`, `cast_real`, `cast_numeric`, `cast_text`, `cast_blob`: SQLite's CAST, which never fails.
 * - `nocase`, `rtrim_key`: what a text is equal and ordered by under the collations NOCASE and RTRIM (under "C").
 * - `fixed_date` … `fixed_strftime`: date and time for indexes and generated columns: immutable, and an error where the
 *   answer would depend on the clock or the time zone (`'now'`, `'localtime'`, `'utc'`), as SQLite has it there.
 * - `json_extract_value`, `json_each_value`, `json_tree_value`, `arrow_value`: as without `_value`, but values keep their
 *   type (`any`); those without give text.
 * - `arrow`, `arrow_text`: the operators `->` (JSON) and `->>` (text).
 * - `concat_values`, `concat_ws_values`: `concat` and `concat_ws`, whose names would make PostgreSQL's own ambiguous; for the
 *   same reason `format` is only here as `printf`.
 * - `unixepoch_real`: `unixepoch` with 'subsec', which gives a real.
 * - `compare`: below, at or above 0 as SQLite orders two values of any types; NULL if one is.
 * - `settled`: one of all values that are equal to a value, by which rows are grouped and made distinct.
 * - `integer_key`: the integer that a value is equal to in a column of integers; NULL if it is none.
 * - `arithmetic`: `+`, `-`, `*`, `/` or `%` of two values of any types.
 */
export const PACK: readonly PackFunction[] = [
  // Core: any type in, as SQLite takes it.
  ...scalars('immutable', {
    abs: ['integer -> integer', 'real -> real', 'any -> any'],
    char: ['integer* -> text'],
    concat_values: ['any any* -> text'],
    concat_ws_values: ['any any any* -> text'],
    printf: ['text any* -> text'],
    glob: ['text text -> boolean', 'any any -> boolean'],
    like: ['text text -> boolean', 'text text text -> boolean', 'any any -> boolean', 'any any any -> boolean'],
    hex: ['text -> text', 'blob -> text', 'any -> text'],
    unhex: ['text -> blob', 'text text -> blob'],
    ifnull: ['common common -> common'],
    if: ['boolean common -> common', 'boolean common common -> common', 'any common common -> common'],
    iif: ['boolean common -> common', 'boolean common common -> common', 'any common common -> common'],
    instr: ['text text -> integer', 'blob blob -> integer', 'any any -> integer'],
    length: ['text -> integer', 'blob -> integer', 'any -> integer'],
    octet_length: ['text -> integer', 'blob -> integer', 'any -> integer'],
    likely: ['common -> common'],
    unlikely: ['common -> common'],
    likelihood: ['common real -> common'],
    lower: ['text -> text', 'any -> text'],
    upper: ['text -> text', 'any -> text'],
    trim: ['text -> text', 'text text -> text', 'any -> text'],
    ltrim: ['text -> text', 'text text -> text', 'any -> text'],
    rtrim: ['text -> text', 'text text -> text', 'any -> text'],
    max: multi('any'),
    min: multi('any'),
    quote: ['any -> text'],
    replace: ['text text text -> text', 'any any any -> text'],
    round: ['real -> real', 'real integer -> real', 'any -> real', 'any integer -> real'],
    sign: ['real -> integer', 'any -> integer'],
    soundex: ['text -> text'],
    substr: [
      'text integer -> text',
      'text integer integer -> text',
      'blob integer -> blob',
      'blob integer integer -> blob',
      'any integer -> text',
      'any integer integer -> text',
    ],
    substring: [
      'text integer -> text',
      'text integer integer -> text',
      'blob integer -> blob',
      'blob integer integer -> blob',
      'any integer -> text',
      'any integer integer -> text',
    ],
    typeof: ['text -> text', 'any -> text'],
    unicode: ['text -> integer', 'any -> integer'],
    zeroblob: ['integer -> blob'],
    cast_integer: ['text -> integer', 'real -> integer', 'any -> integer'],
    cast_real: ['text -> real', 'any -> real'],
    cast_numeric: ['text -> any', 'any -> any'],
    cast_text: ['integer -> text', 'real -> text', 'any -> text'],
    cast_blob: ['any -> blob'],
    compare: ['any any -> integer'],
    settled: ['any -> any'],
    integer_key: ['any -> integer'],
    arithmetic: ['text any any -> any'],
    nocase: ['text -> text'],
    rtrim_key: ['text -> text'],
  }),
  ...scalars('volatile', { random: ['-> integer'], randomblob: ['integer -> blob'] }),
  // Mathematics.
  ...scalars('immutable', {
    ...Object.fromEntries(
      'acos acosh asin asinh atan atanh cos cosh degrees exp ln log log10 log2 radians sin sinh sqrt tan tanh'
        .split(' ')
        .map((name) => [name, ['real -> real']] as const),
    ),
    atan2: ['real real -> real'],
    ceil: ['integer -> integer', 'real -> real', 'any -> any'],
    ceiling: ['integer -> integer', 'real -> real', 'any -> any'],
    floor: ['integer -> integer', 'real -> real', 'any -> any'],
    trunc: ['integer -> integer', 'real -> real', 'any -> any'],
    mod: ['real real -> real'],
    pi: ['-> real'],
    pow: ['real real -> real'],
    power: ['real real -> real'],
  }),
  { name: 'log', kind: 'scalar', args: ['real', 'real'], returns: 'real', volatility: 'immutable' },
  // Date and time. The first argument is the time value (strftime: the second); without one it is now.
  ...scalars('stable', {
    date: ['-> text', 'text text* -> text', 'any text* -> text'],
    time: ['-> text', 'text text* -> text', 'any text* -> text'],
    datetime: ['-> text', 'text text* -> text', 'any text* -> text'],
    julianday: ['-> real', 'text text* -> real', 'any text* -> real'],
    // With 'subsec' a fraction is lost here, as the result is an integer; `unixepoch_real` keeps it.
    unixepoch: ['-> integer', 'text text* -> integer', 'any text* -> integer'],
    unixepoch_real: ['any text* -> real'],
    strftime: ['text -> text', 'text text text* -> text', 'text any text* -> text'],
    timediff: ['text text -> text', 'any any -> text'],
  }),
  ...scalars('immutable', {
    fixed_date: ['text text* -> text', 'any text* -> text'],
    fixed_time: ['text text* -> text', 'any text* -> text'],
    fixed_datetime: ['text text* -> text', 'any text* -> text'],
    fixed_julianday: ['text text* -> real', 'any text* -> real'],
    fixed_unixepoch: ['text text* -> integer', 'any text* -> integer'],
    fixed_strftime: ['text text text* -> text', 'text any text* -> text'],
    fixed_timediff: ['text text -> text', 'any any -> text'],
  }),
  // JSON. A result of type `json` is minified text, as SQLite gives it; it nests where it is an argument.
  ...scalars('immutable', {
    json: ['text -> json', 'any -> json'],
    json_array: ['any* -> json'],
    json_object: ['any* -> json'],
    json_array_length: ['text -> integer', 'text text -> integer', 'any -> integer', 'any text -> integer'],
    json_extract: ['text text text* -> text', 'any text text* -> text'],
    json_extract_value: ['any text text* -> any'],
    arrow: ['any any -> json'],
    arrow_text: ['any any -> text'],
    arrow_value: ['any any -> any'],
    json_insert: ['any any* -> json'],
    json_replace: ['any any* -> json'],
    json_set: ['any any* -> json'],
    json_array_insert: ['any any* -> json'],
    json_remove: ['text text* -> json', 'any text* -> json'],
    json_patch: ['text text -> json', 'any any -> json'],
    json_quote: ['text -> json', 'any -> json'],
    json_type: ['text -> text', 'text text -> text', 'any -> text', 'any text -> text'],
    json_valid: ['text -> boolean', 'text integer -> boolean', 'any -> boolean'],
    json_pretty: ['text -> text', 'text text -> text', 'any -> text', 'any text -> text'],
  }),
  ...['json_each', 'json_tree'].flatMap((name) => [
    ...tables(name, { key: 'text', value: 'text', atom: 'text' }),
    ...tables(`${name}_value`, { key: 'any', value: 'any', atom: 'any' }),
  ]),
  // Aggregates; they serve as window functions too.
  ...aggregates({
    total: ['integer -> real', 'real -> real', 'any -> real'],
    sum: ['integer -> integer', 'real -> real'],
    avg: ['integer -> real', 'real -> real', 'any -> real'],
    group_concat: ['text -> text', 'text text -> text', 'any -> text', 'any text -> text'],
    string_agg: ['any text -> text'],
    json_group_array: ['text -> json', 'any -> json'],
    json_group_object: ['text text -> json', 'text any -> json'],
  }),
];

type Volatility = PackFunction['volatility'];

/** From `integer text* -> text`: arguments, the type of further ones with a star, the result. */
function signature(notation: string): Pick<PackFunction, 'args' | 'variadic' | 'returns'> {
  const [before = '', returns = ''] = notation.split('->').map((side) => side.trim());
  const words = before === '' ? [] : before.split(' ');
  const variadic = words.find((word) => word.endsWith('*'))?.slice(0, -1);
  return {
    args: words.filter((word) => !word.endsWith('*')) as PackType[],
    ...(variadic === undefined ? {} : { variadic: variadic as PackType }),
    returns: returns as PackType,
  };
}

function scalars(volatility: Volatility, notations: Readonly<Record<string, readonly string[]>>): PackFunction[] {
  return Object.entries(notations).flatMap(([name, overloads]) =>
    overloads.map((notation) => ({ name, kind: 'scalar' as const, ...signature(notation), volatility })),
  );
}

function aggregates(notations: Readonly<Record<string, readonly string[]>>): PackFunction[] {
  return scalars('immutable', notations).map((made) => ({ ...made, kind: 'aggregate' }));
}

/** Greatest and least of two or more. */
function multi(other: PackType): string[] {
  return ['integer', 'real', 'numeric', 'text', 'blob', other].map((type) => `${type} ${type} ${type}* -> ${type}`);
}

function tables(name: string, types: { key: PackType; value: PackType; atom: PackType }): PackFunction[] {
  const columns = [
    { name: 'key', type: types.key },
    { name: 'value', type: types.value },
    { name: 'type', type: 'text' },
    { name: 'atom', type: types.atom },
    { name: 'id', type: 'integer' },
    { name: 'parent', type: 'integer' },
    { name: 'fullkey', type: 'text' },
    { name: 'path', type: 'text' },
  ] as const;
  const table = { name, kind: 'table', returns: 'null', columns, volatility: 'immutable' } as const;
  return (['text', 'any'] as const).flatMap((type) => [
    { ...table, args: [type] },
    { ...table, args: [type, 'text'] as const },
  ]);
}
