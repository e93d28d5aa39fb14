import type { Stmt } from '../sqlite/schema.ts';
import { translateSelect } from './translate-select.ts';
import type { QueryOptions } from './translate-select.ts';
import { Untranslatable } from './translation.ts';
import type { QueryTranslation } from './translation.ts';

/** A statement of SQLite's in PostgreSQL's words, with the same effect and the same rows. Throws {@link Untranslatable}. */
export function translateStatement(statement: Stmt, options: QueryOptions): QueryTranslation {
  if (statement.type === 'SelectStmt') return translateSelect(statement.body, options);
  throw new Untranslatable('statement', `a statement of the kind ${statement.type}`, 'rewrite it by hand');
}
