import type { ClientBase, QueryConfig } from 'pg';
import { tokensOf } from '../../sqlite/parser.ts';

/** What PostgreSQL has against a statement; `code` is its SQLSTATE. */
export interface Refusal {
  readonly message: string;
  readonly code: string;
}

/**
 * Has PostgreSQL prepare a statement, which is parsed and analysed, and not run. The client must be in a transaction.
 *
 * @returns undefined if it takes it.
 */
export async function prepare(client: ClientBase, sql: string): Promise<Refusal | undefined> {
  await client.query('SAVEPOINT prepare');
  try {
    // Only PREPARE, and only one statement: whatever is in the text, the extended protocol runs no second one.
    const query: QueryConfig & { readonly queryMode: 'extended' } = {
      text: `PREPARE crossfade_audit AS ${sql}`,
      queryMode: 'extended',
    };
    await client.query(query);
    await client.query('DEALLOCATE crossfade_audit');
    await client.query('RELEASE SAVEPOINT prepare');
    return undefined;
  } catch (error) {
    await client.query('ROLLBACK TO SAVEPOINT prepare; RELEASE SAVEPOINT prepare');
    if (!(error instanceof Error) || !('code' in error)) throw error;
    return { message: error.message, code: String(error.code) };
  }
}

/** A statement of SQLite's as Knex hands it to PostgreSQL: numbers in the place of `?` and of names, all else as it is. */
export function numbered(sql: string): string {
  const names = new Map<string, number>();
  let greatest = 0;
  let text = '';
  let at = 0;
  for (const token of tokensOf(sql)) {
    if (token.kind !== 'VARIABLE') continue;
    let number =
      token.text === '?' ? undefined : /^\?\d+$/.test(token.text) ? Number(token.text.slice(1)) : names.get(token.text);
    number ??= greatest + 1;
    greatest = Math.max(greatest, number);
    if (token.text !== '?') names.set(token.text, number);
    text += `${sql.slice(at, token.span.offset)}$${number}`;
    at = token.span.offset + token.span.length;
  }
  return text + sql.slice(at);
}
