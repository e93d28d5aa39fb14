/**
 * What SQLite calls a column of one of PostgreSQL's types, as Knex would have declared it there. `a` is its pg_attribute.
 */
const DECLARED_TYPE = `CASE split_part(regexp_replace(format_type(a.atttypid, a.atttypmod), '\\(.*\\)', ''), ' without', 1)
    WHEN 'character varying' THEN 'varchar' || coalesce('(' || nullif(a.atttypmod, -1) - 4 || ')', '')
    WHEN 'character' THEN 'char' || coalesce('(' || nullif(a.atttypmod, -1) - 4 || ')', '')
    WHEN 'numeric' THEN 'decimal' || coalesce(replace(substring(format_type(a.atttypid, a.atttypmod) from '\\(.*\\)'), ',', ', '), '')
    WHEN 'double precision' THEN 'float' WHEN 'real' THEN 'float' WHEN 'bytea' THEN 'blob' WHEN 'jsonb' THEN 'json'
    WHEN 'uuid' THEN 'char(36)' WHEN 'timestamp with time zone' THEN 'datetime' WHEN 'timestamp' THEN 'datetime'
    ELSE regexp_replace(format_type(a.atttypid, a.atttypmod), '\\(\\d+\\)| without time zone', '', 'g') END`;

/** A column's default without PostgreSQL's casts; none where it counts. `d` is its pg_attrdef. */
const DECLARED_DEFAULT = `CASE WHEN pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' OR a.attidentity <> '' OR a.attgenerated <> '' THEN NULL
    ELSE regexp_replace(pg_get_expr(d.adbin, d.adrelid), '^(''(?:[^'']|'''')*''|[-\\d.]+|NULL)::[\\w ]+(\\(\\d+\\))?$', '\\1') END`;

/** Whether a column counts by itself. */
const COUNTS = `(a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%')`;

const COLUMNS = `pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum`;
const IS_COLUMN = `a.attnum > 0 AND NOT a.attisdropped`;
const QUOTED = (name: string): string => `'\`' || replace(${name}, '\`', '\`\`') || '\`'`;
const LIST = (numbers: string, relation: string, quoted = true): string =>
  `(SELECT string_agg(${quoted ? QUOTED('k.attname') : 'k.attname'}, ', ' ORDER BY n.place)
    FROM unnest(${numbers}) WITH ORDINALITY AS n (number, place) JOIN pg_attribute k ON k.attrelid = ${relation} AND k.attnum = n.number)`;
/** Crossfade's own triggers are in PostgreSQL only. */
const IS_CROSSFADES = (name: string): string => `(${name} LIKE '\\_crossfade%' OR ${name} LIKE 'crossfade%')`;
const ACTION = (code: string): string =>
  `CASE ${code} WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END`;

/** The statement that would make a table in SQLite, as Knex writes it. `c` is its pg_class. */
const CREATE_TABLE = `'CREATE TABLE ' || ${QUOTED('c.relname')} || ' (' || concat_ws(', ',
    (SELECT string_agg(${QUOTED('a.attname')} || ' ' || ${DECLARED_TYPE}
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        || CASE WHEN ${COUNTS} AND p.conkey = ARRAY[a.attnum] THEN ' primary key AUTOINCREMENT' ELSE '' END
        || coalesce(' default ' || ${DECLARED_DEFAULT}, ''), ', ' ORDER BY a.attnum)
     FROM ${COLUMNS} WHERE a.attrelid = c.oid AND ${IS_COLUMN}),
    (SELECT string_agg(CASE WHEN f.conname = c.relname || '_' || ${LIST('f.conkey', 'c.oid', false)} || '_foreign' THEN '' ELSE 'constraint ' || ${QUOTED('f.conname')} || ' ' END
        || 'foreign key(' || ${LIST('f.conkey', 'c.oid')} || ') references ' || ${QUOTED('r.relname')} || '(' || ${LIST('f.confkey', 'r.oid')} || ')'
        || CASE WHEN f.confdeltype = 'a' THEN '' ELSE ' on delete ' || ${ACTION('f.confdeltype')} END
        || CASE WHEN f.confupdtype = 'a' THEN '' ELSE ' on update ' || ${ACTION('f.confupdtype')} END, ', ' ORDER BY f.oid)
     FROM pg_constraint f JOIN pg_class r ON r.oid = f.confrelid WHERE f.conrelid = c.oid AND f.contype = 'f'),
    (SELECT CASE WHEN p.conname = c.relname || '_pkey' THEN '' ELSE 'constraint ' || ${QUOTED('p.conname')} || ' ' END || 'primary key (' || ${LIST('p.conkey', 'c.oid')} || ')'
     WHERE p.oid IS NOT NULL AND NOT EXISTS (SELECT FROM ${COLUMNS} WHERE a.attrelid = c.oid AND p.conkey = ARRAY[a.attnum] AND ${COUNTS}))) || ')'`;

