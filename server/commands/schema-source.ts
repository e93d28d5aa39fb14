import type { SchemaTranslation } from '../../migrations/schema.ts';
import { UsageError } from './terminal.ts';

/** The flags that name a SQLite schema. */
export interface SchemaSourceFlags {
  readonly sqlite?: string;
  readonly migrations?: string;
}

/** Where a command finds the SQLite schema: the flags, or the variable SQLITE_PATH. */
export function schemaSourceOf(flags: SchemaSourceFlags): SchemaTranslation['source'] {
  if (flags.sqlite !== undefined && flags.migrations !== undefined) {
    throw new UsageError('--sqlite and --migrations exclude each other', 'give the file, or the folder');
  }
  if (flags.migrations !== undefined) return { kind: 'migrations', path: flags.migrations };
  const path = flags.sqlite ?? process.env['SQLITE_PATH'];
  if (path !== undefined) return { kind: 'sqlite', path };
  throw new UsageError('no schema was named', 'give --sqlite <file>, --migrations <folder>, or set SQLITE_PATH');
}

/** The value of `--profile`. */
export function typeProfileOf(name: string): 'faithful' | 'native' {
  if (name === 'faithful' || name === 'native') return name;
  throw new UsageError(`--profile is "${name}"`, 'give faithful or native');
}
