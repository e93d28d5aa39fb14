import type { Expr } from '../sqlite/schema.ts';
import { clockFragment } from './clock.ts';
import { constantFragment } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { numberOfDigits } from './numeric-text.ts';
import { resolveColumn, resolveQualified } from './scope.ts';
import type { Found } from './scope.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

type Literal = Extract<
  Expr,
  {
    type:
      | 'NumericLiteral'
      | 'StringLiteral'
      | 'BlobLiteral'
      | 'NullLiteral'
      | 'KeywordLiteral'
      | 'CurrentDateLiteral'
      | 'CurrentTimeLiteral'
      | 'CurrentTimestampLiteral';
  }
>;

/** A literal: https://sqlite.org/lang_expr.html#literal_values_constants_ */
export function translateLiteral(ast: Literal, setting: Setting): Fragment {
  switch (ast.type) {
    case 'NumericLiteral': {
      const digits = ast.value.replaceAll('_', '');
      if (/^0x/i.test(digits)) {
        return constantFragment({ kind: 'integer', value: BigInt.asIntN(64, BigInt(digits)) });
      }
      return constantFragment(numberOfDigits(digits));
    }
    case 'StringLiteral':
      return constantFragment({ kind: 'text', value: ast.value });
    case 'BlobLiteral':
      return constantFragment({ kind: 'blob', bytes: ast.bytes });
    case 'NullLiteral':
      return constantFragment({ kind: 'null' });
    case 'KeywordLiteral':
      return translateColumn(ast.value, ast.value.length, setting);
    case 'CurrentDateLiteral':
      return clockFragment('date', setting);
    case 'CurrentTimeLiteral':
      return clockFragment('time', setting);
    case 'CurrentTimestampLiteral':
      return clockFragment('datetime', setting);
  }
}

/**
 * A name without a table. One that means no column is TRUE or FALSE, or else was written in double quotes, which SQLite
 * then takes for a text: https://sqlite.org/quirks.html#double_quoted_string_literals_are_accepted
 */
export function translateColumn(name: string, lengthInSource: number, { scope, emission }: Setting): Fragment {
  const column = resolveColumn(scope, name);
  if (column !== undefined) return grouped(column);
  // The SQLite of better-sqlite3 is built without it: https://www.sqlite.org/compile.html#dqs
  if (lengthInSource > name.length && emission.running === undefined) {
    emission.remark({
      severity: 'note',
      code: 'double-quoted-text',
      message: `"${name}" names no column and is the text '${name}'`,
      remedy: 'write texts in single quotes',
    });
    return constantFragment({ kind: 'text', value: name });
  }
  const word = name.toLowerCase();
  if (word === 'true' || word === 'false')
    return constantFragment({ kind: 'integer', value: word === 'true' ? 1n : 0n });
  throw new Untranslatable(
    'unknown-column',
    `there is no column "${name}"`,
    'check the name, and that its table is translated',
  );
}

/** `table.column`, with or without the database's name before it. */
export function translateQualified(ast: Extract<Expr, { type: 'QualifiedExpr' }>, { scope }: Setting): Fragment {
  const column = resolveQualified(scope, ast.table.text, ast.column.text);
  if (column !== undefined) return grouped(column);
  throw new Untranslatable(
    'unknown-column',
    `there is no column "${ast.table.text}"."${ast.column.text}"`,
    'check the name, and that its table is translated',
  );
}

function grouped({ fragment, scope }: Found): Fragment {
  return scope.group === undefined ? fragment : scope.group.column(fragment);
}
