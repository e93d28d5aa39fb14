import type { Expr, Select } from '../../../sqlite/schema.ts';
import { bare, warning } from './difference.ts';
import type { Difference, RuleContext } from './difference.ts';

type Core = Extract<Select['select'], { type: 'SelectFrom' }>;
type ResultColumn = Core['columns'][number];

const AGGREGATES = new Set(['count', 'sum', 'avg']);
const WINDOWS = new Set(['row_number', 'rank', 'dense_rank', 'ntile']);

/** How the rows that come back look otherwise: the names of their columns, and how plain pg gives numbers. */
export function resultDifferences(
  columns: readonly ResultColumn[],
  context: RuleContext & { readonly source: string },
): readonly Difference[] {
  return columns.flatMap((column) => {
    if (column.type !== 'ExprResultColumn') return [];
    const expr = bare(column.expr);
    const found: Difference[] = [];
    if (column.alias === undefined) found.push(...unnamed(expr, context));
    else found.push(...folded(column.alias.name, context.source));
    const { type } = context.facts(expr);
    const name =
      expr.type === 'FunctionCallExpr' || expr.type === 'FunctionCallStarExpr' ? expr.name.name.toLowerCase() : '';
    if (WINDOWS.has(name) || (AGGREGATES.has(name) && (type === 'integer' || name === 'avg'))) {
      found.push({
        severity: 'note',
        code: 'number-as-text',
        message: `\`${context.text(expr)}\` comes as a text from plain pg; Crossfade's Knex gives the number`,
        remedy: 'nothing with Crossfade; later, set a type parser for int8 and numeric',
      });
    }
    if (type === 'boolean') {
      found.push({
        severity: 'note',
        code: 'boolean-result',
        message: `\`${context.text(expr)}\` is true or false with plain pg where SQLite has 1 or 0; Crossfade's Knex gives 1 or 0`,
        remedy: 'nothing with Crossfade; later, look where the value is compared with 1 or 0',
      });
    }
    return found;
  });
}

const NAMED = new Set(['Id', 'NameExpr', 'QualifiedExpr']);
const CONSTANT = new Set(['NumericLiteral', 'StringLiteral', 'NullLiteral', 'VariableExpr', 'BlobLiteral']);

function unnamed(expr: Expr, { text }: RuleContext): readonly Difference[] {
  // Whoever selects a constant asks whether there is a row.
  if (NAMED.has(expr.type) || CONSTANT.has(expr.type)) return [];
  return [
    warning(
      'column-without-name',
      `SQLite calls a column of the result \`${text(expr)}\`, PostgreSQL calls it otherwise`,
      'give it a name with AS',
    ),
  ];
}

function folded(
  { text, span }: { readonly text: string; readonly span: { readonly offset: number; readonly length: number } },
  source: string,
): readonly Difference[] {
  const isQuoted = /^["`[']/.test(source.slice(span.offset));
  if (isQuoted || text === text.toLowerCase()) return [];
  return [
    warning(
      'name-folds-case',
      `the column that is called ${text} in SQLite is called ${text.toLowerCase()} in PostgreSQL`,
      `put the name into double quotes: AS "${text}"`,
    ),
  ];
}
