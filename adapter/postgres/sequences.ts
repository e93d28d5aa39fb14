import type pg from 'pg';
import { CrossfadeError } from '../errors.ts';
import type { TableSpec } from '../spec.ts';
import { only } from './bookkeeping.ts';
import { literal, quote } from './sql.ts';

/** The last id that each of these tables has given out. Those without a sequence are left out. */
export async function lastIds(
  client: pg.ClientBase,
  tables: readonly TableSpec[],
): Promise<ReadonlyMap<string, bigint>> {
  const given = new Map<string, bigint>();
  for (const table of tables) {
    for (const { sequence } of table.columns) {
      if (sequence === null) continue;
      const { rows } = await client.query<{ last: string }>(
        `SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS last FROM ${sequence}`,
      );
      given.set(table.name, BigInt(only(rows).last));
    }
  }
  return given;
}

/**
 * That a table's sequence can go on after the highest id given out. After the release setting it must not fail: without it
 * there would be no primary.
 *
 * @throws CrossfadeError `GATE_REFUSED`.
 */
export async function assertSequencesHold(client: pg.ClientBase, table: TableSpec, given: bigint): Promise<void> {
  for (const { name, sequence } of table.columns) {
    if (sequence === null) continue;
    const { rows } = await client.query<{ holds: string; may: string }>(
      `SELECT greatest($1::numeric, (SELECT max(${quote(name)}) FROM ${quote(table.name)})) BETWEEN 0 AND seqmax AS holds,
         has_sequence_privilege(seqrelid, 'USAGE,UPDATE') AND has_sequence_privilege(seqrelid, 'SELECT') AS may
       FROM pg_sequence WHERE seqrelid = ${literal(sequence)}::regclass`,
      [given.toString()],
    );
    const { holds, may } = only(rows);
    if (holds === 't' && may === 't') continue;
    throw new CrossfadeError(
      'GATE_REFUSED',
      `the sequence ${sequence} of table "${table.name}" ${may === 't' ? 'cannot go on after the ids that SQLite has given out' : 'may not be set by the PostgreSQL role'}`,
      {
        hint:
          may === 't'
            ? `make the column and its sequence bigint: ALTER TABLE ${quote(table.name)} ALTER COLUMN ${quote(name)} TYPE bigint`
            : `GRANT USAGE, SELECT, UPDATE ON SEQUENCE ${sequence} TO <role>`,
      },
    );
  }
}

/**
 * Ids go on after the highest one given out by either database. Read and set under the state row's lock, since
 * setval is not transactional: a late coordinator would move a living sequence back (PROTOCOL.md R22).
 */
export async function advanceSequences(client: pg.ClientBase, table: TableSpec, given: bigint): Promise<void> {
  for (const column of table.columns) {
    if (column.sequence === null) continue;
    await client.query(
      `SELECT setval(${literal(column.sequence)}, highest) FROM (
         SELECT greatest((SELECT max(${quote(column.name)}) FROM ${quote(table.name)}), ${given},
           (SELECT CASE WHEN is_called THEN last_value END FROM ${column.sequence})) AS highest) h
       WHERE highest >= 1`,
    );
  }
}
