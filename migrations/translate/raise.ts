import type { Expr, Select } from '../sqlite/schema.ts';
import { contains } from './ast.ts';
import type { AstNode } from './ast.ts';
import { asCondition, isNull } from './convert.ts';
import { quoteName, quoteText } from './fragment.ts';
import { translateQuery } from './query.ts';
import { resultFragment } from './result-fragment.ts';
import { queryTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

/** integrity_constraint_violation: of its class, the one that PostgreSQL itself never raises. */
export const RAISE_SQLSTATE = '23000';

type Core = Extract<Select['select'], { type: 'SelectFrom' }>;
type Raise = Extract<Expr, { type: 'RaiseExpr' }>;

/** Where a SELECT of a trigger stands. */
export interface RaiseContext {
  readonly setting: Setting;
  /** What RAISE(IGNORE) does there. */
  readonly ignore: readonly string[];
}

/** A condition and what is raised where it holds. */
interface Branch {
  readonly condition: string;
  readonly lines: readonly string[];
}

/** Whether RAISE stands anywhere in it. */
export function raises(node: AstNode): boolean {
  return contains(node, { is: ({ type }) => type === 'RaiseExpr', into: 'subqueries' });
}

/**
 * A SELECT of a trigger's body, as statements of PL/pgSQL. Its rows go nowhere, so that all it can do is to raise; none are
 * left of one that does not.
 */
export function translateEvaluation(select: Select, context: RaiseContext): readonly string[] {
  if (!raises(select)) {
    translateQuery(select, context.setting, { isNested: false });
    return [];
  }
  const core = select.select;
  if (core.type !== 'SelectFrom' || (select.compounds?.length ?? 0) > 0) throw misplaced();
  if (core.from !== undefined) return [...ofRows(select, core, context)];
  if (select.limit !== undefined || core.having !== undefined || core.groupBy !== undefined) throw misplaced();
  const lines = expressionsOf(core).flatMap((expr) => [...ofValue(expr, context)]);
  if (core.whereClause === undefined) return lines;
  return ifElse([{ condition: conditionOf(core.whereClause, context), lines }], []);
}

/** RAISE by what rows of tables there are: the first row for which it is reached ends the trigger anyway. */
function ofRows(select: Select, core: Core, context: RaiseContext): readonly string[] {
  const [expr, another] = expressionsOf(core);
  if (expr === undefined || another !== undefined) throw misplaced();
  const { condition, raise } = onlyRaise(expr);
  const { span } = expr;
  const value: Expr = condition ?? { type: 'NumericLiteral', value: '1', span };
  const { setting } = context;
  const query = translateQuery(
    {
      ...select,
      select: { ...core, columns: [{ type: 'ExprResultColumn', expr: value, alias: undefined, span }] },
    },
    setting,
    { isNested: true },
  );
  const name = setting.emission.freshName();
  const result = queryTable(query.columns, null, name).columns[0]?.fragment;
  if (result === undefined) throw misplaced();
  const holds = condition === undefined ? '' : ` WHERE ${asCondition(result, setting.emission)}`;
  const rows = `EXISTS (SELECT FROM (${query.sql}) AS ${quoteName(name)}${holds})`;
  return ifElse([{ condition: rows, lines: ofRaise(raise, context) }], []);
}

/** The one RAISE of an expression, and when it is reached. */
function onlyRaise(expr: Expr): { readonly raise: Raise; readonly condition?: Expr } {
  if (expr.type === 'RaiseExpr') return { raise: expr };
  const bare = unwrapped(expr);
  if (bare !== expr) return onlyRaise(bare);
  const { pairs, otherwise } = branchesOf(expr) ?? { pairs: [], otherwise: undefined };
  const [only, another] = pairs;
  if (only === undefined || another !== undefined) throw misplaced();
  if (otherwise !== undefined && raises(otherwise)) throw misplaced();
  const raise = unwrapped(only.then);
  if (raise.type !== 'RaiseExpr' || raises(only.when)) throw misplaced();
  return { raise, condition: only.when };
}

function ofValue(expr: Expr, context: RaiseContext): readonly string[] {
  const { setting } = context;
  if (!raises(expr)) {
    translateNode(expr, setting);
    return [];
  }
  if (expr.type === 'RaiseExpr') return ofRaise(expr, context);
  const bare = unwrapped(expr);
  if (bare !== expr) return ofValue(bare, context);
  const branches = branchesOf(expr);
  if (branches !== undefined) {
    return ifElse(
      branches.pairs.map(({ when, then }) => {
        if (raises(when)) throw misplaced();
        return { condition: conditionOf(when, context), lines: ofValue(then, context) };
      }),
      branches.otherwise === undefined ? [] : ofValue(branches.otherwise, context),
    );
  }
  const defaulted = defaultOf(expr);
  if (defaulted === undefined || defaulted.before.some(raises)) throw misplaced();
  const missing = defaulted.before.map((one) => isNull(translateNode(one, setting), setting.emission));
  return ifElse([{ condition: missing.join(' AND '), lines: ofValue(defaulted.last, context) }], []);
}

function ofRaise({ resolve, message }: Raise, { setting, ignore }: RaiseContext): readonly string[] {
  if (resolve === 'Ignore') return ignore;
  const text =
    message === undefined ? undefined : resultFragment(translateNode(message, setting), setting.emission, 'text');
  const sql =
    text?.constant?.kind === 'text' ? quoteText(text.constant.value) : `COALESCE((${text?.sql ?? 'NULL'})::text, '')`;
  return [`RAISE EXCEPTION USING ERRCODE = '${RAISE_SQLSTATE}', MESSAGE = ${sql};`];
}

/** CASE and iif() as conditions and what they lead to. */
function branchesOf(
  expr: Expr,
): { readonly pairs: readonly { when: Expr; then: Expr }[]; readonly otherwise: Expr | undefined } | undefined {
  if (expr.type === 'CaseExpr') {
    const { base, whenThenPairs, elseExpr, span } = expr;
    const pairs = whenThenPairs.map(({ when, then }) => ({
      when: base === undefined ? when : ({ type: 'BinaryExpr', left: base, op: 'Equals', right: when, span } as const),
      then,
    }));
    return { pairs, otherwise: elseExpr };
  }
  if (expr.type !== 'FunctionCallExpr' || !['iif', 'if'].includes(expr.name.name.toLowerCase())) return undefined;
  const args = expr.args ?? [];
  const pairs: { when: Expr; then: Expr }[] = [];
  for (let index = 0; index + 1 < args.length; index += 2) {
    const [when, then] = args.slice(index, index + 2);
    if (when !== undefined && then !== undefined) pairs.push({ when, then });
  }
  return { pairs, otherwise: args.length % 2 === 1 ? args.at(-1) : undefined };
}

/** coalesce() and ifnull(): the last is reached where all before it are NULL. */
function defaultOf(expr: Expr): { readonly before: readonly Expr[]; readonly last: Expr } | undefined {
  if (expr.type !== 'FunctionCallExpr' || !['coalesce', 'ifnull'].includes(expr.name.name.toLowerCase())) {
    return undefined;
  }
  const args = expr.args ?? [];
  const last = args.at(-1);
  return last === undefined ? undefined : { before: args.slice(0, -1), last };
}

function ifElse(branches: readonly Branch[], otherwise: readonly string[]): readonly string[] {
  const lines = branches.flatMap(({ condition, lines: own }, index) => [
    `${index === 0 ? 'IF' : 'ELSIF'} ${condition} THEN`,
    ...indented(own.length === 0 ? ['NULL;'] : own),
  ]);
  return [...lines, ...(otherwise.length === 0 ? [] : ['ELSE', ...indented(otherwise)]), 'END IF;'];
}

/** Lines of a block. */
export function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}

function conditionOf(expr: Expr, { setting }: RaiseContext): string {
  return asCondition(translateNode(expr, setting), setting.emission);
}

function unwrapped(expr: Expr): Expr {
  const [only] = expr.type === 'ParenthesizedExpr' && expr.exprs.length === 1 ? expr.exprs : [];
  return only ?? expr;
}

function expressionsOf(core: Core): readonly Expr[] {
  return core.columns.map((column) => {
    if (column.type !== 'ExprResultColumn') throw misplaced();
    return column.expr;
  });
}

function misplaced(): Untranslatable {
  return new Untranslatable(
    'raise-place',
    'RAISE stands where it cannot be told when it is reached',
    'write SELECT RAISE(…) WHERE …, or SELECT CASE WHEN … THEN RAISE(…) END, without UNION or LIMIT',
  );
}
