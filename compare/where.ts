import type { KeyRange } from '../adapter/digest.ts';
import { CrossfadeError } from '../adapter/errors.ts';
import { keyColumns } from '../adapter/spec.ts';
import type { Key, SqlValue, TableSpec } from '../adapter/spec.ts';

/** The rows of one table that are to be compared. */
export interface Where {
  readonly table: TableSpec;
  readonly range: KeyRange;
}

interface Condition {
  readonly column: string;
  readonly operator: '=' | '<' | '<=' | '>' | '>=';
  readonly value: SqlValue;
}

const FORM = 'write it like "orders:id>=100 and id<200"';

/**
 * Reads `table:conditions`, such as `orders:id>=100 and id<200` or `rates:country='de' and year>2020`: conditions on the
 * columns of the table's key, joined by `and`. The first columns of a key may each be equal to a value; the one after them
 * may lie between two.
 *
 * @throws CrossfadeError `CONFIG_INVALID`.
 */
export function parseWhere(text: string, tables: readonly TableSpec[]): Where {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0)).trim();
  const table = tables.find((candidate) => candidate.name === name);
  if (table === undefined) throw invalid(text, `it names no mirrored table before a colon`);
  return { table, range: rangeOf(table, conditionsOf(text, colon + 1), text) };
}

const SPACE = /\s*/y;
const NAME = /"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*)/uy;
const OPERATOR = /<=|>=|=|<|>/y;
const VALUE = /'((?:[^']|'')*)'|[xX]'((?:[\da-fA-F]{2})*)'|(-?\d+)(?![\d.eE])|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const AND = /and\b/iy;

function conditionsOf(text: string, start: number): readonly Condition[] {
  let at = start;
  const take = (pattern: RegExp, what: string): RegExpExecArray => {
    const found = attempt(pattern);
    if (found === null) throw invalid(text, `at character ${at + 1} ${what} was expected`);
    return found;
  };
  const attempt = (pattern: RegExp): RegExpExecArray | null => {
    SPACE.lastIndex = at;
    at += SPACE.exec(text)?.[0].length ?? 0;
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    at += found?.[0].length ?? 0;
    return found;
  };
  const conditions: Condition[] = [];
  do {
    const [, quoted, plain] = take(NAME, 'the name of a column');
    const [operator] = take(OPERATOR, 'one of = < <= > >=');
    const value = valueOf(take(VALUE, "a number, a 'text' or a blob x'00ff'"));
    const column = quoted?.replaceAll('""', '"') ?? plain ?? '';
    conditions.push({ column, operator: operator as Condition['operator'], value });
  } while (attempt(AND) !== null);
  attempt(SPACE);
  if (at < text.length) throw invalid(text, `at character ${at + 1} nothing more was expected`);
  return conditions;
}

function valueOf([, text, blob, integer, real]: RegExpExecArray): SqlValue {
  if (text !== undefined) return text.replaceAll("''", "'");
  if (blob !== undefined) return Buffer.from(blob, 'hex');
  return integer === undefined ? Number(real) : BigInt(integer);
}

function rangeOf(table: TableSpec, conditions: readonly Condition[], text: string): KeyRange {
  const columns = keyColumns(table);
  const stranger = conditions.find(({ column }) => !columns.some(({ name }) => name === column));
  if (stranger !== undefined) {
    const names = columns.map(({ name }) => name).join(', ');
    throw invalid(text, `"${stranger.column}" is no column of the key (${names})`);
  }
  const prefix: SqlValue[] = [];
  for (const { name } of columns) {
    const own = conditions.filter(({ column }) => column === name);
    const equal = own.find(({ operator }) => operator === '=');
    if (equal === undefined || own.length > 1) {
      const rest = conditions.length - prefix.length;
      if (own.length !== rest) throw invalid(text, `"${name}" comes first in the key, and is not bound to one value`);
      return between(prefix, own, text);
    }
    prefix.push(equal.value);
  }
  return between(prefix, [], text);
}

/** All keys that begin so, of which the next value lies between these bounds. */
function between(prefix: Key, bounds: readonly Condition[], text: string): KeyRange {
  const lower = bounds.filter(({ operator }) => operator === '>' || operator === '>=');
  const upper = bounds.filter(({ operator }) => operator === '<' || operator === '<=');
  if (lower.length > 1 || upper.length > 1 || lower.length + upper.length < bounds.length) {
    throw invalid(text, 'a column has more than one bound on one side');
  }
  const whole = prefix.length === 0 ? null : prefix;
  const [from] = lower;
  const [to] = upper;
  return {
    after: from === undefined ? whole : [...prefix, from.value],
    includesAfter: from?.operator !== '>',
    upTo: to === undefined ? whole : [...prefix, to.value],
    excludesUpTo: to?.operator === '<',
  };
}

function invalid(text: string, found: string): CrossfadeError {
  return new CrossfadeError('CONFIG_INVALID', `could not read the range "${text}": ${found}`, { hint: FORM });
}
