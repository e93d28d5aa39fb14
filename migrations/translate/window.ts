import type { Select } from '../sqlite/schema.ts';
import { asInteger } from './call-pack.ts';
import { asNumber, asValue } from './convert.ts';
import { quoteName, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { equalityKey, orderTerm } from './order-by.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { unifiedValue, unify } from './unify.ts';
import type { Call } from './aggregate.ts';

type Definitions = NonNullable<Extract<Select['select'], { type: 'SelectFrom' }>['windowClause']>;
type Window = Definitions[number]['window'];
type Over = NonNullable<NonNullable<Call['filterOver']>['overClause']>;

/** A WINDOW clause, and the names that it gives. */
export function translateWindows(
  definitions: Definitions,
  setting: Setting,
): { readonly sql: string; readonly names: ReadonlyMap<string, string> } {
  const names = new Map<string, string>();
  const sql = definitions.map(({ name, window }) => {
    const key = name.text.toLowerCase();
    const text = `${quoteName(key)} AS ${translateWindow(window, { ...setting, windows: names })}`;
    names.set(key, quoteName(key));
    return text;
  });
  return { sql: sql.length === 0 ? '' : ` WINDOW ${sql.join(', ')}`, names };
}

/** What stands after OVER. */
export function translateOver(over: Over, setting: Setting): string {
  return over.type === 'NameOver' ? windowName(over.name.text, setting) : translateWindow(over.window, setting);
}

function windowName(name: string, { windows }: Setting): string {
  const known = windows?.get(name.toLowerCase());
  if (known === undefined) throw new Untranslatable('unknown-window', `there is no window "${name}"`, 'check its name');
  return known;
}

function translateWindow({ base, partitionBy, orderBy, frameClause }: Window, setting: Setting): string {
  const parts: string[] = [];
  if (base !== undefined) parts.push(windowName(base.text, setting));
  if (partitionBy !== undefined) {
    parts.push(`PARTITION BY ${partitionBy.map((term) => equalityKey(translateNode(term, setting))).join(', ')}`);
  }
  if (orderBy !== undefined) {
    const terms = orderBy.map((term) => orderTerm(translateNode(term.expr, setting), term));
    parts.push(`ORDER BY ${terms.join(', ')}`);
  }
  if (frameClause !== undefined) parts.push(translateFrame(frameClause, setting));
  return `(${parts.join(' ')})`;
}

type Frame = NonNullable<Window['frameClause']>;

function translateFrame({ mode, start, end, exclude }: Frame, setting: Setting): string {
  const excluded = {
    NoOthers: ' EXCLUDE NO OTHERS',
    CurrentRow: ' EXCLUDE CURRENT ROW',
    Group: ' EXCLUDE GROUP',
    Ties: ' EXCLUDE TIES',
  };
  const low = bound(start, setting);
  const range = end === undefined ? low : `BETWEEN ${low} AND ${bound(end, setting)}`;
  return `${mode.toUpperCase()} ${range}${exclude === undefined ? '' : excluded[exclude]}`;
}

function bound(frame: Frame['start'], setting: Setting): string {
  switch (frame.type) {
    case 'CurrentRowFrameBound':
      return 'CURRENT ROW';
    case 'UnboundedFollowingFrameBound':
      return 'UNBOUNDED FOLLOWING';
    case 'UnboundedPrecedingFrameBound':
      return 'UNBOUNDED PRECEDING';
    case 'FollowingFrameBound':
    case 'PrecedingFrameBound':
      return `${asNumber(translateNode(frame.expr, setting), setting.emission).sql} ${frame.type === 'FollowingFrameBound' ? 'FOLLOWING' : 'PRECEDING'}`;
  }
}

const NUMBERS = {
  row_number: 'integer',
  rank: 'integer',
  dense_rank: 'integer',
  percent_rank: 'real',
  cume_dist: 'real',
} as const;

/** Functions that are nothing without a window: https://sqlite.org/windowfunctions.html#built_in_window_functions */
export function translateWindowFunction(call: Call, setting: Setting): Fragment | undefined {
  const over = call.filterOver?.overClause;
  if (over === undefined || call.type === 'FunctionCallStarExpr') return undefined;
  const name = call.name.name.toLowerCase();
  const args = (call.args ?? []).map((arg) => translateNode(arg, setting));
  const tail = `OVER ${translateOver(over, setting)}`;
  if (name in NUMBERS) {
    const type = NUMBERS[name as keyof typeof NUMBERS];
    return valueOf(`${name}() ${tail}`, type, { isNotNull: true, ...(type === 'integer' ? { isWide: true } : {}) });
  }
  const [first, second, third] = args;
  if (first === undefined) return undefined;
  const small = (fragment: Fragment) => `${asInteger(fragment, setting.emission)}::integer`;
  switch (name) {
    case 'ntile':
      return valueOf(`ntile(${small(first)}) ${tail}`, 'integer');
    case 'first_value':
    case 'last_value':
      return picked(`${name}(${asValue(first).sql}) ${tail}`, first);
    case 'nth_value':
      return second && picked(`nth_value(${asValue(first).sql}, ${small(second)}) ${tail}`, first);
    case 'lag':
    case 'lead': {
      const offset = second === undefined ? '' : `, ${small(second)}`;
      if (third === undefined) return picked(`${name}(${asValue(first).sql}${offset}) ${tail}`, first);
      const unified = unify([first, third], setting.emission, `${name}()`);
      return unifiedValue(`${name}(${unified.parts[0]?.sql}${offset}, ${unified.parts[1]?.sql}) ${tail}`, unified);
    }
    default:
      return undefined;
  }
}

function picked(sql: string, from: Fragment): Fragment {
  const { isNotNull: _, constant: __, isLogical: ___, column: ____, ...kept } = from;
  const type = from.isLogical === true ? 'integer' : asValue(from).type;
  return { ...kept, sql, type, affinity: null, collation: null };
}
