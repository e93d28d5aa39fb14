import { quote } from '../../../adapter/sqlite/sql.ts';
import { traverse, tryParseStatement } from '../../sqlite/parser.ts';
import type { Span, SqliteSchema, Stmt } from '../../sqlite/schema.ts';
import type { SqlRole } from './find-sql.ts';
import type { SqlUse } from './sql-use.ts';

/** How many tables that might be meant are tried. */
const MOST_TRIES = 6;

/**
 * Statements that a part of a statement could stand in, the likeliest first: of the tables that the builder names, or of
 * those that have all the columns it names.
 */
export function wrappings(
  { role, sql, tables }: Pick<SqlUse, 'role' | 'sql' | 'tables'>,
  schema: SqliteSchema,
): readonly string[] {
  const known = tables.flatMap((table) => fromItem(table, schema) ?? []);
  if (role === 'from') return [`SELECT 1 FROM ${sql}`];
  const froms = [
    ...(known.length > 0 ? [known.join(', ')] : []),
    ...(role === 'join' ? [] : tablesFor(role, sql, schema).slice(0, MOST_TRIES)),
    ...(role === 'columns' ? [''] : []),
  ];
  return froms.map((from) => wrapped(role, sql, from));
}

/**
 * A part by itself, with a parameter in the place of each column, so that PostgreSQL can be asked at least for its functions and
 * its syntax; undefined if it cannot be read.
 */
export function withoutColumns(role: SqlRole, sql: string): string | undefined {
  const whole = wrapped(role, sql, '');
  const parsed = tryParseStatement(whole);
  if (!parsed.ok || parsed.value.type !== 'SelectStmt') return undefined;
  const spans = columnsNamed(parsed.value).map(({ span }) => span);
  let text = '';
  let at = 0;
  for (const { offset, length } of spans.toSorted((a, b) => a.offset - b.offset)) {
    if (offset < at) continue;
    text += `${whole.slice(at, offset)}?`;
    at = offset + length;
  }
  return text + whole.slice(at);
}

/** The columns that a statement names, as it names them. */
function columnsNamed(
  statement: Stmt,
): readonly { readonly name: string; readonly qualifier?: string; readonly span: Span }[] {
  const named: { readonly name: string; readonly qualifier?: string; readonly span: Span }[] = [];
  traverse(statement, {
    nodes: {
      Id: ({ name, span }, parent) => {
        const isFunction = parent?.type === 'FunctionCallExpr' || parent?.type === 'FunctionCallStarExpr';
        const isArgument = parent?.type === 'FunctionCallExpr' && (parent.args ?? []).some((arg) => arg.span === span);
        if ((!isFunction || isArgument) && !/^(true|false)$/i.test(name)) named.push({ name, span });
      },
      QualifiedExpr: ({ table, column, span }) => {
        named.push({ name: column.text, qualifier: table.text, span });
      },
    },
  });
  return named;
}

function wrapped(role: SqlRole, sql: string, from: string): string {
  const source = from === '' ? '' : ` FROM ${from}`;
  switch (role) {
    case 'condition':
      return `SELECT 1${source} WHERE (${sql}\n)`;
    case 'having':
      return `SELECT 1${source} GROUP BY 1 HAVING (${sql}\n)`;
    case 'order':
      return `SELECT 1${source} ORDER BY ${sql}`;
    case 'group':
      return `SELECT 1${source} GROUP BY ${sql}`;
    case 'join':
      return `SELECT 1${source} ${sql}`;
    default:
      return `SELECT ${sql}\n${source}`;
  }
}

/** `users as u` as it stands in FROM, if there is such a table or view. */
function fromItem(table: string, schema: SqliteSchema): string | undefined {
  const [, name = table, alias] = /^(.*?)\s+as\s+(.*)$/i.exec(table) ?? [];
  const bare = name.split('.').at(-1)?.toLowerCase();
  const found = [...schema.tables, ...schema.views].find((one) => one.name.toLowerCase() === bare);
  if (found === undefined) return undefined;
  return alias === undefined ? quote(found.name) : `${quote(found.name)} AS ${quote(alias)}`;
}

/** The tables and views that have all the columns which a part names; none if it names none. */
function tablesFor(role: SqlRole, sql: string, schema: SqliteSchema): readonly string[] {
  const parsed = tryParseStatement(wrapped(role, sql, ''));
  if (!parsed.ok) return [];
  const named = columnsNamed(parsed.value);
  const columns = new Set(named.map(({ name }) => name.toLowerCase()));
  const qualifiers = new Set(named.flatMap(({ qualifier }) => qualifier ?? []));
  const [alias, another] = qualifiers;
  if (columns.size === 0 || another !== undefined) return [];
  return [
    ...schema.tables.map(({ name, columns: own }) => ({ name, names: own.map((column) => column.name) })),
    ...schema.views.map(({ name, columns: names }) => ({ name, names })),
  ]
    .filter(({ names }) => {
      const own = new Set(names.map((name) => name.toLowerCase()));
      return [...columns].every((column) => own.has(column));
    })
    .toSorted((a, b) => Number(b.name === alias) - Number(a.name === alias))
    .map(({ name }) => (alias === undefined ? quote(name) : `${quote(name)} AS ${quote(alias)}`));
}
