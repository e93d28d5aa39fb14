import type { Expr } from '../../../sqlite/schema.ts';
import { bare, warning } from './difference.ts';
import type { Difference, RuleContext } from './difference.ts';
import type { Facts } from './facts.ts';

type Like = Extract<Expr, { type: 'LikeExpr' }>;
type Binary = Extract<Expr, { type: 'BinaryExpr' }>;

const GREATEST_NARROW = 2n ** 31n - 1n;

/** LIKE: https://sqlite.org/lang_expr.html#like, https://www.postgresql.org/docs/current/functions-matching.html */
export function likeDifferences(ast: Like, { text }: RuleContext): readonly Difference[] {
  if (ast.op !== 'Like') return [];
  const pattern = bare(ast.rhs);
  const found: Difference[] = [];
  if (!isOfOneCase(bare(ast.lhs), pattern)) {
    found.push(
      warning(
        'like-ignores-case',
        `\`${text(ast)}\` takes a and A for the same in SQLite, and for different letters in PostgreSQL`,
        "use ILIKE … ESCAPE '' (which knows the cases of more letters than those of ASCII), or compare lower() of both",
      ),
    );
  }
  if (ast.escape === undefined && pattern.type === 'StringLiteral' && pattern.value.includes('\\')) {
    found.push(
      warning(
        'like-backslash',
        `the backslash in \`${text(ast)}\` stands for itself in SQLite, and escapes what follows in PostgreSQL`,
        "add ESCAPE '', which PostgreSQL takes for no escape",
      ),
    );
  }
  return found;
}

/** Whether both databases see the same, as there are no letters in the pattern or both sides are in one case. */
function isOfOneCase(subject: Expr, pattern: Expr): boolean {
  if (pattern.type !== 'StringLiteral') return caseOf(subject) !== undefined && caseOf(subject) === caseOf(pattern);
  if (!/[a-z]/i.test(pattern.value)) return true;
  const own = caseOf(subject);
  return own === 'lower' ? !/[A-Z]/.test(pattern.value) : own === 'upper' && !/[a-z]/.test(pattern.value);
}

function caseOf(expr: Expr): string | undefined {
  if (expr.type === 'BinaryExpr' && expr.op === 'Concat') {
    const parts = [bare(expr.left), bare(expr.right)];
    const cases = new Set(
      parts.flatMap((part) => (part.type === 'StringLiteral' && !/[a-z]/i.test(part.value) ? [] : [caseOf(part)])),
    );
    return cases.size === 1 ? [...cases][0] : undefined;
  }
  const name = expr.type === 'FunctionCallExpr' ? expr.name.name.toLowerCase() : '';
  return name === 'lower' || name === 'upper' ? name : undefined;
}

/** What operators between two values do otherwise. */
export function operatorDifferences(ast: Binary, context: RuleContext): readonly Difference[] {
  const [left, right] = [context.facts(ast.left), context.facts(ast.right)];
  switch (ast.op) {
    case 'Divide':
    case 'Modulus':
      return divisionDifferences(ast, left, right, context);
    case 'Add':
    case 'Subtract':
    case 'Multiply':
      return overflowDifferences(ast, context);
    case 'Concat':
      return [left, right].flatMap((side, index) => textDifferences(index === 0 ? ast.left : ast.right, side, context));
    case 'Equals':
    case 'NotEquals':
    case 'Less':
    case 'LessEquals':
    case 'Greater':
    case 'GreaterEquals':
      return collationDifferences(ast, [left, right], context);
    case 'ArrowRight':
    case 'ArrowRightShift':
      return pathDifferences(ast, context);
    default:
      return [];
  }
}

function divisionDifferences(ast: Binary, left: Facts, right: Facts, { text }: RuleContext): readonly Difference[] {
  const found: Difference[] = [];
  if (!isNeverZero(bare(ast.right), right)) {
    found.push(
      warning(
        'division-by-zero',
        `\`${text(ast)}\` is NULL in SQLite where it divides by zero, and an error in PostgreSQL`,
        `divide by NULLIF(${text(ast.right)}, 0)`,
      ),
    );
  }
  const types = [left.type, right.type];
  if (types.includes('numeric') && !types.includes('real')) {
    found.push(
      warning(
        ast.op === 'Divide' ? 'division-of-decimals' : 'modulo-of-decimals',
        `\`${text(ast)}\` cuts off the fraction in SQLite where both are whole numbers, and keeps it in PostgreSQL`,
        'state what is meant with a CAST to a whole number or to DOUBLE PRECISION',
      ),
    );
  }
  return found;
}

