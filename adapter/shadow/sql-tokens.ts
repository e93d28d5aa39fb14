/** A piece of SQL as it is written. Comments and white space are none. */
export interface SqlToken {
  /** `word`: a keyword or a bare name; `name`: a quoted one; `value`: a literal of any kind; `binding`: `?`. */
  readonly kind: 'word' | 'name' | 'value' | 'binding' | 'sign';
  readonly text: string;
  /** Where it begins and ends in the SQL. */
  readonly start: number;
  readonly end: number;
}

const TOKEN = new RegExp(
  [
    String.raw`(?<space>\s+|--[^\n]*|/\*[^]*?(?:\*/|$))`,
    String.raw`(?<value>[xX]'[0-9a-fA-F]*'|'(?:[^']|'')*'|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)`,
    String.raw`(?<name>"(?:[^"]|"")*"|` + '`(?:[^`]|``)*`' + String.raw`|\[[^\]]*\])`,
    String.raw`(?<binding>\?\d*|\$\d+|[:@$][A-Za-z_]\w*)`,
    String.raw`(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<sign>\|\||<=|>=|<>|!=|==|<<|>>|->>?|::|[^])`,
  ].join('|'),
  'y',
);
const KINDS = ['value', 'name', 'binding', 'word', 'sign'] as const satisfies readonly SqlToken['kind'][];

/** Takes SQL of SQLite to pieces. Never fails: what cannot be read is a `sign`. */
export function sqlTokens(sql: string): readonly SqlToken[] {
  const tokens: SqlToken[] = [];
  TOKEN.lastIndex = 0;
  for (let start = 0; start < sql.length; start = TOKEN.lastIndex) {
    const found = TOKEN.exec(sql);
    if (found === null) break;
    const [text] = found;
    const kind = KINDS.find((name) => found.groups?.[name] !== undefined);
    if (kind !== undefined) tokens.push({ kind, text, start, end: start + text.length });
  }
  return tokens;
}

/** Whether a token is this keyword, however it is written. */
export function isWord(token: SqlToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text.toLowerCase());
}

/** A name without its quotes; `undefined` for what is no name. */
export function nameOf(token: SqlToken | undefined): string | undefined {
  if (token?.kind === 'word') return token.text;
  if (token?.kind !== 'name') return undefined;
  const quote = token.text.at(-1) ?? '';
  return token.text.slice(1, -1).replaceAll(quote + quote, quote);
}