/**
 * SQLite's own table of what a database is made of, as a query of PostgreSQL's catalog. The statements are as Knex would
 * have written them for SQLite; of expressions, views and triggers they hold PostgreSQL's text.
 */
const SQLITE_MASTER = `SELECT "type", "name", "tbl_name", 0 AS "rootpage", "sql" FROM (
  SELECT c.oid AS "order", CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END AS "type", c.relname::text AS "name", c.relname::text AS "tbl_name",
    CASE WHEN c.relkind IN ('v', 'm') THEN 'CREATE VIEW ' || ${QUOTED('c.relname')} || ' as ' || pg_get_viewdef(c.oid) ELSE ${CREATE_TABLE} END AS "sql"
  FROM pg_class c LEFT JOIN pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p'
  WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace = current_schema()::regnamespace
  UNION ALL
  SELECT c.oid, 'index', CASE WHEN i.indisprimary THEN 'sqlite_autoindex_' || t.relname || '_1' ELSE c.relname END, t.relname,
    CASE WHEN i.indisprimary THEN NULL
      WHEN i.indpred IS NULL AND i.indexprs IS NULL THEN 'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || ${QUOTED('c.relname')} || ' on ' || ${QUOTED('t.relname')} || ' (' || ${LIST('i.indkey::int2[]', 't.oid')} || ')'
      ELSE pg_get_indexdef(c.oid) END
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
  WHERE t.relnamespace = current_schema()::regnamespace
    AND NOT (i.indisprimary AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = ANY (i.indkey) AND a.atttypid IN (20, 21, 23)) = i.indnatts AND i.indnatts = 1)
  UNION ALL
  SELECT g.oid, 'trigger', g.tgname, t.relname, pg_get_triggerdef(g.oid)
  FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
  WHERE NOT g.tgisinternal AND t.relnamespace = current_schema()::regnamespace AND NOT ${IS_CROSSFADES('g.tgname')}
) AS objects ORDER BY "order"`;

/** Where each column of a table that counts by itself stands, as SQLite keeps it. */
const SQLITE_SEQUENCE = `SELECT c.relname::text AS "name", coalesce(s.last_value, 0) AS "seq"
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND ${IS_COLUMN}
  JOIN pg_class q ON q.oid = pg_get_serial_sequence(quote_ident(c.relname), a.attname)::regclass
  JOIN pg_sequences s ON s.schemaname = current_schema() AND s.sequencename = q.relname
  WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace AND s.last_value IS NOT NULL`;

