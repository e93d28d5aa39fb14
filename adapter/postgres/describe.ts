import type pg from 'pg';
import { formOfComment } from '../codec/form.ts';
import type { ColumnShape, TableShape } from '../spec.ts';

interface ColumnRow {
  readonly tbl: string;
  readonly name: string;
  readonly type: string;
  readonly not_null: string;
  readonly generated: string;
  readonly sequence: string | null;
  readonly comment: string | null;
}

interface KeyRow {
  readonly tbl: string;
  readonly is_primary: string;
  readonly name: string;
  readonly index_name: string;
}

/** Every ordinary table of the current schema. */
export async function describeTables(client: pg.Pool | pg.ClientBase): Promise<readonly TableShape[]> {
  const columns = await client.query<ColumnRow>(`
    SELECT c.relname AS tbl, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
           a.attgenerated <> '' AS generated, pg_get_serial_sequence(quote_ident(c.relname), a.attname) AS sequence,
           col_description(c.oid, a.attnum) AS comment
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
    ORDER BY c.relname, a.attnum`);
  const whole = await client.query<{ name: string }>(`
    SELECT c.relname AS name FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
      AND (c.relkind = 'p' OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid))`);
  const withParts = new Set(whole.rows.map((row) => row.name));
  const keys = await client.query<KeyRow>(`
    SELECT c.relname AS tbl, i.indisprimary AS is_primary, a.attname AS name, i.indexrelid::regclass::text AS index_name
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
      AND c.relnamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT FROM unnest(i.indkey) AS n(attnum) JOIN pg_attribute b ON b.attrelid = c.oid AND b.attnum = n.attnum WHERE NOT b.attnotnull)
    ORDER BY c.relname, i.indisprimary DESC, i.indexrelid, k.place`);
  const tables = new Map<string, ColumnShape[]>();
  for (const row of columns.rows) {
    let list = tables.get(row.tbl);
    if (list === undefined) tables.set(row.tbl, (list = []));
    list.push({
      name: row.name,
      type: row.type,
      collation: 'BINARY',
      notNull: row.not_null === 't',
      generated: row.generated === 't',
      sequence: row.sequence,
      form: formOfComment(row.comment),
    });
  }
  return [...tables].map(([name, list]) => {
    const candidates = keys.rows.filter((row) => row.tbl === name);
    const first = candidates[0]?.index_name;
    return {
      name,
      columns: list,
      key: candidates.filter((row) => row.index_name === first).map((row) => row.name),
      autoIncrement: false,
      hasParts: withParts.has(name),
    };
  });
}

/** Tables that a mirror without the replica role would trip over: those with foreign keys or triggers of the user's. */
export async function guardedTables(
  client: pg.Pool | pg.ClientBase,
  names: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT c.relname AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relname = ANY($1) AND c.relnamespace = current_schema()::regnamespace AND t.tgname NOT LIKE 'crossfade\\_%' ORDER BY 1`,
    [names],
  );
  return rows.map((row) => row.name);
}
