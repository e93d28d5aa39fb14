import type { Expr } from '../../../sqlite/schema.ts';
import { bare, warning } from './difference.ts';
import type { Difference, RuleContext } from './difference.ts';
import { typeOfCast } from './expression-facts.ts';
import { textDifferences } from './operator-rules.ts';

type Call = Extract<Expr, { type: 'FunctionCallExpr' }>;
type Cast = Extract<Expr, { type: 'CastExpr' }>;

/** What functions that both databases have do otherwise. Those that PostgreSQL lacks never get here. */
export function callDifferences(ast: Call, context: RuleContext): readonly Difference[] {
  const args = (ast.args ?? []).map(bare);
  const [first, second, third] = args;
  const { facts, text } = context;
  const sql = text(ast);
  switch (ast.name.name.toLowerCase()) {
    case 'substr':
    case 'substring': {
      const from = second === undefined ? undefined : facts(second).constant;
      const length = third === undefined ? undefined : facts(third).constant;
      if ((from === undefined || from > 0n) && (length === undefined || length >= 0n)) return [];
      return [
        warning(
          'substr-start',
          `\`${sql}\` counts from the end in SQLite; PostgreSQL counts places before the first, and refuses negative lengths`,
          'use right(text, n) for the end of a text; write the start as a number from 1',
        ),
      ];
    }
    case 'round':
      if (first === undefined || facts(first).type !== 'real' || second !== undefined) return [];
      return [
        warning(
          'round-halves',
          `\`${sql}\` rounds halves away from zero in SQLite, and to the even number in PostgreSQL (2.5 to 2)`,
          'round numeric values: round(CAST(… AS numeric))',
        ),
      ];
    case 'upper':
    case 'lower': {
      const folds =
        first?.type === 'StringLiteral'
          ? /\P{ASCII}/u.test(first.value)
          : first !== undefined && facts(first).type === 'parameter';
      if (!folds) return [];
      return [
        warning(
          'case-beyond-ascii',
          `\`${sql}\` leaves all letters but those of ASCII as they are in SQLite, and knows them in PostgreSQL (é, É)`,
          `add COLLATE "C" to the argument in PostgreSQL, which does as SQLite does`,
        ),
      ];
    }
    case 'random':
      return [
        warning(
          'random-is-a-fraction',
          'random() is a whole number of 64 bits in SQLite, and a fraction from 0 to 1 in PostgreSQL',
          'make it in the application',
        ),
      ];
    case 'date':
      return [
        warning(
          'date-is-a-type',
          `\`${sql}\` is a text in SQLite, NULL for what is no date; in PostgreSQL it is a value of the type date (JavaScript gets a Date), or an error`,
          "use substr(…, 1, 10) where the text begins with the date, or to_char(…, 'YYYY-MM-DD') in PostgreSQL",
        ),
      ];
    case 'format':
      return [
        warning(
          'format-differs',
          `\`${sql}\` formats as C's printf in SQLite, and knows only %s, %I and %L in PostgreSQL`,
          'make the text in the application',
        ),
      ];
    case 'concat':
    case 'concat_ws':
      return args.flatMap((arg) => textDifferences(arg, facts(arg), context));
    case 'json_array':
    case 'json_object':
      return [
        warning(
          'json-text',
          `\`${sql}\` has another text in PostgreSQL: blanks after commas and colons`,
          'compare and store it as jsonb, or make it in the application',
        ),
      ];
    case 'string_agg':
      if (ast.orderBy !== undefined) return [];
      return [
        warning(
          'aggregate-order',
          `\`${sql}\` has no ORDER BY in it: in which order the texts come is another matter in each database`,
          'add ORDER BY behind the last argument, which both know',
        ),
      ];
    default:
      return [];
  }
}

/** https://sqlite.org/lang_expr.html#castexpr */
export function castDifferences(ast: Cast, context: RuleContext): readonly Difference[] {
  const { facts, text } = context;
  const name = ast.typeName?.name ?? '';
  const inner = facts(ast.expr);
  const target = typeOfCast(name);
  const sql = text(ast);
  const found: Difference[] = [];
  if (target === 'integer' && (inner.type === 'real' || inner.type === 'numeric')) {
    found.push(
      warning(
        'cast-rounds',
        `\`${sql}\` cuts off the fraction in SQLite, and rounds in PostgreSQL`,
        'use trunc() before the CAST',
      ),
    );
  }
  if ((target === 'integer' || target === 'real' || target === 'numeric') && inner.type === 'text') {
    found.push(
      warning(
        'cast-of-text',
        `\`${sql}\` takes the number a text begins with in SQLite, 0 if there is none; PostgreSQL refuses a text that is no number`,
        'make sure that the texts are numbers, or take the number out of them first',
      ),
    );
  }
  if (
    target === 'integer' &&
    inner.type === 'integer' &&
    inner.isNarrow !== true &&
    !/big|8/i.test(name) &&
    inner.column !== undefined
  ) {
    found.push(
      warning(
        'integer-overflow',
        `\`${sql}\` has 64 bits in SQLite and 32 in PostgreSQL, which refuses what does not fit`,
        'use CAST(… AS BIGINT), which both know',
      ),
    );
  }
  if (/^real$/i.test(name)) {
    found.push(
      warning(
        'cast-to-single',
        `\`${sql}\` has the six digits of a single in PostgreSQL, where REAL is not what it is in SQLite`,
        'use CAST(… AS DOUBLE PRECISION), which both know',
      ),
    );
  }
  if (target === 'text') found.push(...textDifferences(ast.expr, inner, context));
  if (target === 'text' && ast.typeName?.size !== undefined) {
    found.push(
      warning(
        'cast-cuts-text',
        `\`${sql}\` cuts the text in PostgreSQL, and not in SQLite`,
        'use CAST(… AS TEXT), or substr()',
      ),
    );
  }
  if (/^date$/i.test(name)) {
    found.push(
      warning(
        'date-is-a-type',
        `\`${sql}\` makes a number in SQLite, and a value of the type date in PostgreSQL`,
        'compare texts of the form YYYY-MM-DD',
      ),
    );
  }
  return found;
}
