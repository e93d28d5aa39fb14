import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import Database from 'better-sqlite3';
import pg from 'pg';
import { createCrossfade } from '../adapter/index.ts';
import { applyPlan, translateSchema } from '../migrations/schema.ts';
import { applyMigrations } from '../migrations/sqlite/apply-migrations.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { tempFolder } from './helpers/sqlite.ts';
import { brief } from './helpers/translated-pair.ts';
import { TriggersOnBoth } from './helpers/triggers-on-both.ts';

const FOLDER = fileURLToPath(new URL('../../test/examples/ledger-migrations', import.meta.url));

/** What the ledger has that PostgreSQL has not; its triggers are not among it. */
const OMIT = [
  'table:offerings_fts',
  'table:site_locations',
  'conflict-clause:email_suppressions',
  'conflict-clause:usage_daily',
];

/** Tables whose rows no column type can hold. */
const UNFIT = ['payment_webhooks', 'feature_flags', 'notifications'];

/** What the clock decides. */
const CLOCK = ['at', 'updated_at', 'created_at', 'requested_at', 'issued_on', 'due_on', 'sent_at'];

/** Those that the statements below concern. */
const TABLES = [
  'accounts',
  'audit_log',
  'cart_items',
  'carts',
  'email_queue',
  'invoice_lines',
  'invoices',
  'ledger_entries',
  'refunds',
  'ticket_messages',
  'tickets',
];

const STATEMENTS = [
  `INSERT INTO invoice_lines (invoice_id, line, text, unit_price, quantity) SELECT id, 900, 'more', 250, 1.5 FROM invoices WHERE id <= 3`,
  `DELETE FROM invoice_lines WHERE line = 900 AND invoice_id = 2`,
  `UPDATE ledger_entries SET amount = amount + 1`,
  `DELETE FROM ledger_entries WHERE booking_id = 1`,
  `INSERT INTO email_queue (id, recipient, subject, body) VALUES (90001, 'Gone@Example.com', 's', 'b'), (90002, 'new@example.com', 's', 'b')`,
  `UPDATE tickets SET state = 'closed', closed_at = '2025-01-01 00:00:00' WHERE id <= 2`,
  `INSERT INTO ticket_messages (id, ticket_id, text, internal) VALUES (90001, 1, 'again', 0), (90002, 2, 'hidden', 1)`,
  `DELETE FROM audit_log`,
  `UPDATE accounts SET is_admin = 1 - is_admin WHERE id = 2`,
  `UPDATE accounts SET username = username || '-x' WHERE id = 3`,
  `UPDATE accounts SET display_name = 'nobody' WHERE id = 3`,
  `INSERT INTO carts (id, account_id, session_key, updated_at) VALUES (901, NULL, 'here', 1), (902, NULL, 'there', 1)`,
  `INSERT INTO cart_items (cart_id, offering_id, quantity) VALUES (901, 1, 2)`,
  `INSERT INTO cart_lines (cart_id, offering_id, quantity) VALUES (901, 1, 3), (901, 2, NULL)`,
  `INSERT INTO cart_lines (cart_id, offering_id, quantity) VALUES (901, 1, 98)`,
  `UPDATE cart_items SET quantity = 7 WHERE cart_id = 901 AND offering_id = 2`,
  `DELETE FROM cart_items WHERE cart_id = 901 AND offering_id = 1`,
  `INSERT INTO refunds (id, payment_id, amount) SELECT 90000 + id, id, amount + 1 FROM payments WHERE id = 2`,
  `INSERT INTO refunds (id, payment_id, amount) SELECT 90000 + id, id, amount FROM payments WHERE id = 2 AND id NOT IN (SELECT payment_id FROM refunds)`,
];

test('the triggers of the ledger do the same in PostgreSQL, but for those of its full-text index', async (t) => {
  const path = join(tempFolder(t), 'ledger.sqlite');
  applyMigrations({ folder: FOLDER, path }).db.close();
  const sqlite = new Database(path);
  t.teardown(() => sqlite.close());
  for (const table of UNFIT) sqlite.exec(`DELETE FROM ${table}`);
  const translation = await translateSchema({ kind: 'sqlite', path, omit: OMIT });
  t.deepEqual(brief(translation.findings, 'rejection'), [
    'trigger-virtual-table offerings offerings_fts_delete',
    'trigger-virtual-table offerings offerings_fts_insert',
    'trigger-virtual-table offerings offerings_fts_update',
  ]);
  t.deepEqual(translation.plan.triggers.map(({ name }) => name).sort(), [
    'accounts_audit',
    'audit_log_append_only',
    'cart_items_touch_delete',
    'cart_items_touch_insert',
    'cart_items_touch_update',
    'cart_lines_insert',
    'email_queue_suppressed',
    'invoice_lines_added',
    'invoice_lines_removed',
    'ledger_entries_fixed',
    'ledger_entries_kept',
    'refunds_within_payment',
    'tickets_reopen',
  ]);
  const url = await freshDatabase(t);
  const postgres = new pg.Client({ connectionString: url });
  await postgres.connect();
  t.teardown(() => postgres.end());
  t.deepEqual(await applyPlan(postgres, translation.plan), []);
  const withoutKey = translation.plan.tables.filter(({ primaryKey }) => primaryKey === null).map(({ name }) => name);
  const crossfade = await createCrossfade({ sqlite: path, postgres: url, tables: { exclude: withoutKey } });
  t.teardown(() => crossfade.close());
  await crossfade.backfill();
  await crossfade.close();
  // Past the fence; triggers fire, as they would not in a session of the Mirror's.
  await postgres.query(`SET crossfade.mirroring = 'on'`);
  sqlite.defaultSafeIntegers(true);

  const both = new TriggersOnBoth({ sqlite, postgres, translation });
  const before = await both.rows({ without: CLOCK, of: TABLES });
  t.deepEqual(before.postgres, before.sqlite, 'the backfill has fired no trigger');
  for (const sql of STATEMENTS) {
    const outcome = await both.run(sql);
    t.is(outcome.postgres, outcome.sqlite, sql);
  }
  const after = await both.rows({ without: CLOCK, of: TABLES });
  t.deepEqual(after.postgres, after.sqlite);
  t.notDeepEqual(after.sqlite, before.sqlite);
  const { rows } = await postgres.query<{ id: string }>('SELECT id FROM carts WHERE updated_at > 1 AND id > 900');
  t.deepEqual(rows, [{ id: '901' }], 'the cart that got something is touched, by the clock');
});
