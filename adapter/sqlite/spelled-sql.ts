/**
 * How SQLite spells the values of a column out: as digits; as a text, or as bytes, behind their length. `value`: not at
 * all, since its own text of a double is not exact.
 */
export type Spelling = 'digits' | 'text' | 'bytes' | 'value';

/** A column as SQL names it. */
export interface SpelledColumn {
  readonly name: string;
  readonly spelling: Spelling;
  /** Whether its values, which are read by themselves, may be long ones: then the page says how long they are together. */
  readonly isSized?: boolean;
}

/** A function of SQLite takes no more arguments than 127 by default; a column needs four. */
const COLUMNS_A_CALL = 24;

/**
 * Selects how many rows there are, and the values of all of them one behind the other: digits and texts as one blob,
 * bytes as another, so that it can be told of the first as a whole whether it is text; then the length of those that are
 * sized. `rest` begins with FROM.
 */
export function spelledSelect(columns: readonly SpelledColumn[], rest: string): string {
  const texts = joined(columns, ['digits', 'text']);
  const blobs = joined(columns, ['bytes']);
  const all = (name: string, one: string): string =>
    one === NOTHING ? NOTHING : `CAST(group_concat(${name}, '') AS BLOB)`;
  const sized = columns.filter(({ isSized }) => isSized).map(({ name }) => `coalesce(octet_length(${name}), 0)`);
  const inner = `SELECT ${texts} AS texts, ${blobs} AS blobs, ${['0', ...sized].join(' + ')} AS sized ${rest}`;
  const length = sized.length === 0 ? '0' : 'coalesce(sum(sized), 0)';
  return `SELECT count(*), ${all('texts', texts)}, ${all('blobs', blobs)}, ${length} FROM (${inner})`;
}

const NOTHING = 'NULL';

/**
 * Of a longer text or blob only the length is given, so that a page is small whatever comes: how large the next rows are
 * is not known before they are read.
 */
export const LONGEST_SPELLED = 2 ** 14;

const behindLength = (name: string): string =>
  `typeof(${name}), octet_length(${name}), ':', CASE WHEN octet_length(${name}) <= ${LONGEST_SPELLED} THEN ${name} END`;

/**
 * A number as it is; anything else behind the name of its storage class and its length. Whatever collation a column
 * declares, the connection may not know it.
 */
const SQL = {
  digits: (name) => `CASE WHEN ${name} COLLATE BINARY >= '' THEN 'odd' ELSE ${name} END, ';'`,
  text: behindLength,
  bytes: behindLength,
} as const satisfies Partial<Record<Spelling, (name: string) => string>>;

function joined(columns: readonly SpelledColumn[], wanted: readonly (keyof typeof SQL)[]): string {
  const parts = columns.flatMap(({ name, spelling }) => {
    const known = wanted.find((one) => one === spelling);
    return known === undefined ? [] : [SQL[known](name)];
  });
  const calls: string[] = [];
  for (let start = 0; start < parts.length; start += COLUMNS_A_CALL) {
    calls.push(`concat(${parts.slice(start, start + COLUMNS_A_CALL).join(', ')})`);
  }
  return calls.length === 0 ? NOTHING : calls.join(' || ');
}
