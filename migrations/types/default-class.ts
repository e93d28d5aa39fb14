import type { Expr, SqliteColumn } from '../sqlite/schema.ts';

/** A storage class of SQLite's, as `typeof()` names it. */
export type StorageClass = 'integer' | 'real' | 'text' | 'blob';

/**
 * The storage class that a column's default gets when it is stored, affinity included: `'007'` is an integer in a
 * column of type STRING. `null` where there is no default, where it is NULL, and where it cannot be told from its SQL.
 */
export function defaultClass(column: SqliteColumn): StorageClass | null {
  if (column.default === null) return null;
  const written = classOf(column.default.ast);
  return written === null ? null : stored(written, column.affinity);
}

interface Written {
  readonly storage: StorageClass;
  /** Text that SQLite turns into a number wherever the affinity asks for one. */
  readonly isNumeric?: boolean;
  readonly isWhole?: boolean;
}

function stored(
  { storage, isNumeric = false, isWhole = false }: Written,
  affinity: SqliteColumn['affinity'],
): StorageClass {
  if (storage === 'blob' || affinity === 'BLOB') return storage;
  if (affinity === 'TEXT') return 'text';
  if (storage === 'text' && !isNumeric) return 'text';
  if (affinity === 'REAL') return 'real';
  return storage === 'integer' || isWhole ? 'integer' : 'real';
}

/** Functions whose result is text for every argument but NULL. */
const TEXT_FUNCTIONS: ReadonlySet<string> = new Set([
  'datetime',
  'date',
  'time',
  'lower',
  'upper',
  'hex',
  'printf',
  'format',
]);

function classOf(expression: Expr): Written | null {
  switch (expression.type) {
    case 'ParenthesizedExpr': {
      const [only] = expression.exprs;
      return only === undefined || expression.exprs.length > 1 ? null : classOf(only);
    }
    case 'UnaryExpr':
      return expression.op === 'Negative' || expression.op === 'Positive' ? classOf(expression.expr) : null;
    case 'NumericLiteral':
      return numberOf(expression.value);
    case 'StringLiteral':
      return textOf(expression.value);
    case 'BlobLiteral':
      return { storage: 'blob' };
    case 'CurrentTimestampLiteral':
    case 'CurrentDateLiteral':
    case 'CurrentTimeLiteral':
      return { storage: 'text' };
    case 'Id':
      return wordOf(expression.name);
    case 'FunctionCallExpr':
      return callOf(expression.name.name.toLowerCase(), expression.args ?? []);
    default:
      return null;
  }
}

function numberOf(literal: string): Written {
  const isInteger = /^(0x[0-9a-f]+|[\d_]+)$/i.test(literal);
  return { storage: isInteger ? 'integer' : 'real', isNumeric: true, isWhole: Number.isInteger(Number(literal)) };
}

function textOf(value: string): Written {
  const isNumeric = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value);
  return { storage: 'text', isNumeric, isWhole: isNumeric && Number.isInteger(Number(value)) };
}

/** A bare word is TRUE or FALSE, a keyword, or text in double quotes. */
function wordOf(name: string): Written | null {
  const word = name.toLowerCase();
  if (word === 'true' || word === 'false') return { storage: 'integer', isNumeric: true, isWhole: true };
  if (word === 'null') return null;
  if (['current_timestamp', 'current_date', 'current_time'].includes(word)) return { storage: 'text' };
  return textOf(name);
}

function callOf(name: string, args: readonly Expr[]): Written | null {
  if (TEXT_FUNCTIONS.has(name)) return { storage: 'text' };
  if (name === 'julianday') return { storage: 'real', isNumeric: true };
  if (name === 'randomblob' || name === 'zeroblob') return { storage: 'blob' };
  if (name === 'unixepoch') return { storage: 'integer', isNumeric: true, isWhole: true };
  if (name === 'random') return { storage: 'integer', isNumeric: true, isWhole: true };
  if (name !== 'strftime') return null;
  const [format] = args;
  if (format?.type !== 'StringLiteral') return null;
  // strftime answers with text, which becomes a number where the affinity asks for one.
  const isNumeric = /^%[sYmdHMSfjJw]$/.test(format.value);
  return { storage: 'text', isNumeric, isWhole: isNumeric && !/^%[fJ]$/.test(format.value) };
}
