import type { Place } from '../../finding.ts';
import type { SqlRole } from './find-sql.ts';

/** A piece of SQL and where it is used. */
export interface SqlUse {
  /** Where it was found: in a SQL migration, in the application's source code, or by watching the application run. */
  readonly origin: 'migration' | 'source' | 'recorded';
  readonly role: SqlRole;
  /** For SQLite; parameters as they are written. */
  readonly sql: string;
  /** Whether parts of it are known only when it runs; a `?` stands for them. */
  readonly isAssembled: boolean;
  /** For a part of a statement: the tables of that statement, as far as they are known (`users as u`). */
  readonly tables: readonly string[];
  readonly place: Place;
}