const MENTIONS = /\bsqlite_(?:master|schema|sequence)\b/i;
const WITH = /^\s*with\s+(?:recursive\s+)?/i;
const READS = /^\s*(?:with|select|\()/i;

/** A read of SQLite's own tables (`sqlite_master`, `sqlite_schema`, `sqlite_sequence`), so that PostgreSQL answers it. */
export function withSqliteSchema(sql: string): string {
  if (!MENTIONS.test(sql) || !READS.test(sql)) return sql;
  const tables = [
    ...['sqlite_master', 'sqlite_schema']
      .filter((name) => sql.includes(name))
      .map((name) => `${name} AS (${SQLITE_MASTER})`),
    ...(sql.includes('sqlite_sequence') ? [`sqlite_sequence AS (${SQLITE_SEQUENCE})`] : []),
  ].join(', ');
  const head = WITH.exec(sql)?.[0];
  return head === undefined ? `WITH ${tables} ${sql}` : `${head}${tables}, ${sql.slice(head.length)}`;
}

interface Answer {
  /** The query that PostgreSQL is asked, `$1` being the table or index; none where it is known without asking. */
  readonly sql?: string;
  readonly rows?: readonly Record<string, unknown>[];
}

/** Names are alike in SQLite whatever their case. */
const OF_TABLE = `c.oid = coalesce(to_regclass(quote_ident($1)), (SELECT min(alike.oid) FROM pg_class alike
    WHERE lower(alike.relname) = lower($1) AND alike.relnamespace = current_schema()::regnamespace AND alike.relkind IN ('r', 'p', 'v', 'm')))`;
/** SQLite itself writes the names of its standard types large. */
const SHOWN_TYPE = `CASE WHEN ${DECLARED_TYPE} IN ('integer', 'text', 'blob') THEN upper(${DECLARED_TYPE}) ELSE ${DECLARED_TYPE} END`;

const TABLE_INFO = (hidden: string): string => `
  SELECT row_number() OVER (ORDER BY a.attnum) - 1 AS "cid", a.attname::text AS "name", ${SHOWN_TYPE} AS "type", a.attnotnull AS "notnull",
    ${DECLARED_DEFAULT} AS "dflt_value", coalesce(array_position(p.conkey, a.attnum), 0) AS "pk"${hidden}
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND ${IS_COLUMN} LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum LEFT JOIN pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p'
  WHERE ${OF_TABLE} ORDER BY a.attnum`;

/** What each pragma that tells something answers. Others answer nothing: they are settings of SQLite's file. */
const PRAGMAS: Readonly<Record<string, Answer>> = {
  table_info: { sql: TABLE_INFO('') },
  table_xinfo: { sql: TABLE_INFO(`, CASE a.attgenerated WHEN 's' THEN 3 WHEN 'v' THEN 2 ELSE 0 END AS "hidden"`) },
  foreign_key_list: {
    sql: `SELECT dense_rank() OVER (ORDER BY f.oid DESC) - 1 AS "id", n.place - 1 AS "seq", r.relname::text AS "table", k.attname::text AS "from", l.attname::text AS "to",
        ${ACTION('f.confupdtype')} AS "on_update", ${ACTION('f.confdeltype')} AS "on_delete", 'NONE' AS "match"
      FROM pg_class c JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' JOIN pg_class r ON r.oid = f.confrelid
      CROSS JOIN unnest(f.conkey, f.confkey) WITH ORDINALITY AS n (child, parent, place)
      JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = n.child JOIN pg_attribute l ON l.attrelid = r.oid AND l.attnum = n.parent
      WHERE ${OF_TABLE} ORDER BY 1, 2`,
  },
  index_list: {
    sql: `SELECT row_number() OVER (ORDER BY x.oid DESC) - 1 AS "seq", CASE WHEN i.indisprimary THEN 'sqlite_autoindex_' || c.relname || '_1' ELSE x.relname END AS "name",
        i.indisunique AS "unique", CASE WHEN i.indisprimary THEN 'pk' ELSE 'c' END AS "origin", i.indpred IS NOT NULL AS "partial"
      FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
      WHERE ${OF_TABLE} AND NOT (i.indisprimary AND i.indnatts = 1 AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0] AND a.atttypid IN (20, 21, 23)))
      ORDER BY x.oid DESC`,
  },
  index_info: {
    sql: `SELECT n.place - 1 AS "seqno", CASE WHEN n.number = 0 THEN -2 ELSE n.number - 1 END AS "cid", a.attname::text AS "name"
      FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS n (number, place)
      LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = n.number
      WHERE i.indexrelid = to_regclass(quote_ident($1)) OR (i.indisprimary AND $1 = 'sqlite_autoindex_' || t.relname || '_1') ORDER BY n.place`,
  },
  defer_foreign_keys: { sql: 'SET CONSTRAINTS ALL DEFERRED' },
  foreign_keys: { rows: [{ foreign_keys: 1 }] },
  foreign_key_check: { rows: [] },
  integrity_check: { rows: [{ integrity_check: 'ok' }] },
  quick_check: { rows: [{ quick_check: 'ok' }] },
  journal_mode: { rows: [{ journal_mode: 'wal' }] },
  encoding: { rows: [{ encoding: 'UTF-8' }] },
};

const PRAGMA = /^\s*pragma\s+(?:\w+\s*\.\s*)?(\w+)\s*(?:\(\s*([^)]*?)\s*\)|=\s*([^;]*?))?\s*;?\s*$/i;

/**
 * What PostgreSQL is to be asked in place of a pragma, or the rows that answer it, or neither for a setting;
 * `undefined` for other SQL.
 */
export function pragmaOf(sql: string): (Answer & { readonly bindings: readonly string[] }) | undefined {
  const match = PRAGMA.exec(sql);
  if (match === null) return undefined;
  const [, name = '', argument, value] = match;
  const answer = PRAGMAS[name.toLowerCase()];
  const given = argument ?? value;
  const isSetting = given !== undefined && given !== '';
  if (answer?.sql === undefined) return isSetting ? { bindings: [] } : { rows: answer?.rows ?? [], bindings: [] };
  if (!answer.sql.includes('$1')) return isOn(given) ? { ...answer, bindings: [] } : { bindings: [] };
  return { ...answer, bindings: [unquoted(given ?? '')] };
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(?:on|1|true|yes)$/i.test(value);
}

function unquoted(name: string): string {
  const [, quote, inner] = /^(["'`[])(.*)["'`\]]$/.exec(name) ?? [];
  return quote === undefined || inner === undefined ? name : inner.replaceAll(quote + quote, quote);
}
