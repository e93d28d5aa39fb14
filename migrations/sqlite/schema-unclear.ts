import { CrossfadeError } from '../../adapter/errors.ts';

/** The stored SQL of something could not be read, or says other than SQLite's pragmas do: better no answer than a guess. */
export function schemaUnclear(what: string, found: string, cause?: unknown): CrossfadeError {
  return new CrossfadeError('SCHEMA_UNCLEAR', `could not read the schema of ${what}: ${found}`, {
    hint: 'look at its row in sqlite_schema; if SQLite takes that statement as it stands, this is a fault of Crossfade: report it with the statement',
    cause,
  });
}
