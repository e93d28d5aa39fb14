/** An answer as rows, so that two can be compared. It shares no row with the caller, who may change what it got. */
export interface AnswerRows {
  readonly rows: readonly unknown[];
}

/** The rows of what a read resolved to: a list, a single row (`first`), or nothing. `undefined` past `most` rows. */
export function answerRows(answer: unknown, most: number): AnswerRows | undefined {
  const rows: readonly unknown[] = Array.isArray(answer) ? answer : answer === undefined ? [] : [answer];
  if (rows.length > most) return undefined;
  return { rows: rows.map(copied) };
}

/** A copy down to what nobody changes in place: scalars, and bytes as the driver gave them. */
function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(copied);
  const copy: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    copy[name] = typeof inner === 'object' && inner !== null ? copied(inner) : inner;
  }
  return copy;
}

/** A row's columns; a scalar, as `pluck` gives it, is one column without a name. */
export function columnsOf(row: unknown): Readonly<Record<string, unknown>> {
  const isRow = typeof row === 'object' && row !== null && !(row instanceof Uint8Array) && !(row instanceof Date);
  return isRow ? (row as Record<string, unknown>) : { '': row };
}

/**
 * A value as text that is the same for the same value, and no other. 0 and -0 are one: both databases say so, and SQLite's
 * numeric columns keep no sign of zero. A number and a bigint are two: JSON takes one of them only.
 */
export function valueText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`;
    case 'number':
      return `d${value === 0 ? 0 : value}`;
    case 'bigint':
      return `i${value}`;
    case 'boolean':
      return value ? 't' : 'f';
    case 'object':
      if (value === null) return 'n';
      if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('hex')}`;
      if (value instanceof Date) return `m${value.getTime()}`;
      if (Array.isArray(value)) return `[${value.map(valueText).join(',')}]`;
      return rowText(value as Record<string, unknown>);
    default:
      return typeof value;
  }
}

/** A row as text, whatever the order of its columns. */
export function rowText(row: Readonly<Record<string, unknown>>, leaves?: (column: string) => boolean): string {
  let text = '{';
  for (const name of Object.keys(row).toSorted()) {
    if (leaves?.(name) !== true) text += `${name.length}:${name}=${valueText(row[name])};`;
  }
  return `${text}}`;
}

/** A value without the value: its type, and its length. */
export function valueKind(value: unknown): string {
  if (value === null || value === undefined) return value === null ? 'NULL' : 'nothing';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'real';
  if (typeof value === 'bigint') return 'integer (bigint)';
  if (typeof value === 'string') return `text of ${value.length}`;
  if (value instanceof Uint8Array) return `blob of ${value.length}`;
  if (value instanceof Date) return 'Date';
  return Array.isArray(value) ? `list of ${value.length}` : typeof value;
}
