import Database from 'better-sqlite3';
import pg from 'pg';

interface Translation {
  readonly code: string;
  readonly message: (error: pg.DatabaseError, sql: string) => string;
}

const LOCKED: Translation = { code: 'SQLITE_BUSY', message: () => 'database is locked' };

/** PostgreSQL's SQLSTATEs that have a counterpart in SQLite, which code written for SQLite may look for. */
const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  // What RAISE in a translated trigger raises.
  23000: { code: 'SQLITE_CONSTRAINT_TRIGGER', message: (error) => error.message },
  // RESTRICT, since PostgreSQL 18; SQLite's own code for it is the trigger's.
  23001: { code: 'SQLITE_CONSTRAINT_TRIGGER', message: () => 'FOREIGN KEY constraint failed' },
  23502: {
    code: 'SQLITE_CONSTRAINT_NOTNULL',
    message: (error) => `NOT NULL constraint failed: ${error.table ?? '?'}.${error.column ?? '?'}`,
  },
  23503: { code: 'SQLITE_CONSTRAINT_FOREIGNKEY', message: () => 'FOREIGN KEY constraint failed' },
  23505: { code: 'SQLITE_CONSTRAINT_UNIQUE', message: (error) => `UNIQUE constraint failed: ${violated(error)}` },
  23514: { code: 'SQLITE_CONSTRAINT_CHECK', message: (error) => `CHECK constraint failed: ${error.constraint ?? '?'}` },
  22003: { code: 'SQLITE_ERROR', message: () => 'integer overflow' },
  // What the functions of the pack raise as SQLite's own do: malformed JSON, an argument that means nothing.
  22023: { code: 'SQLITE_ERROR', message: (error) => error.message },
  22032: { code: 'SQLITE_ERROR', message: (error) => error.message },
  25006: { code: 'SQLITE_READONLY', message: () => 'attempt to write a readonly database' },
  // Somebody else was in the way, and it may be tried again.
  40001: LOCKED,
  '40P01': LOCKED,
  '55P03': LOCKED,
  42601: { code: 'SQLITE_ERROR', message: syntaxError },
  42701: { code: 'SQLITE_ERROR', message: (error) => `duplicate column name: ${quoted(error.message)}` },
  42702: { code: 'SQLITE_ERROR', message: (error) => `ambiguous column name: ${quoted(error.message)}` },
  42703: { code: 'SQLITE_ERROR', message: missingColumn },
  '42P01': { code: 'SQLITE_ERROR', message: (error) => `no such table: ${quoted(error.message)}` },
  '42P07': { code: 'SQLITE_ERROR', message: (error) => `table \`${quoted(error.message)}\` already exists` },
  '42P10': {
    code: 'SQLITE_ERROR',
    message: () => 'ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint',
  },
};

const NAME = String.raw`(?:"(?:[^"]|"")+"|[a-z_][\w$]*)`;
/** A column, or what the unique index of one under NOCASE or RTRIM has in its place. */
const PART = String.raw`(?:(?:lower|rtrim)\(${NAME}\)|${NAME})`;
/** `Key (a, "B c", lower(d))=(1, 2, x) already exists.` → the columns. PostgreSQL translates the words, never the form. */
const KEY_DETAIL = new RegExp(String.raw`\((${PART}(?:, ${PART})*)\)=\(`);

function violatedColumns(error: pg.DatabaseError): string[] | undefined {
  const list = KEY_DETAIL.exec(error.detail ?? '')?.[1];
  return list?.match(new RegExp(PART, 'g'))?.map((part) => {
    const name = /^(?:lower|rtrim)\((.*)\)$/.exec(part)?.[1] ?? part;
    return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
  });
}

/** As SQLite names a unique constraint: by its columns, or by the index when that is made of expressions. */
function violated(error: pg.DatabaseError): string {
  const columns = violatedColumns(error);
  if (columns === undefined) return `index '${error.constraint ?? '?'}'`;
  return columns.map((column) => `${error.table ?? '?'}.${column}`).join(', ');
}

function quoted(message: string): string {
  return /"([^"]+)"/.exec(message)?.[1] ?? /column (\S+) /.exec(message)?.[1] ?? '?';
}

function syntaxError({ message }: pg.DatabaseError): string {
  const near = /at or near "(.+)"$/.exec(message)?.[1];
  return near === undefined ? 'incomplete input' : `near "${near}": syntax error`;
}

function missingColumn({ message }: pg.DatabaseError, sql: string): string {
  const [, column, table] = /column "([^"]+)" of relation "([^"]+)"/.exec(message) ?? [];
  const isInsert = table !== undefined && /^\s*(?:with\b[^]*\)\s*)?insert\b/i.test(sql);
  return isInsert ? `table ${table} has no column named ${column ?? '?'}` : `no such column: ${quoted(message)}`;
}

/** The columns of a table's primary key, as far as known. */
export type PrimaryKeyOf = (table: string) => readonly string[] | undefined;

/** What SQLite would have said, without the statement that Knex puts before it. */
const messages = new WeakMap<Error, string>();

/**
 * The error that SQLite would have raised in place of PostgreSQL's: a `SqliteError` with SQLite's code and message, and
 * the original as `cause`. Errors without a counterpart are returned as they are.
 */
export function sqliteError(error: unknown, sql: string, primaryKeyOf: PrimaryKeyOf): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const translation = TRANSLATIONS[error.code ?? ''];
  // Of what this code means, only one thing is said by SQLite too.
  if (translation === undefined || (error.code === '42P10' && !error.message.includes('ON CONFLICT'))) return error;
  const code = isPrimaryKey(error, primaryKeyOf) ? 'SQLITE_CONSTRAINT_PRIMARYKEY' : translation.code;
  const message = translation.message(error, sql);
  const translated = new Database.SqliteError(message, code);
  translated.cause = error;
  messages.set(translated, message);
  return translated;
}

/** The error with which SQLite refuses to compile a statement. */
export function sqliteRefusal(message: string): Error {
  const refusal = new Database.SqliteError(message, 'SQLITE_ERROR');
  messages.set(refusal, message);
  return refusal;
}

/** Puts the statement into an error's message that SQLite would have been sent, in place of PostgreSQL's. */
export function restate(error: unknown, statement: () => string | undefined): void {
  const message = error instanceof Error ? messages.get(error) : undefined;
  if (!(error instanceof Error) || message === undefined) return;
  const text = statement();
  if (text !== undefined) error.message = `${text} - ${message}`;
}

function isPrimaryKey(error: pg.DatabaseError, primaryKeyOf: PrimaryKeyOf): boolean {
  if (error.code !== '23505' || error.table === undefined) return false;
  const key = primaryKeyOf(error.table);
  // Where the table's key has not been looked up, its name tells: PostgreSQL calls it so unless told otherwise.
  if (key === undefined) return error.constraint === `${error.table}_pkey`;
  const columns = violatedColumns(error) ?? [];
  return key.length === columns.length && key.every((column) => columns.includes(column));
}
