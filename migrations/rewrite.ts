import type { Rewriter } from '../adapter/compat/rewriter.ts';
import { SchemaRewriter } from './rewrite/schema-rewriter.ts';

export interface RewriterOptions {
  /**
   * What becomes of raw SQL that has no sound translation: `refuse` it with an error that names the construct, or send it
   * as it is, `as-is`, with the function pack on the search path, and warn once of each shape. It may then fail, or answer
   * otherwise than SQLite.
   * @default 'as-is'
   */
  readonly untranslatable?: 'refuse' | 'as-is';
}

/**
 * Has the router put SQL that was written for SQLite into PostgreSQL's words, when PostgreSQL answers: raw statements and
 * the raw parts of queries, by the rules of `crossfade audit`. While SQLite answers nothing is touched.
 *
 * @example createCrossfade({ …, rewrite: createRewriter() })
 */
export function createRewriter({ untranslatable = 'as-is' }: RewriterOptions = {}): Rewriter {
  return { untranslatable, open: (facts) => new SchemaRewriter(facts) };
}
