import type { Select } from '../sqlite/schema.ts';
import type { Catalog } from './catalog.ts';
import { Emission } from './emission.ts';
import type { Running } from './emission.ts';
import { translateQuery } from './query.ts';
import { queryTranslation } from './query-translation.ts';
import type { QueryTranslation } from './translation.ts';

export interface QueryOptions {
  readonly catalog: Catalog;
  /** The text that was parsed: SQLite names the columns of a result after it, `count(*)`. */
  readonly source?: string;
  /** How it will be run, for a statement that is about to be. */
  readonly running?: Running;
}

/** A query of SQLite's in PostgreSQL's words, with the same rows. Throws {@link Untranslatable}. */
export function translateSelect(select: Select, { catalog, source }: QueryOptions): QueryTranslation {
  const emission = new Emission(catalog, select, source);
  return queryTranslation(
    translateQuery(select, { scope: { tables: [] }, emission, isFixed: false }, { isNested: false }),
    emission,
  );
}
