import type { Select } from '../sqlite/schema.ts';
import type { Catalog } from './catalog.ts';
import { Untranslatable } from './translation.ts';
import type { QueryTranslation } from './translation.ts';

export interface QueryOptions {
  readonly catalog: Catalog;
  /** The text that was parsed: SQLite names the columns of a result after it, `count(*)`. */
  readonly source?: string;
}

/** A query of SQLite's in PostgreSQL's words, with the same rows. Throws {@link Untranslatable}. */
export function translateSelect(_select: Select, _options: QueryOptions): QueryTranslation {
  throw new Untranslatable('query', 'a query', 'rewrite it by hand');
}
