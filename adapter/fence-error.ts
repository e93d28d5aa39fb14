/** What the fence's trigger says in SQLite. */
const SQLITE_MESSAGE = 'crossfade: fenced';

/** The SQLSTATE that the fence's trigger raises in PostgreSQL. */
const POSTGRES_STATE = 'CF001';

/** Whether a write was refused by a store's fence, so that it did nothing and belongs to the other store. */
export function isFenceError(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  if (error.code === POSTGRES_STATE) return true;
  // RAISE(ABORT) in a trigger. Knex puts the statement and " - " in front of the message.
  return (
    error.code === 'SQLITE_CONSTRAINT_TRIGGER' &&
    (error.message.startsWith(SQLITE_MESSAGE) || error.message.includes(` - ${SQLITE_MESSAGE}`))
  );
}
