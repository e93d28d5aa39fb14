import type { Expr } from '../sqlite/schema.ts';
import { asInteger } from './call-pack.ts';
import { asAny, asText } from './convert.ts';
import { quoteName, valueOf } from './fragment.ts';
import type { Table } from './from.ts';
import { queryTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

const JSON_COLUMNS = [
  ['key', 'any'],
  ['value', 'any'],
  ['type', 'text'],
  ['atom', 'any'],
  ['id', 'integer'],
  ['parent', 'integer'],
  ['fullkey', 'text'],
  ['path', 'text'],
] as const;

/** A function in FROM: json_each, json_tree or generate_series. */
export function translateTableFunction(
  name: string,
  args: readonly Expr[],
  alias: string | undefined,
  setting: Setting,
): Table {
  const { emission } = setting;
  const known = name.toLowerCase();
  const qualifier = alias ?? emission.freshName();
  const values = args.map((arg) => translateNode(arg, setting));
  const [first, second, third] = values;
  if ((known === 'json_each' || known === 'json_tree') && first !== undefined) {
    const path = second === undefined ? '' : `, ${asText(second, emission).sql}`;
    const document = first.type === 'json' ? first.sql : asAny(first, emission);
    const columns = JSON_COLUMNS.map(([column, type]) => ({
      name: column,
      fragment: valueOf('', type, { affinity: 'BLOB' }),
    }));
    return {
      sql: `${emission.pack(`${known}_value`)}(${document}${path}) AS ${quoteName(qualifier)}`,
      tables: [queryTable(columns, alias ?? name, qualifier)],
    };
  }
  if (known === 'generate_series' && first !== undefined && second !== undefined) {
    const numbers = [first, second, ...(third === undefined ? [] : [third])].map((value) => asInteger(value, emission));
    return {
      sql: `generate_series(${numbers.join(', ')}) AS ${quoteName(qualifier)} ("value")`,
      tables: [
        queryTable([{ name: 'value', fragment: valueOf('', 'integer', { isWide: true }) }], alias ?? name, qualifier),
      ],
    };
  }
  throw new Untranslatable(
    'table-function',
    `the table-valued function ${name}() has no counterpart`,
    known.startsWith('pragma_') ? 'ask information_schema or pg_catalog instead' : 'make a table or a function of it',
  );
}
