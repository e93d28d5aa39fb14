import { sqlTokens } from './sql-tokens.ts';

/** An error of the store that was asked afterwards, without values. */
export interface CandidateError {
  /** PostgreSQL's SQLSTATE or SQLite's code. */
  readonly code: string;
  readonly message: string;
}

/** PostgreSQL's states for a read that took longer than it may, and for one that would have written. */
export const TIMED_OUT = '57014';
const READ_ONLY_CODES = new Set(['25006', 'SQLITE_READONLY']);
const MESSAGE_LENGTH = 200;

/** What a store refused a read with. What its message quotes is kept only where it is a name in the query's shape. */
export function candidateError(error: unknown, shapeSql: string): CandidateError {
  // Where SQLite has a name for it, PostgreSQL's own error stands behind.
  const original = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = codeOf(original) ?? codeOf(error) ?? 'unknown';
  const message = original instanceof Error ? original.message : String(original);
  const names = new Set(
    sqlTokens(shapeSql)
      .filter(({ kind }) => kind === 'word' || kind === 'name')
      .map(({ text }) => text.replaceAll(/^["`[]|["`\]]$/g, '').toLowerCase()),
  );
  const redacted = message
    .replaceAll(/"((?:[^"]|"")*)"/g, (quoted, inner: string) =>
      inner.split('.').every((part) => names.has(part.toLowerCase())) ? quoted : '"…"',
    )
    .replaceAll(/'(?:[^']|'')*'/g, "'…'");
  return { code, message: redacted.slice(0, MESSAGE_LENGTH) };
}

/** Whether the read was refused because it would have written. */
export function wouldWrite({ code }: CandidateError): boolean {
  return READ_ONLY_CODES.has(code);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
