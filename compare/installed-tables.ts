import type { TableSpec } from '../adapter/spec.ts';
import type { Store } from '../adapter/store.ts';

/**
 * The tables that are mirrored now. A process that was opened before another one installed knows of none: it would
 * compare nothing, and find no difference.
 */
export async function installedTables({
  tables,
  stores,
}: {
  readonly tables: readonly TableSpec[];
  readonly stores: { readonly sqlite: Store };
}): Promise<readonly TableSpec[]> {
  try {
    return await stores.sqlite.installedTables();
  } catch {
    // What is wrong with the file is said by whoever reads it next.
    return tables;
  }
}
