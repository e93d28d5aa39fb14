import type { RawQuery } from './reads.ts';

/** A write, and the tables in which its effect is looked for. */
export interface RawWrite {
  readonly query: RawQuery;
  readonly tables: readonly string[];
}

const write = (tables: string, ...query: RawQuery): RawWrite => ({ query, tables: tables.split(' ') });

/** What the API over the ledger of the example migrations would write, in SQLite's dialect as people write it. */
export const LEDGER_WRITES: readonly RawWrite[] = [
  // Accounts, keys, sessions
  write('accounts', 'INSERT INTO accounts (pubkey, username, display_name) VALUES (?, ?, ?)', [
    Buffer.alloc(32, 7),
    'newcomer',
    'Neu',
  ]),
  write('accounts', "INSERT INTO accounts (pubkey, username) VALUES (?, 'ACC3')", [Buffer.alloc(32, 8)]),
  write('accounts', "INSERT INTO accounts (pubkey, username) VALUES (?, 'x')", [Buffer.alloc(32, 8)]),
  write('accounts', 'INSERT INTO accounts (pubkey, username) VALUES (?, NULL)', [Buffer.alloc(32, 8)]),
  write('accounts', "UPDATE accounts SET display_name = trim(?), updated_at = datetime('2025-01-01') WHERE id = ?", [
    '  Ada ',
    '3',
  ]),
  write(
    'accounts',
    "UPDATE accounts SET display_name = ifnull(display_name, username) || ' (' || id || ')' WHERE id BETWEEN 4 AND 6 RETURNING id, display_name",
  ),
  write('accounts audit_log', "UPDATE accounts SET is_admin = 1 - is_admin WHERE username = 'ACC3'"),
  write(
    'accounts audit_log',
    "UPDATE accounts SET username = replace(username, '_', '-') WHERE username GLOB 'trader_[0-9]'",
  ),
  write('accounts', 'UPDATE accounts SET locale = CASE WHEN id % 2 THEN ? ELSE locale END WHERE id < ?', ['de', 10]),
  write('account_emails', 'INSERT INTO account_emails (account_id, email, created_at) VALUES (?, ?, datetime(?))', [
    3,
    'Second@Example.com',
    '2025-01-01',
  ]),
  write(
    'account_emails',
    "INSERT INTO account_emails (account_id, email, verified, verified_at, created_at) VALUES (3, 'USER1@example.com', 1, '2025-01-01', '2025-01-01')",
  ),
  write('account_emails', "INSERT INTO account_emails (account_id, email) VALUES (3, 'no address')"),
  write(
    'account_emails',
    'UPDATE account_emails SET verified = 1, verified_at = ? WHERE email = ? COLLATE NOCASE AND verified = 0',
    ['2025-01-01 10:00:00', 'USER4@EXAMPLE.ORG'],
  ),
  write('account_emails', 'UPDATE account_emails SET email = lower(email) WHERE email <> lower(email) COLLATE BINARY'),
  write(
    'account_emails',
    'DELETE FROM account_emails WHERE account_id IN (SELECT id FROM accounts WHERE created_at < ?) AND NOT verified',
    ['2023-02-01'],
  ),
  write(
    'api_keys',
    "INSERT INTO api_keys (id, account_id, secret_hash, scopes, created_at) VALUES (?, ?, ?, json_array('read', 'pay'), 1700000000)",
    ['k1', 3, Buffer.from('h')],
  ),
  write('api_keys', "INSERT INTO api_keys (id, account_id, secret_hash, scopes) VALUES ('k2', 3, x'00', 'nonsense')"),
  write('api_keys', 'UPDATE api_keys SET revoked = 1, last_used_at = NULL WHERE account_id = ? AND NOT revoked', [3]),
  write('api_keys', "UPDATE api_keys SET scopes = json_insert(scopes, '$[#]', ?) WHERE account_id < ?", ['audit', 4]),
  write(
    'api_keys',
    "UPDATE api_keys SET scopes = json_remove(scopes, '$[0]') WHERE json_array_length(scopes) > 1 AND account_id <= 2",
  ),
  write(
    'sessions',
    'INSERT OR REPLACE INTO sessions (token_hash, account_id, started_at, expires_at) VALUES (?, ?, ?, ?)',
    [Buffer.from('session-3'), 4, 1_700_000_000_000, 1_800_000_000_000],
  ),
  write('sessions', 'DELETE FROM sessions WHERE expires_at < ?', [new Date(1_700_086_400_050)]),
  write(
    'sessions',
    "UPDATE sessions SET expires_at = expires_at + 86400 * 1000 * ? WHERE token_hash = CAST('session-6' AS BLOB)",
    [30],
  ),
  write('login_attempts', 'INSERT INTO login_attempts (at, ip, username, success) VALUES (?, ?, ?, ?)', [
    1_700_000_009,
    '::1',
    'ACC4',
    false,
  ]),
  write('login_attempts', "DELETE FROM login_attempts WHERE at < unixepoch('now', '-30 days')"),

  // Offerings, tags, carts, coupons
  write('tags', 'INSERT INTO tags (name) VALUES (?) ON CONFLICT DO NOTHING', ['WINDOWS']),
  write(
    'offering_tags',
    "INSERT OR IGNORE INTO offering_tags (offering_id, tag_id) SELECT ?, id FROM tags WHERE name IN ('gpu', 'kvm')",
    [1],
  ),
  write(
    'offering_tags',
    'DELETE FROM offering_tags WHERE offering_id = :offering AND tag_id NOT IN (SELECT id FROM tags WHERE name = :name)',
    { offering: 2, name: 'GPU' },
  ),
  write(
    'offerings',
    "INSERT INTO offerings (provider_id, external_id, name, product_type, currency, monthly_price, attributes, created_at) VALUES (?, ?, ?, ?, ?, ?, json_object('cores', ?, 'tags', json_array('a')), '2025-01-01')",
    [1, 'new-1', 'New', 'vps', 'EUR', '12.5', 8],
  ),
  write(
    'offerings',
    "INSERT INTO offerings (provider_id, external_id, name, product_type, currency, monthly_price) VALUES (1, 'new-2', 'Bad', 'nosuch', 'EUR', 1)",
  ),
  write(
    'offerings',
    "INSERT INTO offerings (provider_id, external_id, name, product_type, currency, monthly_price, created_at) SELECT provider_id, external_id || '-copy', name || ' (copy)', product_type, currency, round(monthly_price * 1.1, 2), '2025-01-01' FROM offerings WHERE id <= 3",
  ),
  write(
    'offerings',
    "INSERT INTO offerings (provider_id, external_id, name, product_type, currency, monthly_price, created_at) VALUES (1, (SELECT external_id FROM offerings WHERE provider_id = 1 ORDER BY id LIMIT 1), 'Again', 'vps', 'USD', 9, '2025-01-01') ON CONFLICT (provider_id, external_id) DO UPDATE SET name = excluded.name, monthly_price = min(excluded.monthly_price, monthly_price), currency = CASE WHEN excluded.currency <> currency THEN currency ELSE excluded.currency END",
  ),
  write(
    'offerings',
    "UPDATE offerings SET monthly_price = round(monthly_price * ?, 2) WHERE provider_id = ? AND stock_status = 'in_stock'",
    [1.1, '2'],
  ),
  write(
    'offerings',
    "UPDATE offerings SET attributes = json_set(attributes, '$.cores', json_extract(attributes, '$.cores') + 1, '$.checked', json('true')) WHERE id <= 4 AND json_extract(attributes, '$.cores') IS NOT NULL",
  ),
  write(
    'offerings',
    "UPDATE offerings SET stock_status = 'out_of_stock' WHERE id IN (SELECT offering_id FROM contracts GROUP BY offering_id HAVING count(*) >= 4)",
  ),
  write(
    'offerings',
    'UPDATE offerings SET monthly_price = (SELECT avg(o.monthly_price) FROM offerings o WHERE o.product_type = offerings.product_type) WHERE id % 20 = 0',
  ),
  write(
    'offerings',
    "UPDATE offerings AS o SET setup_fee = p.id * 1.5 FROM providers p WHERE p.id = o.provider_id AND p.country_code = 'DE'",
  ),
  write('offerings', 'DELETE FROM offerings WHERE id = ?', [1]),
  write(
    'carts',
    "INSERT INTO carts (session_key, updated_at) VALUES (?, unixepoch('2025-01-01')) ON CONFLICT (session_key) DO UPDATE SET updated_at = excluded.updated_at",
    ['anonymous-1'],
  ),
  write(
    'cart_items',
    'INSERT INTO cart_items (cart_id, offering_id, quantity) VALUES (?, ?, ?) ON CONFLICT (cart_id, offering_id) DO UPDATE SET quantity = quantity + excluded.quantity',
    [1, 1, '2'],
  ),
  write('cart_items', 'UPDATE cart_items SET quantity = max(1, quantity - ?) WHERE cart_id = ?', [3, 1]),
  write('cart_items carts', 'DELETE FROM carts WHERE id = ?', [2]),
  write('coupons', "REPLACE INTO coupons (code, percent_off, valid_from) VALUES ('newone', 10, '2025-01-01')"),
  write('coupons', 'UPDATE coupons SET max_uses = max_uses - 1 WHERE code = ? AND max_uses <> -1', ['SPRING']),
  write('coupons', "INSERT INTO coupons (code, percent_off, amount_off, currency) VALUES ('both', 10, 10, 'EUR')"),

  // Contracts, payments, invoices, the ledger
  write(
    'contracts',
    'INSERT INTO contracts (public_id, requester_id, offering_id, payment_amount, currency, duration_hours, requested_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ['p1', 3, 4, 1999, 'EUR', 24, new Date(1_700_000_000_000)],
  ),
  write(
    'contracts',
    "INSERT INTO contracts (public_id, requester_id, offering_id, payment_amount, currency, requested_at) VALUES ('p2', 99999, 4, 1, 'EUR', 1)",
  ),
  write(
    'contracts contract_events',
    "UPDATE contracts SET status = 'active', started_at = ? WHERE id = ? AND status IN ('requested', 'accepted')",
    [1_700_000_000_000, 1],
  ),
  write(
    'contracts',
    "UPDATE contracts SET ended_at = started_at + duration_hours * 3600000, status = 'done' WHERE status = 'active' AND id < 20 RETURNING id, ended_at",
  ),
  write('contracts', 'UPDATE contracts SET requester_memo = requester_memo || ? || char(10) WHERE id IN (?, ?)', [
    'note',
    5,
    '6',
  ]),
  write('contracts', "UPDATE contracts SET status = 'lost' WHERE id = 5"),
  write('contracts', "UPDATE contracts SET (payment_amount, currency) = (SELECT 100, 'USD') WHERE id = 7"),
  write('contracts', "DELETE FROM contracts WHERE id = (SELECT max(id) FROM contracts WHERE status = 'cancelled')"),
  write(
    'payments',
    'INSERT INTO payments (contract_id, account_id, method, provider_reference, amount, currency, fee, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id, net',
    [1, 1, 'card', 'ref-new', 1000, 'EUR', 25, '2025-01-01 00:00:00'],
  ),
  write(
    'payments',
    "INSERT INTO payments (account_id, method, amount, currency, fee) VALUES (1, 'card', 10, 'EUR', 11)",
  ),
  write(
    'payments',
    "UPDATE payments SET status = 'settled', settled_at = datetime(created_at, '+2 days', '+30 minutes') WHERE status <> 'settled' AND id % 5 = 0",
  ),
  write('payments', "UPDATE payments SET fee = amount * 3 / 100 WHERE method = 'card' AND id < 30"),
  write(
    'payments',
    'UPDATE payments SET fee = CAST(round(amount * 0.029) AS INTEGER) + 1 WHERE id < 10 AND amount > 100',
  ),
  write(
    'payment_attempts',
    "INSERT INTO payment_attempts (payment_id, attempt, outcome, response, attempted_at) SELECT payment_id, max(attempt) + 1, 'retry', '{\"code\": 200}', julianday('2025-01-01') FROM payment_attempts WHERE payment_id = ?",
    [1],
  ),
  write(
    'payment_attempts',
    "UPDATE payment_attempts SET response = json_set(coalesce(response, '{}'), '$.code', ?) WHERE payment_id = 2",
    [503],
  ),
  write(
    'refunds',
    "INSERT INTO refunds (payment_id, amount, requested_at) SELECT id, amount + 1, '2025-01-01' FROM payments WHERE id = 2",
  ),
  write(
    'refunds',
    "INSERT INTO refunds (payment_id, amount, reason, requested_at) VALUES (2, 1, 'late  ', '2025-01-01')",
  ),
  write(
    'invoices invoice_lines',
    "INSERT INTO invoice_lines (invoice_id, line, text, quantity, unit_price) SELECT ?, coalesce(max(line), 0) + 1, 'extra', 1.5, 333 FROM invoice_lines WHERE invoice_id = ?",
    [1, 1],
  ),
  write(
    'invoices',
    "INSERT INTO invoices (number, account_id, issued_on, due_on) VALUES (printf('INV-%04d-%d', ?, ?), 1, '2025-01-01', date('2025-01-01', '+14 days'))",
    [2025, 7],
  ),
  write('invoices', 'UPDATE invoices SET paid = 1 WHERE number = ? AND NOT paid', ['INV-2023-1']),
  write('invoices', "UPDATE invoices SET due_on = date(due_on, '+7 days') WHERE id <= 3"),
  write(
    'exchange_rates',
    "INSERT OR REPLACE INTO exchange_rates (base, quote, day, rate) VALUES ('EUR', 'USD', '2024-01-02', ?)",
    [1.25],
  ),
  write(
    'exchange_rates',
    "INSERT INTO exchange_rates (base, quote, day, rate, source) VALUES (?, ?, ?, ?, 'x') ON CONFLICT (base, quote, day) DO UPDATE SET rate = (rate + excluded.rate) / 2 WHERE excluded.rate > rate",
    ['EUR', 'USD', '2024-01-03', 2],
  ),
  write('ledger_entries', 'UPDATE ledger_entries SET amount = 0 WHERE booking_id = 1'),
  write(
    'ledger_bookings ledger_entries',
    "INSERT INTO ledger_bookings (idempotency_key, text, booked_at) VALUES ('key-1', 'test', '2025-01-01T00:00:00Z')",
  ),
  write(
    'ledger_bookings',
    "INSERT OR IGNORE INTO ledger_bookings (idempotency_key, text) SELECT idempotency_key, 'again' FROM ledger_bookings WHERE id = 1",
  ),
  write(
    'payouts',
    "INSERT INTO payouts (provider_id, method_position, period, amount, currency) VALUES (1, 1, strftime('%Y-%m', '2025-01-15'), 100, 'EUR')",
  ),
  write('payouts', 'UPDATE payouts SET paid_at = ? WHERE paid_at IS NULL OR period = ?', ['2025-01-01', '2023-06']),
  write('providers', "UPDATE providers SET \"legal name\" = [name] || ' AG', `status` = 'suspended' WHERE id = 2"),
  write('sites', 'UPDATE sites SET "select" = NULL, [odd name] = [odd name] * 2 WHERE id <= 2'),
  write('regions', 'UPDATE regions SET parent_id = NULL WHERE parent_id = (SELECT id FROM regions WHERE slug = ?)', [
    'europe',
  ]),
  write('tax_rates', "INSERT INTO tax_rates VALUES ('DE', '2030-01-01', 21.5)"),
  write(
    'machine_types',
    "INSERT INTO machine_types (code, cores, memory_mb) VALUES ('tiny', 1, 256) RETURNING id, label, memory_gb",
  ),

  // The queue of e-mails, jobs, usage, tickets
  write('email_queue', 'INSERT INTO email_queue (recipient, subject, body, created_at) VALUES (?, ?, ?, ?)', [
    'a@b.example',
    "it's",
    '',
    1,
  ]),
  write(
    'email_queue',
    "INSERT INTO email_queue (recipient, subject, body, created_at) SELECT email, 'News', 'for ' || account_id, 5 FROM account_emails WHERE verified AND account_id <= 3",
  ),
  write(
    'email_queue',
    "UPDATE email_queue SET status = 'sending', attempts = attempts + 1, last_attempted_at = ? WHERE id IN (SELECT id FROM email_queue WHERE status = 'pending' ORDER BY created_at, id LIMIT 3) RETURNING id",
    [1_700_000_000_000],
  ),
  write(
    'email_queue',
    "UPDATE email_queue SET status = CASE WHEN attempts + 1 >= max_attempts THEN 'failed' ELSE 'pending' END, attempts = attempts + 1 WHERE id = ?",
    [2],
  ),
  write('email_queue', "DELETE FROM email_queue WHERE status = 'sent' AND created_at < ?", [1_900_000_000_000]),
  write('email_queue', "INSERT INTO email_queue (recipient, subject, body) VALUES ('GONE@example.com', 's', 'b')"),
  write(
    'email_templates',
    "INSERT INTO email_templates (name, locale, subject, body) VALUES ('welcome', 'de', 'Neu', 'x') ON CONFLICT (name, locale) DO UPDATE SET subject = excluded.subject, version = version + 1",
  ),
  write(
    'email_templates',
    "INSERT OR REPLACE INTO email_templates (name, locale, subject, body) VALUES ('welcome', 'de', 'Neu', 'x')",
  ),
  write('email_templates', "UPDATE OR IGNORE email_templates SET locale = 'en' WHERE name = 'welcome'"),
  write(
    'jobs',
    "INSERT INTO jobs (queue, payload, run_at) VALUES ('mail', json_object('id', ?, 'at', date('2025-01-01')), ?)",
    [7, 1_700_000_000],
  ),
  write(
    'jobs',
    'UPDATE jobs SET locked_by = ?, locked_at = 5, tries = tries + 1 WHERE id = (SELECT id FROM jobs WHERE locked_by IS NULL ORDER BY run_at, id LIMIT 1) RETURNING *',
    ['worker-1'],
  ),
  write(
    'jobs',
    "INSERT INTO jobs (queue, unique_key, run_at) VALUES ('default', 'u1', 1), ('default', 'u1', 2) ON CONFLICT DO NOTHING",
  ),
  write(
    'usage_daily',
    "INSERT INTO usage_daily (contract_id, day, cpu_hours) SELECT contract_id, '2030-01-01', sum(value) / 3600.0 FROM usage_samples WHERE metric = 'cpu' GROUP BY contract_id",
  ),
  write('usage_daily', 'UPDATE usage_daily SET billed = traffic_bytes / 1000000 WHERE billed IS NULL'),
  write(
    'usage_samples',
    "DELETE FROM usage_samples WHERE sampled_at < (SELECT avg(sampled_at) FROM usage_samples) AND metric LIKE 'TRAFFIC%'",
  ),
  write(
    'tickets ticket_messages',
    "INSERT INTO ticket_messages (ticket_id, author_id, text, sent_at) VALUES (1, 3, 'hello', '2025-01-01')",
  ),
  write('tickets', "INSERT INTO tickets (account_id, subject, opened_at) VALUES (3, '  ', '2025-01-01')"),
  write('tickets', "UPDATE tickets SET state = 'closed', closed_at = coalesce(closed_at, ?) WHERE id <= 3", [
    '2025-01-01 00:00:00',
  ]),
  write(
    'audit_log',
    "INSERT INTO audit_log (at, actor_id, action, subject, before) VALUES ('2025-01-01', ?, 'test', 'account:' || ?, json_quote(?))",
    [1, 2, 'x'],
  ),
  write('audit_log', 'DELETE FROM audit_log'),
  write(
    'organisation_members',
    "INSERT INTO organisation_members (organisation_id, account_id, role, joined_at) VALUES (1, 50, 'member', '2025-01-01') ON CONFLICT (organisation_id, account_id) DO UPDATE SET role = excluded.role",
  ),
  write('invitations', "UPDATE invitations SET accepted = 't' WHERE token = (SELECT min(token) FROM invitations)"),
  write(
    'saved_searches',
    "INSERT INTO saved_searches (account_id, name, max_price) VALUES (6, 'CHEAP 0', 5) ON CONFLICT DO NOTHING",
  ),
  write(
    'ledger_blocks',
    "INSERT INTO ledger_blocks (previous_hash, hash, sealed_at) VALUES (x'cafebabe', x'0102', 5) RETURNING height",
  ),
  write('accounts', 'DELETE FROM accounts WHERE id = 1'),
];