function isNeverZero(divisor: Expr, { constant }: Facts): boolean {
  if (constant !== undefined) return constant !== 0n;
  if (divisor.type === 'NumericLiteral') return Number(divisor.value.replaceAll('_', '')) !== 0;
  if (divisor.type === 'CastExpr')
    return isNeverZero(bare(divisor.expr), {
      type: 'unknown',
      isNullable: false,
      collation: null,
      isFromColumn: false,
    });
  return divisor.type === 'FunctionCallExpr' && divisor.name.name.toLowerCase() === 'nullif';
}

function overflowDifferences(ast: Binary, { facts, text }: RuleContext): readonly Difference[] {
  const { constant, isNarrow } = facts(ast);
  if (isNarrow !== true || constant === undefined) return [];
  if (constant <= GREATEST_NARROW && constant >= -GREATEST_NARROW - 1n) return [];
  // Of `2 * 3000 * 1000000`, the product of products is told, and not each of its parts.
  return [
    warning(
      'integer-overflow',
      `PostgreSQL computes \`${text(ast)}\` with 32 bits, which it does not fit into`,
      'write the product itself, or begin with CAST(… AS BIGINT)',
    ),
  ];
}

/** What `||` and CAST AS TEXT make of values that are no text. */
export function textDifferences(expr: Expr, { type }: Facts, { text }: RuleContext): readonly Difference[] {
  const what = {
    real: 'is "1.0" in SQLite where PostgreSQL writes "1", and has other digits past the fifteenth',
    numeric: 'loses the zeros at its end in SQLite, which PostgreSQL keeps ("1.50")',
    boolean: 'is "1" in SQLite and "true" in PostgreSQL',
    timestamptz: 'is written otherwise by PostgreSQL than SQLite holds it',
    timestamp: 'is written otherwise by PostgreSQL than SQLite holds it',
  }[type as string];
  if (what === undefined) return [];
  return [
    warning(
      'text-of-number',
      `the text of \`${text(expr)}\` ${what}`,
      'make the text with printf() in SQLite and to_char() in PostgreSQL, or in the application',
    ),
  ];
}

/** Comparisons under a collation that PostgreSQL's columns do not have. */
export function collationDifferences(ast: Expr, sides: readonly Facts[], { text }: RuleContext): readonly Difference[] {
  const collation = sides.find((side) => side.collation !== null && side.type === 'text')?.collation;
  if (collation !== 'NOCASE' && collation !== 'RTRIM') return [];
  return [
    warning(
      collation === 'NOCASE' ? 'nocase-comparison' : 'rtrim-comparison',
      `\`${text(ast)}\` compares under the collation ${collation} of its column, and byte by byte in PostgreSQL`,
      collation === 'NOCASE'
        ? 'compare lower() of both sides; the index of a NOCASE column is on lower() too'
        : 'compare rtrim() of both sides',
    ),
  ];
}

function pathDifferences(ast: Binary, { text }: RuleContext): readonly Difference[] {
  const key = bare(ast.right);
  if (key.type === 'StringLiteral' && key.value.startsWith('$')) {
    return [
      warning(
        'json-path',
        `\`${text(ast)}\` follows a path in SQLite, and looks for a key of that very name in PostgreSQL`,
        "name the keys one by one (-> 'a' ->> 'b'), or use jsonb_path_query_first()",
      ),
    ];
  }
  if (ast.op === 'ArrowRight') return [];
  return [
    warning(
      'json-value-as-text',
      `\`${text(ast)}\` gives numbers and booleans as numbers in SQLite, and as texts in PostgreSQL`,
      'cast what is no text: CAST(… AS BIGINT)',
    ),
  ];
}
