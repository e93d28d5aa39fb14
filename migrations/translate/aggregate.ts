import type { Expr } from '../sqlite/schema.ts';
import type { AstNode } from './ast.ts';
import { asAny, asCondition, asNumber, asReal, asText, asValue, wide } from './convert.ts';
import { castTo, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { collated, collationOf } from './compare-fragments.ts';
import { orderTerm, refuseUnknownType, settled, sortKey, sortKeys } from './order-by.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { translateOver } from './window.ts';

export type Call = Extract<Expr, { type: 'FunctionCallExpr' | 'FunctionCallStarExpr' }>;

const NAMES = new Set(
  `count sum total avg group_concat string_agg median percentile percentile_cont percentile_disc
  json_group_array json_group_object jsonb_group_array jsonb_group_object`.split(/\s+/),
);

/** Whether a node calls a function that makes one value of a group's rows: https://sqlite.org/lang_aggfunc.html */
export function isAggregateCall(node: AstNode): boolean {
  return isAggregateFunction(node) && (node as Call).filterOver?.overClause === undefined;
}

/** Whether the function is an aggregate, be it over a group or over a window. */
export function isAggregateFunction(node: AstNode): boolean {
  if (node.type === 'FunctionCallStarExpr') return true;
  if (node.type !== 'FunctionCallExpr') return false;
  const call = node as Extract<Expr, { type: 'FunctionCallExpr' }>;
  const name = call.name.name.toLowerCase();
  return NAMES.has(name) || ((name === 'min' || name === 'max') && call.args?.length === 1);
}

/** An aggregate of a group or of a window. */
export function translateAggregate(call: Call, setting: Setting): Fragment {
  const over = call.filterOver?.overClause;
  const { group: _, aliases: __, ...rows } = setting.scope;
  // A window sees the groups; a group's aggregate sees the rows.
  const inside: Setting = over === undefined ? { ...setting, scope: rows } : setting;
  const filter = call.filterOver?.filterClause;
  const tail = [
    filter === undefined ? '' : ` FILTER (WHERE ${asCondition(translateNode(filter, inside), setting.emission)})`,
    over === undefined ? '' : ` OVER ${translateOver(over, setting)}`,
  ].join('');
  const name = call.name.name.toLowerCase();
  if (call.type === 'FunctionCallStarExpr' || (name === 'count' && (call.args ?? []).length === 0)) {
    if (name !== 'count') throw new Untranslatable('unknown-function', `${name}(*) is no aggregate`, 'rewrite it');
    return valueOf(`count(*)${tail}`, 'integer', { isWide: true, isNotNull: true });
  }
  const args = (call.args ?? []).map((arg) => translateNode(arg, inside));
  const order = call.orderBy?.type === 'SortListFunctionCallOrder' ? call.orderBy.columns : [];
  const terms = order.map((term) => orderTerm(translateNode(term.expr, inside), term));
  const isDistinct = call.distinctness === 'Distinct';
  if (isDistinct && terms.length > 0) {
    throw new Untranslatable(
      'distinct-order',
      `${name}(DISTINCT … ORDER BY …)`,
      'order a subquery with DISTINCT instead',
    );
  }
  return aggregateOf(name, args, {
    distinct: isDistinct ? 'DISTINCT ' : '',
    orderBy: terms.length === 0 ? '' : ` ORDER BY ${terms.join(', ')}`,
    tail,
    setting: inside,
  });
}

interface AggregateParts {
  readonly distinct: string;
  readonly orderBy: string;
  readonly tail: string;
  readonly setting: Setting;
}

function aggregateOf(name: string, args: readonly Fragment[], parts: AggregateParts): Fragment {
  const { emission } = parts.setting;
  const [first, second] = args;
  if (first === undefined || args.length > 2)
    throw new Untranslatable('arguments', `${name}() with ${args.length} arguments`, 'rewrite it');
  const call = (fn: string, ...sql: readonly string[]) =>
    `${fn}(${parts.distinct}${sql.join(', ')}${parts.orderBy})${parts.tail}`;
  switch (name) {
    case 'count':
      return valueOf(call('count', parts.distinct === '' ? counted(first) : distinctKey(first)), 'integer', {
        isWide: true,
        isNotNull: true,
      });
    case 'sum':
      return sumOf(first, call, emission.pack.bind(emission), parts);
    case 'total':
    case 'avg': {
      const number = asNumber(first, emission);
      const real =
        number.type === 'null'
          ? 'NULL::double precision'
          : number.type === 'integer'
            ? wide(number).sql
            : asReal(number).sql;
      return valueOf(call(emission.pack(name), real), 'real');
    }
    case 'min':
    case 'max':
      return extreme(name, first, call, parts);
    case 'group_concat':
    case 'string_agg':
      return concatenation(first, second, call, parts);
    case 'json_group_array':
      return valueOf(call(emission.pack(name), first.type === 'json' ? first.sql : asAny(first, emission)), 'json');
    case 'json_group_object':
      if (second === undefined) break;
      return valueOf(
        call(
          emission.pack(name),
          asText(first, emission).sql,
          second.type === 'json' ? second.sql : asAny(second, emission),
        ),
        'json',
      );
    default:
      break;
  }
  throw new Untranslatable(
    'unknown-function',
    `the aggregate ${name}() is not translated`,
    'rewrite it, or compute it in the application',
  );
}

type CallOf = (fn: string, ...sql: readonly string[]) => string;

function counted(fragment: Fragment): string {
  return fragment.type === 'null' ? 'NULL::text' : fragment.sql;
}

function distinctKey(fragment: Fragment): string {
  const value = fragment.type === 'boolean' ? fragment : asValue(fragment);
  if (value.type === 'any') return settled(value).sql;
  refuseUnknownType(value);
  return value.type === 'text' ? collated(value, collationOf(fragment)).sql : counted(value);
}

/** A sum of integers is an integer, and an error beyond 64 bits, as in SQLite. */
function sumOf(first: Fragment, call: CallOf, pack: (name: string) => string, { setting }: AggregateParts): Fragment {
  const number = asNumber(first, setting.emission);
  switch (number.type) {
    case 'null':
      return valueOf('NULL', 'null', { constant: { kind: 'null' } });
    case 'integer':
      return valueOf(castTo(call('sum', wide(number).sql), 'integer'), 'integer', { isWide: true });
    default:
      return valueOf(
        call(pack('sum'), asReal(number).sql),
        'real',
        number.type === 'numeric' || number.isMixed === true ? { isMixed: true } : {},
      );
  }
}

function extreme(name: 'min' | 'max', first: Fragment, call: CallOf, { tail, setting }: AggregateParts): Fragment {
  const value = asValue(first);
  const { isNotNull: _, constant: __, column: ___, ...kept } = value;
  switch (value.type) {
    case 'null':
      return first;
    case 'boolean':
      return valueOf(call(name, `${value.sql}::integer`), 'integer');
    case 'text': {
      if (collationOf(first) !== 'BINARY') {
        if (setting.emission.running !== undefined && tail === '') return firstOf(name, first);
        throw new Untranslatable(
          'extreme-collation',
          `${name}() under collation ${collationOf(first)} gives any of several equal texts`,
          `use ${name}() with COLLATE BINARY, or of lower(…)`,
        );
      }
      return { ...kept, sql: call(name, sortKey(value)), affinity: null, collation: null };
    }
    case 'blob':
    case 'uuid':
      if (tail !== '') break;
      return {
        ...kept,
        affinity: null,
        sql: `(array_agg(${value.sql} ORDER BY ${value.sql}${name === 'max' ? ' DESC' : ''} NULLS LAST))[1]`,
      };
    case 'any': {
      if (tail !== '') refuseUnknownType(value);
      const order = sortKeys(value).map((key) => `${key}${name === 'max' ? ' DESC' : ''}`);
      return {
        ...kept,
        affinity: null,
        sql: `(array_agg(${value.sql} ORDER BY ${order.join(', ')}) FILTER (WHERE NOT (${value.sql} IS NULL)))[1]`,
      };
    }
    case 'jsonb':
      sortKey(value);
      break;
    default:
      return { ...kept, sql: call(name, value.sql), affinity: null, collation: null };
  }
  throw new Untranslatable(
    'extreme',
    `${name}() of values of type ${value.type}`,
    'order a subquery and take its first row',
  );
}

/** Of texts that are equal under a collation SQLite gives the one that it reads first, PostgreSQL any. */
function firstOf(name: 'min' | 'max', text: Fragment): Fragment {
  const order = `${sortKey(text)}${name === 'max' ? ' DESC' : ''}`;
  const { isNotNull: _, constant: __, column: ___, ...kept } = text;
  const sql = `(array_agg(${text.sql} ORDER BY ${order}) FILTER (WHERE ${text.sql} IS NOT NULL))[1]`;
  return { ...kept, sql, affinity: null, collation: null };
}

function concatenation(first: Fragment, second: Fragment | undefined, call: CallOf, parts: AggregateParts): Fragment {
  const { emission } = parts.setting;
  if (parts.orderBy === '' && !parts.tail.includes('ORDER BY')) {
    emission.remark({
      severity: 'warning',
      code: 'order-of-concatenation',
      message: 'texts are put together in the order in which rows happen to be read',
      remedy: 'state it: group_concat(… ORDER BY …)',
    });
  }
  if (parts.distinct !== '' && collationOf(first) !== 'BINARY') distinctRefused(collationOf(first));
  const separator = second === undefined ? "','" : asText(second, emission).sql;
  return valueOf(call('string_agg', asText(first, emission).sql, separator), 'text');
}

function distinctRefused(collation: string): never {
  throw new Untranslatable(
    'distinct-collation',
    `texts are made distinct under collation ${collation}`,
    'add COLLATE BINARY',
  );
}
