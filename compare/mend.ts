import {
  mendSql as postgresMend,
  sequenceSql,
  MEND_PREAMBLE as POSTGRES_PREAMBLE,
} from '../adapter/postgres/mend-sql.ts';
import { mendSql as sqliteMend, MEND_END, MEND_PREAMBLE as SQLITE_PREAMBLE } from '../adapter/sqlite/mend-sql.ts';
import type { MendRequest } from '../adapter/mend-request.ts';
import { decodeKey, otherStore } from '../adapter/spec.ts';
import type { Row, StoreName, TableSpec } from '../adapter/spec.ts';
import type { ByHand, Mend } from './divergence.ts';
import type { Difference } from './report.ts';

type Mendable = Pick<Difference, 'class' | 'encodedKey' | 'columns'>;

/** What would mend a difference in rows or in a sequence. */
export function mendOf(
  difference: Mendable,
  {
    table,
    primary,
    row,
  }: {
    readonly table: TableSpec;
    readonly primary: StoreName | null;
    /** The primary's, where values may be shown. */
    readonly row?: Row | undefined;
  },
): Mend {
  if (difference.class === 'sequence behind') {
    const [column = ''] = difference.columns;
    return {
      database: 'postgres',
      statement: sequenceSql(table, column),
      command: null,
      advice: 'run the statement: until then PostgreSQL gives out ids that rows already have',
    };
  }
  const request = requestOf(difference, row);
  if (primary === null || request === undefined)
    return { database: null, statement: null, command: null, advice: null };
  const database = otherStore(primary);
  const statement = (database === 'postgres' ? postgresMend : sqliteMend)(table, request) ?? null;
  return {
    database: statement === null ? null : database,
    statement,
    command: `crossfade compare --repair --yes --table ${shellWord(table.name)}`,
    advice: null,
  };
}

function requestOf({ class: kind, encodedKey, columns }: Mendable, row: Row | undefined): MendRequest | undefined {
  if (encodedKey === null) return undefined;
  const key = decodeKey(encodedKey);
  const known = row === undefined ? {} : { row };
  if (kind === 'missing') return { kind: 'insert', key, ...known };
  if (kind === 'extra') return { kind: 'delete', key };
  return { kind: 'update', key, columns, ...known };
}

/** What a statement of {@link mendOf} must stand between. */
export function byHand(primary: StoreName | null): ByHand | null {
  if (primary === null) return null;
  return primary === 'sqlite'
    ? { database: 'postgres', before: POSTGRES_PREAMBLE, after: 'COMMIT' }
    : { database: 'sqlite', before: SQLITE_PREAMBLE, after: MEND_END };
}

/** A word of a command line, in quotes where a shell would read something into it. */
function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
