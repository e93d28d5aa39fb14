/** Raw SQL with what is bound to it: a list for `?`, an object for `:name`. */
export type RawQuery = readonly [sql: string, bindings?: readonly unknown[] | Readonly<Record<string, unknown>>];

/** What the API over the ledger of the example migrations would read, in SQLite's dialect as people write it. */
export const LEDGER_READS: readonly RawQuery[] = [
  // Accounts
  ['SELECT * FROM accounts WHERE username = ?', ['ACC3']],
  ['SELECT * FROM accounts WHERE id = ?', ['7']],
  ['SELECT * FROM accounts WHERE pubkey = ?', [Buffer.from('00000000000000000000000000007919')]],
  [
    'SELECT id, `username`, [display_name], "locale" FROM accounts WHERE username LIKE \'TRADER%\' ORDER BY username LIMIT 5',
  ],
  [
    'SELECT lower(hex(pubkey)) AS pubkey, ifnull(display_name, username) AS shown FROM accounts ORDER BY shown, id LIMIT 10',
  ],
  ['SELECT count(*) FROM accounts'],
  [
    'SELECT COUNT(*) AS total, SUM(is_admin) AS admins, SUM(CASE WHEN display_name IS NULL THEN 1 ELSE 0 END) AS nameless FROM accounts',
  ],
  ["SELECT strftime('%Y-%m', created_at) AS month, count(*) AS n FROM accounts GROUP BY month ORDER BY month"],
  [
    "SELECT strftime('%W', created_at) AS week, strftime('%w', created_at) AS weekday, strftime('%j', created_at) AS day FROM accounts ORDER BY id LIMIT 20",
  ],
  ["SELECT id FROM accounts WHERE created_at >= datetime('now', '-7 days')"],
  [
    'SELECT id FROM accounts WHERE created_at BETWEEN ? AND ? ORDER BY created_at DESC',
    ['2023-01-10', '2023-01-20 12:00:00'],
  ],
  [
    "SELECT id, cast(julianday('2024-01-01') - julianday(created_at) AS INTEGER) AS age FROM accounts ORDER BY age DESC, id LIMIT 5",
  ],
  [
    "SELECT id, date(created_at, 'start of month', '+1 month', '-1 day') AS last_day, date(created_at, 'weekday 1') AS monday FROM accounts WHERE id % 9 = 0",
  ],
  [
    "SELECT unixepoch(created_at) AS s, unixepoch(created_at) * 1000 AS ms, strftime('%s', created_at) AS t, typeof(strftime('%s', created_at)) AS k FROM accounts WHERE id < 4",
  ],
  [
    'SELECT a.*, e.email FROM accounts a LEFT JOIN account_emails e ON e.account_id = a.id AND e.verified = 1 WHERE a.id IN (1, 4, 5) ORDER BY a.id',
  ],
  [
    'SELECT a.*, e.email FROM accounts a LEFT JOIN account_emails e ON e.account_id = a.id AND e.verified ORDER BY e.email, a.id LIMIT 12',
  ],
  ['SELECT account_id FROM account_emails WHERE email = ? AND verified', ['USER3@EXAMPLE.COM']],
  ["SELECT account_id FROM account_emails WHERE email LIKE '%@example.org' ORDER BY email COLLATE NOCASE LIMIT 5"],
  [
    "SELECT substr(email, instr(email, '@') + 1) AS domain, count(*) AS n FROM account_emails GROUP BY domain ORDER BY n DESC, domain",
  ],
  ["SELECT username FROM accounts WHERE username GLOB 'user.*' ORDER BY username DESC LIMIT 3"],
  ["SELECT username FROM accounts WHERE username GLOB ? AND username NOT GLOB '*[5-9]' ORDER BY id", ['node-[0-9]*']],
  ["SELECT id, username FROM accounts WHERE display_name LIKE '%mü%' OR display_name LIKE '%MÜ%' ORDER BY id"],
  [
    "SELECT upper(display_name) AS u, length(display_name) AS n, trim(display_name, 'Zo') AS t, replace(display_name, ' ', '_') AS r FROM accounts WHERE display_name IS NOT NULL ORDER BY id LIMIT 12",
  ],
  [
    "SELECT CASE WHEN is_admin THEN 'admin' ELSE 'user' END AS role, count(*) AS n FROM accounts GROUP BY role ORDER BY role",
  ],
  ['SELECT id FROM accounts WHERE NOT is_admin AND display_name IS NULL ORDER BY id LIMIT 3 OFFSET 2'],
  ['SELECT id FROM accounts WHERE is_admin = ? ORDER BY id', [true]],
  ['SELECT id FROM accounts ORDER BY display_name, id LIMIT 5'],
  ['SELECT id FROM accounts ORDER BY display_name DESC, id LIMIT -1 OFFSET 90'],
  ['SELECT id FROM accounts ORDER BY display_name COLLATE NOCASE DESC NULLS FIRST, id LIMIT 3, 4'],
  ['SELECT rowid, * FROM accounts WHERE rowid = 5'],
  ['SELECT max(rowid) FROM accounts'],
  ['SELECT last_insert_rowid() AS id, changes() AS n, total_changes() >= 0 AS t'],
  ['SELECT EXISTS(SELECT 1 FROM accounts WHERE username = ?) AS taken', ['Acc5']],
  ['SELECT NOT EXISTS(SELECT 1 FROM accounts WHERE id = 9999)'],
  [
    'SELECT a1.id, a2.id AS other FROM accounts a1 JOIN accounts a2 ON a2.id = a1.id + 1 AND a2.locale = a1.locale WHERE a1.id <= :most AND a2.id > :most - 3 ORDER BY 1',
    { most: 6 },
  ],
  [
    'SELECT :role AS role, id FROM accounts WHERE locale = :locale AND id < :max ORDER BY id',
    { role: 'user', locale: 'en', max: 4 },
  ],
  ["SELECT id FROM accounts WHERE username = 'acc3' -- what?\n AND id <> 0 /* ? */"],
  ['SELECT * FROM account_stats WHERE contracts > 1 ORDER BY contracts DESC, id LIMIT 10'],
  ['SELECT username, role, has_dash FROM account_stats WHERE has_dash ORDER BY username LIMIT 4'],
  ['SELECT id, scopes FROM api_keys WHERE account_id = ? AND NOT revoked ORDER BY created_at DESC', [4]],
  [
    "SELECT k.id, j.value AS scope FROM api_keys k, json_each(k.scopes) j WHERE j.value = 'admin' ORDER BY k.id LIMIT 5",
  ],
  [
    'SELECT j.value AS scope, count(*) AS n FROM api_keys, json_each(scopes) AS j GROUP BY j.value ORDER BY n DESC, scope',
  ],
  [
    'SELECT id FROM api_keys WHERE EXISTS (SELECT 1 FROM json_each(api_keys.scopes) WHERE value = ?) ORDER BY id LIMIT 3',
    ['write'],
  ],
  [
    "SELECT id, json_array_length(scopes) AS n, json_extract(scopes, '$[0]') AS first, scopes ->> 1 AS second FROM api_keys ORDER BY id LIMIT 3",
  ],
  ['SELECT account_id FROM api_keys WHERE secret_hash = CAST(? AS BLOB)', ['hash-3']],
  [
    "SELECT account_id, label FROM api_keys WHERE last_used_at IS NULL OR last_used_at < unixepoch('now', '-90 days') ORDER BY account_id LIMIT 5",
  ],
  [
    "SELECT datetime(last_used_at, 'unixepoch') AS used, date(created_at, 'unixepoch') AS made FROM api_keys ORDER BY account_id LIMIT 4",
  ],
  [
    "SELECT account_id, datetime(expires_at / 1000, 'unixepoch') AS until FROM sessions WHERE expires_at > ? ORDER BY expires_at LIMIT 3",
    [1_700_086_400_006],
  ],
  ["SELECT account_id FROM sessions WHERE expires_at < strftime('%s', 'now') * 1000 ORDER BY account_id LIMIT 2"],
  ["SELECT count(*) AS n FROM sessions WHERE user_agent LIKE '%linux%' AND ip LIKE '198.51.100.%'"],
  ['SELECT ip, success, at FROM login_attempts WHERE username = ? ORDER BY at DESC, success', ['Acc3']],
  [
    'SELECT ip, sum(NOT success) AS failed, max(at) AS last FROM login_attempts GROUP BY ip HAVING failed > 0 ORDER BY failed DESC, ip',
  ],
  ['SELECT count(DISTINCT username) AS names, count(DISTINCT ip) AS ips FROM login_attempts WHERE at > 0'],

  // Providers, sites, offerings
  [
    'SELECT id, name, coalesce("legal name", name) AS legal, country_code FROM providers WHERE status = \'active\' ORDER BY name',
  ],
  [
    'SELECT p.name, c.name AS country, c.in_eu FROM providers p JOIN countries c ON c.code = p.country_code WHERE c.in_eu ORDER BY c.name, p.name',
  ],
  [
    'SELECT country_code, count(*) AS n, group_concat(name) AS names FROM (SELECT * FROM providers ORDER BY id) GROUP BY country_code ORDER BY n DESC, country_code',
  ],
  [
    "SELECT country_code, group_concat(name, '; ') AS names FROM (SELECT * FROM providers ORDER BY name DESC) GROUP BY country_code ORDER BY country_code",
  ],
  ['SELECT lower(name) AS n FROM providers WHERE lower(name) LIKE lower(?) ORDER BY n', ['PROVIDER B%']],
  ["SELECT id FROM providers WHERE status = 'active' ORDER BY id LIMIT 3"],
  [
    'SELECT name, julianday(onboarded_at) - julianday(created_at) AS days FROM providers WHERE onboarded_at IS NOT NULL ORDER BY id LIMIT 5',
  ],
  [
    "SELECT date(created_at) AS day, time(created_at) AS time, strftime('%f', created_at) AS s FROM providers ORDER BY id LIMIT 4",
  ],
  [
    'SELECT provider_id, kind, address FROM provider_contacts WHERE (provider_id, kind) IN ((1, ?), (2, ?)) ORDER BY 1, 2, 3',
    ['sales', 'support'],
  ],
  [
    'SELECT provider_id, json_group_object(kind, address) AS contacts FROM (SELECT * FROM provider_contacts ORDER BY provider_id, kind, position) GROUP BY provider_id ORDER BY provider_id LIMIT 3',
  ],
  [
    "SELECT provider_id, json_group_array(json_object('kind', kind, 'address', address)) AS contacts FROM (SELECT * FROM provider_contacts ORDER BY provider_id, kind, address) GROUP BY provider_id ORDER BY provider_id LIMIT 3",
  ],
  [
    'SELECT s.city, s."select", s.[odd name], round(s.latitude, 2) AS lat FROM sites s WHERE s.latitude BETWEEN ? AND ? ORDER BY s.city, s.id',
    [40, '60'],
  ],
  [
    'SELECT city, abs(latitude - ?) + abs(longitude - ?) AS distance FROM sites WHERE latitude IS NOT NULL ORDER BY distance, id LIMIT 3',
    [52.52, 13.4],
  ],
  [
    'SELECT id, uptime_guarantee, uptime_guarantee >= 99.9 AS good FROM sites ORDER BY uptime_guarantee DESC, id LIMIT 4',
  ],
  [
    "WITH RECURSIVE tree(id, slug, depth) AS (SELECT id, slug, 0 FROM regions WHERE parent_id IS NULL UNION ALL SELECT r.id, r.slug, t.depth + 1 FROM regions r JOIN tree t ON r.parent_id = t.id) SELECT printf('%s%s', substr('      ', 1, depth * 2), slug) AS line FROM tree ORDER BY depth, slug",
  ],
  [
    "WITH RECURSIVE up(id, parent_id, path) AS (SELECT id, parent_id, slug FROM regions WHERE id = ? UNION ALL SELECT r.id, r.parent_id, r.slug || '/' || up.path FROM regions r JOIN up ON r.id = up.parent_id) SELECT path FROM up WHERE parent_id IS NULL",
    [5],
  ],
  ['SELECT * FROM region_paths ORDER BY path'],
  [
    "SELECT code, cores, memory_gb, label FROM machine_types WHERE code = 'GPU-1' OR memory_mb / 1024 > 20 ORDER BY memory_mb",
  ],
  [
    'SELECT code, memory_mb / cores AS each, memory_mb * 1.0 / cores AS exact, disk_gb % 7 AS rest, cores / 0 AS none FROM machine_types ORDER BY id',
  ],
  ['SELECT code FROM machine_types ORDER BY gpu, code'],
  ['SELECT code, cores << 1 AS twice, cores & 6 AS bits, ~cores AS inverse FROM machine_types ORDER BY id'],
  [
    "SELECT o.*, p.name AS provider FROM offerings o JOIN providers p ON p.id = o.provider_id WHERE o.visibility = 'public' AND o.stock_status <> 'discontinued' ORDER BY o.monthly_price, o.id LIMIT ? OFFSET ?",
    [5, 10],
  ],
  [
    "SELECT * FROM offerings WHERE product_type IN ('vps', 'gpu') AND monthly_price <= ? ORDER BY monthly_price DESC, id LIMIT 3",
    ['50'],
  ],
  ['SELECT id FROM offerings WHERE monthly_price > ? AND currency = ? ORDER BY id LIMIT 4', [20, 'EUR']],
  [
    "SELECT id, name FROM offerings WHERE (name LIKE ? OR description LIKE ?) AND currency != 'XXX' ORDER BY name, id LIMIT 5",
    ['%small%', '%GB machine%'],
  ],
  ["SELECT id, name FROM offerings WHERE name LIKE ? ESCAPE '\\' ORDER BY id LIMIT 3", ['%\\-%']],
  [
    "SELECT id, json_extract(attributes, '$.cores') AS cores, json_extract(attributes, '$.features[0]') AS feature, attributes ->> '$.virtual' AS virtual, attributes -> '$.features' AS features FROM offerings ORDER BY id LIMIT 8",
  ],
  [
    "SELECT DISTINCT a.key, json_type(o.attributes, '$.' || a.key) AS type FROM offerings o, json_each(o.attributes) a ORDER BY 1, 2",
  ],
  ["SELECT id FROM offerings WHERE json_extract(attributes, '$.cores') >= 4 ORDER BY id LIMIT 5"],
  ["SELECT id FROM offerings WHERE json_extract(attributes, '$.nosuch') IS NULL ORDER BY id LIMIT 2"],
  [
    "SELECT json_set(attributes, '$.checked', json('true')) AS a, json_remove(attributes, '$.cores') AS b, json_patch(attributes, '{\"x\": 1}') AS c FROM offerings ORDER BY id LIMIT 3",
  ],
  [
    'SELECT product_type, min(monthly_price) AS lo, max(monthly_price) AS hi, avg(monthly_price) AS mean, round(avg(monthly_price), 2) AS rounded, count(*) AS n FROM offerings GROUP BY product_type ORDER BY product_type',
  ],
  ['SELECT product_type, min(monthly_price), name FROM offerings GROUP BY product_type ORDER BY product_type'],
  [
    'SELECT provider_id, product_type, count(*) AS n FROM offerings GROUP BY 1, 2 HAVING n > 1 ORDER BY n DESC, 1, 2 LIMIT 6',
  ],
  [
    "SELECT p.id, p.name, count(o.id) AS offerings, total(o.monthly_price) AS sum FROM providers p LEFT JOIN offerings o ON o.provider_id = p.id AND o.stock_status = 'in_stock' GROUP BY p.id ORDER BY offerings DESC, p.id LIMIT 5",
  ],
  [
    'SELECT t.name, count(ot.offering_id) AS n FROM tags t LEFT JOIN offering_tags ot ON ot.tag_id = t.id GROUP BY t.id ORDER BY n DESC, t.name',
  ],
  [
    "SELECT o.id, (SELECT group_concat(t.name, ', ') FROM offering_tags ot JOIN tags t ON t.id = ot.tag_id WHERE ot.offering_id = o.id ORDER BY t.name) AS tags FROM offerings o WHERE o.id <= 2",
  ],
  [
    "SELECT o.id FROM offerings o JOIN offering_tags ot ON ot.offering_id = o.id JOIN tags t ON t.id = ot.tag_id WHERE t.name IN ('linux', 'GPU', 'kvm', 'IPV6') GROUP BY o.id HAVING count(DISTINCT t.id) >= 2 ORDER BY o.id LIMIT 5",
  ],
  ["SELECT id FROM tags WHERE name = 'LINUX' OR name = 'ÖSTERREICH'"],
  [
    'SELECT o.id, o.monthly_price, row_number() OVER (PARTITION BY o.product_type ORDER BY o.monthly_price, o.id) AS place FROM offerings o ORDER BY o.product_type, place LIMIT 10',
  ],
  [
    'SELECT id, product_type, monthly_price, lag(monthly_price) OVER w AS before, lead(id, 1, 0) OVER w AS next, sum(monthly_price) OVER w AS running FROM offerings WHERE provider_id < 4 WINDOW w AS (PARTITION BY product_type ORDER BY monthly_price, id) ORDER BY product_type, monthly_price, id',
  ],
  [
    'SELECT DISTINCT first_value(name) OVER (PARTITION BY product_type ORDER BY monthly_price, id) AS cheapest FROM offerings ORDER BY 1',
  ],
  [
    'SELECT id, ntile(4) OVER (ORDER BY monthly_price, id) AS quarter, dense_rank() OVER (ORDER BY currency) AS c, cume_dist() OVER (ORDER BY id) AS d FROM offerings ORDER BY id LIMIT 9',
  ],
  ['SELECT * FROM top_offerings ORDER BY product_type, place'],
  [
    'SELECT provider_id, name, reviews, average_stars, happy FROM provider_reputation ORDER BY average_stars DESC, provider_id LIMIT 6',
  ],
  [
    'SELECT stars, count(*) AS n, count(*) * 100 / (SELECT count(*) FROM offering_reviews) AS percent, round(count(*) * 100.0 / (SELECT count(*) FROM offering_reviews), 1) AS exact FROM offering_reviews GROUP BY stars ORDER BY stars',
  ],
  [
    'SELECT offering_id, avg(stars) AS mean FROM offering_reviews GROUP BY offering_id HAVING avg(stars) >= ? ORDER BY mean DESC, offering_id LIMIT 5',
    [3.5],
  ],
  [
    'SELECT min(monthly_price, setup_fee) AS lo, max(monthly_price, setup_fee, 10) AS hi, iif(setup_fee > 0, setup_fee, NULL) AS fee FROM offerings ORDER BY id LIMIT 6',
  ],
  [
    "SELECT printf('%.2f', monthly_price) || ' ' || currency AS price, printf('%08.3f|%+d|%-6s|%5s|%x|%%', monthly_price, id, currency, currency, id) AS f FROM offerings ORDER BY id LIMIT 5",
  ],
  [
    "SELECT id, name FROM offerings WHERE id NOT IN (SELECT offering_id FROM contracts WHERE status = 'done') ORDER BY id LIMIT 5",
  ],
  ["SELECT id FROM offerings EXCEPT SELECT offering_id FROM contracts WHERE status = 'active' ORDER BY id LIMIT 5"],
  ['SELECT offering_id FROM contracts INTERSECT SELECT offering_id FROM offering_reviews ORDER BY 1 LIMIT 5'],

  // Contracts, payments, invoices
  [
    "SELECT * FROM contracts WHERE requester_id = ? AND status NOT IN ('done', 'cancelled', 'rejected') ORDER BY requested_at DESC, id LIMIT 3",
    [21],
  ],
  [
    'SELECT status, COUNT(*) AS n, SUM(payment_amount) AS amount, SUM(payment_amount) / 100.0 AS money FROM contracts GROUP BY status ORDER BY n DESC, status',
  ],
  [
    'SELECT id, (ended_at - started_at) / 3600000 AS hours, (ended_at - started_at) / 3600000.0 AS exact FROM contracts WHERE ended_at IS NOT NULL ORDER BY id LIMIT 6',
  ],
  [
    "SELECT id, datetime(started_at / 1000 + duration_hours * 3600, 'unixepoch') AS due FROM contracts WHERE status = 'active' ORDER BY due, id LIMIT 5",
  ],
  [
    "SELECT id FROM contracts WHERE started_at + duration_hours * 3600 * 1000 < strftime('%s', 'now') * 1000 AND status = 'active' ORDER BY id LIMIT 5",
  ],
  [
    'SELECT id FROM contracts WHERE requested_at >= ? ORDER BY requested_at, id LIMIT 3',
    [new Date('2023-09-01T00:00:00Z')],
  ],
  [
    "SELECT date(requested_at / 1000, 'unixepoch') AS day, count(*) AS n FROM contracts GROUP BY day ORDER BY n DESC, day LIMIT 5",
  ],
  [
    "SELECT strftime('%Y-%m', requested_at / 1000, 'unixepoch') AS month, currency, sum(payment_amount) AS amount FROM contracts WHERE status IN ('active', 'done') GROUP BY month, currency ORDER BY month DESC, currency LIMIT 8",
  ],
  ['SELECT * FROM contract_overview WHERE status = ? ORDER BY id LIMIT 4', ['done']],
  ['SELECT requester, count(*) AS n FROM active_contracts GROUP BY requester ORDER BY n DESC, requester LIMIT 5'],
  [
    'SELECT c.id, c.public_id, a.username FROM contracts c JOIN accounts a ON a.id = c.requester_id WHERE c.public_id = ? OR a.username = ? ORDER BY c.id',
    ['nosuch', 'TRADER_21'],
  ],
  [
    'SELECT currency, sum(payment_amount) AS total, avg(payment_amount) AS mean, group_concat(DISTINCT status) IS NOT NULL AS any FROM contracts GROUP BY currency ORDER BY total DESC',
  ],
  [
    'SELECT id, payment_amount, CASE currency WHEN ? THEN payment_amount ELSE payment_amount / 100.0 END AS shown FROM contracts ORDER BY id LIMIT 6',
    ['JPY'],
  ],
  ['SELECT id FROM contracts WHERE auto_renew IS FALSE OR renewed_from_id IS NOT NULL ORDER BY id LIMIT 5'],
  ["SELECT id, requester_memo = '' AS empty, length(requester_memo) AS n FROM contracts ORDER BY n DESC, id LIMIT 4"],
  [
    "SELECT c.id, e.kind, e.old_status || ' -> ' || e.new_status AS change FROM contract_events e JOIN contracts c ON c.id = e.contract_id ORDER BY e.id",
  ],
  [
    "SELECT method, currency, count(*) AS n, sum(amount) AS gross, sum(fee) AS fees, sum(net) AS net FROM payments WHERE status = 'settled' GROUP BY method, currency ORDER BY method, currency",
  ],
  [
    "SELECT strftime('%Y-%m', created_at) AS month, SUM(CASE WHEN status = 'settled' THEN amount ELSE 0 END) AS settled, SUM(amount) FILTER (WHERE status <> 'settled') AS open FROM payments GROUP BY 1 ORDER BY 1",
  ],
  ['SELECT month, currency, payments, gross, net FROM monthly_revenue LIMIT 5'],
  ['SELECT currency, sum(gross) AS gross FROM monthly_revenue GROUP BY currency ORDER BY gross'],
  ['SELECT id FROM payments WHERE date(created_at) >= ? ORDER BY id LIMIT 4', ['2023-11-03']],
  [
    'SELECT id, round((julianday(settled_at) - julianday(created_at)) * 24, 2) AS hours FROM payments WHERE settled_at IS NOT NULL ORDER BY hours DESC, id LIMIT 4',
  ],
  [
    "SELECT id FROM payments WHERE settled_at IS NULL AND created_at < datetime('now', '-30 days', 'start of day') ORDER BY created_at, id LIMIT 5",
  ],
  [
    'SELECT p.id, p.amount - coalesce((SELECT sum(r.amount) FROM refunds r WHERE r.payment_id = p.id AND r.approved), 0) AS kept FROM payments p WHERE p.id % 15 = 0 ORDER BY p.id',
  ],
  [
    "SELECT id, provider_reference FROM payments WHERE provider_reference LIKE 'CARD%' OR provider_reference IS NULL ORDER BY provider_reference, id LIMIT 6",
  ],
  [
    'SELECT method, amount, sum(amount) OVER (PARTITION BY method ORDER BY created_at, id) AS running FROM payments ORDER BY method, created_at, id LIMIT 10',
  ],
  ['SELECT account_id, max(created_at) AS last, amount FROM payments GROUP BY account_id ORDER BY account_id LIMIT 5'],
  [
    'SELECT amount % 100 AS cents, amount / 100 AS whole, -amount AS negative, amount * 0.19 AS tax FROM payments ORDER BY id LIMIT 5',
  ],
  ['SELECT * FROM payment_methods_used'],
  [
    'SELECT payment_id, attempt, outcome, response_code FROM payment_attempts WHERE response_code >= 400 OR response_code IS NULL ORDER BY payment_id, attempt LIMIT 6',
  ],
  [
    "SELECT json_extract(response, '$.code') AS code, count(*) AS n FROM payment_attempts GROUP BY json_extract(response, '$.code') ORDER BY n DESC, code",
  ],
  [
    "SELECT payment_id, datetime(attempted_at) AS at, date(attempted_at, '+1 day') AS next FROM payment_attempts ORDER BY payment_id, attempt LIMIT 4",
  ],
  [
    'SELECT payment_id, max(attempt) AS tries, outcome FROM payment_attempts GROUP BY payment_id HAVING max(attempt) > 1 ORDER BY payment_id LIMIT 5',
  ],
  [
    "SELECT number, issued_on, due_on, total / 100.0 AS money, CASE paid WHEN 1 THEN 'paid' ELSE 'open' END AS state FROM invoices ORDER BY number DESC LIMIT 5",
  ],
  ["SELECT number FROM invoices WHERE due_on < date('now') AND NOT paid ORDER BY due_on, number LIMIT 5"],
  [
    'SELECT number FROM invoices WHERE issued_on >= ? AND issued_on < ? ORDER BY number LIMIT 5',
    ['2023-11-01', '2023-12-01'],
  ],
  [
    "SELECT due_on, date(due_on, '+14 days') AS later, julianday(due_on) - julianday(issued_on) AS days, strftime('%d.%m.%Y', due_on) AS german FROM invoices ORDER BY id LIMIT 4",
  ],
  ['SELECT max(cast(substr(number, 10) AS INTEGER)) AS last FROM invoices'],
  [
    'SELECT i.number, sum(l.amount) AS lines, i.total, i.total = sum(l.amount) AS ok FROM invoices i JOIN invoice_lines l ON l.invoice_id = i.id GROUP BY i.id ORDER BY i.number LIMIT 4',
  ],
  [
    'SELECT text, quantity, unit_price, amount, typeof(quantity) AS t FROM invoice_lines ORDER BY invoice_id, line LIMIT 4',
  ],
  ["SELECT reason || '|' AS r, reason = 'too slow   ' AS same, length(reason) AS n FROM refunds ORDER BY id"],
  [
    "SELECT payment_id FROM refunds WHERE reason = 'too slow' AND (approved IS NULL OR approved = 0) ORDER BY payment_id",
  ],
  ['SELECT base, quote, day, rate, 100 / rate AS inverse FROM exchange_rates ORDER BY day DESC, base, quote'],
  [
    'SELECT rate FROM exchange_rates WHERE base = ? AND quote = ? AND day <= ? ORDER BY day DESC LIMIT 1',
    ['EUR', 'USD', '2024-02-01'],
  ],
  ['SELECT DISTINCT base FROM exchange_rates WHERE rate > ? ORDER BY base', ['1']],
  ['SELECT c.code, c.minor_digits, c.symbol FROM currencies c WHERE is_crypto = 0 ORDER BY c.code COLLATE NOCASE'],
  ['SELECT code, percent_off, valid_until FROM coupons WHERE code = ? COLLATE NOCASE', ['SPRING']],
  [
    'SELECT c.code, count(r.account_id) AS used, c.max_uses FROM coupons c LEFT JOIN coupon_redemptions r ON r.coupon_code = c.code GROUP BY c.code HAVING c.max_uses = -1 OR count(r.account_id) < c.max_uses ORDER BY used DESC, 1',
  ],
  [
    'SELECT period, sum(amount) AS amount, count(DISTINCT provider_id) AS providers FROM payouts GROUP BY period ORDER BY period DESC LIMIT 4',
  ],
  [
    "SELECT p.provider_id, m.kind, substr(m.address, -4) AS tail, replace(m.address, ' ', '') AS iban FROM payouts p JOIN payout_methods m ON m.provider_id = p.provider_id AND m.position = p.method_position WHERE p.period = ? ORDER BY p.provider_id, p.currency LIMIT 4",
    ['2023-11'],
  ],
  [
    'SELECT country_code, percent FROM tax_rates WHERE valid_from <= ? GROUP BY country_code HAVING valid_from = max(valid_from) ORDER BY country_code',
    ['2024-06-01'],
  ],
  ['SELECT country_code, max(valid_from), percent FROM tax_rates GROUP BY country_code ORDER BY country_code'],
  ['SELECT code, coalesce(percent, 0) AS percent FROM current_tax ORDER BY percent DESC, code LIMIT 6'],
  [
    'SELECT percent, percent * 100 AS cents, percent / 3 AS third, CAST(percent AS INTEGER) AS whole FROM tax_rates ORDER BY percent, country_code',
  ],

  // The ledger
  ['SELECT name, currency, balance, entries FROM ledger_balances ORDER BY name'],
  ['SELECT * FROM ledger_unbalanced'],
  [
    'SELECT booked_at, text, amount, balance FROM ledger_history WHERE ledger_account_id = ? ORDER BY booked_at DESC, balance LIMIT 5',
    [1],
  ],
  [
    'SELECT booking_id, sum(amount) AS difference, count(*) AS n FROM ledger_entries GROUP BY booking_id HAVING sum(amount) <> 0',
  ],
  [
    'SELECT a.kind, total(e.amount) AS t, sum(e.amount) AS s, sum(e.amount) / 100 AS w, abs(sum(e.amount)) AS a FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.ledger_account_id GROUP BY a.kind ORDER BY a.kind',
  ],
  ['SELECT id FROM ledger_bookings WHERE idempotency_key IS ? ORDER BY id LIMIT 2', [null]],
  ["SELECT id, text FROM ledger_bookings WHERE booked_at >= '2023-03-01T00:00:00Z' ORDER BY booked_at, id LIMIT 3"],
  ['SELECT height, hash, sealed_at, entries FROM ledger_blocks ORDER BY height'],
  ['SELECT * FROM block_chain ORDER BY height'],
  ['SELECT height FROM ledger_blocks WHERE entries > ?', [9007199254740992n]],
  ["SELECT height FROM ledger_blocks WHERE hash = x'DEADBEEF' OR hex(hash) = 'CAFEBABE' ORDER BY height"],

  // E-mail queue, jobs, notifications
  ["SELECT * FROM email_queue WHERE status = 'pending' AND attempts < max_attempts ORDER BY created_at, id LIMIT 5"],
  [
    "SELECT * FROM email_queue WHERE status = 'pending' AND (last_attempted_at IS NULL OR last_attempted_at + 60000 * (1 << attempts) < ?) ORDER BY created_at, id LIMIT 3",
    [Date.UTC(2026, 0)],
  ],
  [
    'SELECT status, kind, count(*) AS n, min(created_at) AS oldest, avg(attempts) AS tries FROM email_queue GROUP BY status, kind ORDER BY status, kind',
  ],
  ['SELECT id, json_extract(headers, \'$."X-Id"\') AS x, headers IS NULL AS none FROM email_queue ORDER BY id LIMIT 4'],
  [
    'SELECT recipient FROM email_queue WHERE recipient NOT IN (SELECT email FROM email_suppressions) ORDER BY recipient, id LIMIT 5',
  ],
  [
    'SELECT email FROM email_suppressions WHERE email = ? AND (until IS NULL OR until > unixepoch())',
    ['GONE@example.com'],
  ],
  [
    "SELECT coalesce(t.subject, d.subject) AS subject FROM email_templates d LEFT JOIN email_templates t ON t.name = d.name AND t.locale = ? WHERE d.name = ? AND d.locale = 'en'",
    ['de', 'welcome'],
  ],
  [
    "SELECT replace(replace(body, '{{name}}', ?), '{{total}}', ?) AS body FROM email_templates ORDER BY name, locale",
    ['Ada', 12.5],
  ],
  [
    'SELECT id FROM jobs WHERE queue = ? AND locked_by IS NULL AND run_at <= unixepoch() ORDER BY run_at, id LIMIT 1',
    ['default'],
  ],
  ["SELECT id, json_extract(payload, '$.id') AS pid, payload FROM jobs ORDER BY queue, run_at, id"],
  ['SELECT seq, action, subject, json_extract(after, ?) AS name FROM audit_log ORDER BY seq', ['$.username']],
  [
    "SELECT seq, action, json_extract(after, '$.username') AS name FROM audit_log WHERE subject LIKE 'account:%' ORDER BY seq DESC LIMIT 5",
  ],
  [
    "SELECT role, count(*) AS n FROM organisation_members GROUP BY role ORDER BY CASE role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 ELSE 2 END",
  ],
  [
    "SELECT o.slug, a.username FROM organisations o JOIN organisation_members m ON m.organisation_id = o.id AND m.role = 'owner' JOIN accounts a ON a.id = m.account_id WHERE o.slug = ? ORDER BY 1",
    ['ACME'],
  ],
  ["SELECT token, accepted FROM invitations WHERE accepted = 'f' AND expires_at > ? ORDER BY token", ['2020-01-01']],
  [
    "SELECT max_price, max_price > 20 AS dear, notify, last_run FROM saved_searches WHERE name = 'CHEAP 0' COLLATE NOCASE ORDER BY account_id",
  ],
  [
    "SELECT account_id, name, datetime(last_run) AS run, ifnull(max_price, 'any') AS price FROM saved_searches ORDER BY account_id, name",
  ],
  [
    'SELECT c.id, sum(i.quantity * o.monthly_price) AS total FROM carts c JOIN cart_items i ON i.cart_id = c.id JOIN offerings o ON o.id = i.offering_id GROUP BY c.id ORDER BY c.id',
  ],
  ['SELECT name, quantity, amount FROM cart_lines WHERE cart_id = ? ORDER BY offering_id', [1]],

  // Usage, health, tickets
  [
    'SELECT metric, count(*) AS n, avg(value) AS mean, min(value) AS lo, max(value) AS hi, total(value) AS sum FROM usage_samples GROUP BY metric ORDER BY metric',
  ],
  [
    "SELECT contract_id, strftime('%Y-%m-%d %H:00', sampled_at, 'unixepoch') AS hour, avg(value) AS cpu FROM usage_samples WHERE metric = 'cpu' GROUP BY contract_id, hour ORDER BY contract_id, hour LIMIT 6",
  ],
  [
    'SELECT contract_id, metric, value FROM usage_samples s WHERE sampled_at = (SELECT max(sampled_at) FROM usage_samples x WHERE x.contract_id = s.contract_id AND x.metric = s.metric) ORDER BY contract_id, metric LIMIT 6',
  ],
  [
    'SELECT contract_id, metric, max(sampled_at) AS at, value FROM usage_samples GROUP BY contract_id, metric ORDER BY contract_id, metric LIMIT 6',
  ],
  [
    'SELECT contract_id, sum(cpu_hours) AS cpu, sum(traffic_bytes) AS bytes, sum(traffic_bytes) / 1048576.0 AS mib, count(billed) AS billed FROM usage_daily GROUP BY contract_id ORDER BY bytes DESC, contract_id LIMIT 5',
  ],
  [
    "SELECT day, cpu_hours FROM usage_daily WHERE day >= date(?, '-1 month') ORDER BY day, contract_id LIMIT 5",
    ['2023-10-01'],
  ],
  [
    'SELECT day, count(*) AS n, sum(ok) AS good, round(100.0 * sum(ok) / count(*), 1) AS percent, avg(latency_ms) AS mean FROM health_checks GROUP BY day ORDER BY day LIMIT 5',
  ],
  ['SELECT contract_id FROM health_checks WHERE NOT ok ORDER BY contract_id, id LIMIT 5'],
  [
    'SELECT contract_id, avg(latency_ms) FILTER (WHERE ok) AS mean FROM health_checks GROUP BY contract_id ORDER BY mean DESC, contract_id LIMIT 5',
  ],
  [
    'SELECT t.id, t.subject, count(m.id) AS messages, max(m.sent_at) AS last FROM tickets t LEFT JOIN ticket_messages m ON m.ticket_id = t.id AND m.internal = 0 GROUP BY t.id ORDER BY last DESC, t.id LIMIT 5',
  ],
  ['SELECT state, priority, count(*) AS n FROM tickets GROUP BY state, priority ORDER BY state, priority'],
  [
    "SELECT id FROM tickets WHERE closed_at IS NULL AND opened_at < datetime('now', 'localtime', '-2 hours') ORDER BY priority, opened_at, id LIMIT 5",
  ],
  [
    "WITH RECURSIVE days(day) AS (SELECT date(?) UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < date(?)) SELECT d.day, count(h.id) AS n FROM days d LEFT JOIN health_checks h ON h.day = d.day GROUP BY d.day ORDER BY d.day",
    ['2023-01-30', '2023-02-05'],
  ],
  ['WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n LIMIT 5) SELECT i, i * i AS square FROM n'],
  [
    'WITH spent AS (SELECT requester_id, sum(payment_amount) AS cents FROM contracts GROUP BY requester_id), ranked AS (SELECT *, rank() OVER (ORDER BY cents DESC) AS place FROM spent) SELECT a.username, r.cents, r.place FROM ranked r JOIN accounts a ON a.id = r.requester_id WHERE r.place <= 3 ORDER BY r.place, a.username',
  ],
  [
    "SELECT 'account' AS kind, id, username AS name FROM accounts WHERE username LIKE ? UNION ALL SELECT 'provider', id, name FROM providers WHERE name LIKE ? ORDER BY kind, name LIMIT 6",
    ['%1%', '%a%'],
  ],
  ["SELECT ? + 1 AS a, ? || 'x' AS b, ? / 2 AS c, ? IS NULL AS d, typeof(?) AS e", [1, 5, 7, null, 'x']],
  [
    "SELECT date('2024-02-30') AS a, datetime('2024-01-01T10:20:30Z') AS b, date('nonsense') AS c, time('10:00', '+90 minutes') AS d, strftime('%Y', 0, 'unixepoch') AS e",
  ],
  [
    "SELECT 5 / 2 AS a, -5 / 2 AS b, 5 % -3 AS c, 5.0 / 2 AS d, '10' + 5 AS e, '3 apples' * 2 AS f, 1 / 0 AS g, 1.5 % 1 AS h",
  ],
  [
    "SELECT 'a' < 'B' AS a, 'a' < 'B' COLLATE NOCASE AS b, NULL = NULL AS c, NULL IS NULL AS d, 1 = '1' AS e, '1' = 1.0 AS f, 'abc' > 5 AS g",
  ],
  [
    "SELECT instr('hello', 'l') AS a, substr('hello', -3, 2) AS b, rtrim('x  ') || '|' AS c, char(72, 105) AS d, unicode('é') AS e, hex('é') AS f, quote('it''s') AS g, nullif(1, 1) AS h, round(2.5) AS i, round(-2.567, 2) AS j, length('日本') AS k",
  ],

  // JSON whose types only the values tell
  [
    "SELECT json_extract(attributes, '$.cores') AS cores, count(*) AS n, sum(monthly_price) AS sum FROM offerings GROUP BY json_extract(attributes, '$.cores') ORDER BY cores DESC",
  ],
  ["SELECT attributes ->> '$.gpu' AS gpu, count(*) AS n FROM offerings GROUP BY 1 ORDER BY gpu"],
  ["SELECT DISTINCT json_extract(attributes, '$.virtual') AS v FROM offerings ORDER BY v"],
  [
    "SELECT json_extract(attributes, '$.cores') * 2 + 1 AS twice, json_extract(attributes, '$.cores') / 3 AS third, json_extract(attributes, '$.cores') % 5 AS rest, -json_extract(attributes, '$.cores') AS less FROM offerings ORDER BY id LIMIT 5",
  ],
  [
    "SELECT sum(json_extract(attributes, '$.cores')) AS s, avg(attributes ->> '$.cores') AS a, max(json_extract(attributes, '$.cores')) AS hi, min(attributes ->> '$.gpu') AS gpu, count(DISTINCT attributes ->> '$.gpu') AS n FROM offerings",
  ],
  [
    "SELECT f.value AS feature, count(*) AS n, group_concat(DISTINCT o.product_type) IS NULL AS none FROM offerings o, json_each(o.attributes, '$.features') AS f GROUP BY f.value HAVING count(*) > 1 ORDER BY f.value",
  ],
  [
    "SELECT CASE WHEN json_extract(attributes, '$.cores') > 8 THEN 'large' ELSE 'small' END AS size, count(*) AS n FROM offerings WHERE json_extract(attributes, '$.virtual') = 1 GROUP BY size ORDER BY size",
  ],
  [
    "SELECT id, 'cores: ' || json_extract(attributes, '$.cores') || '/' || (json_extract(attributes, '$.cores') + 1) AS label FROM offerings WHERE json_extract(attributes, '$.cores') BETWEEN 2 AND 10 ORDER BY json_extract(attributes, '$.cores') DESC, id LIMIT 4",
  ],
  [
    "SELECT id FROM offerings WHERE 'ipv6' IN (SELECT value FROM json_each(attributes, '$.features')) ORDER BY id LIMIT 4",
  ],
  ['SELECT id FROM accounts WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id', ['[3, 5.0, "7", "x", null]']],
  [
    'SELECT id FROM accounts WHERE id NOT IN (SELECT value FROM json_each(?)) AND id < 6 ORDER BY id',
    ['[3, 5.0, "1", "x"]'],
  ],
  [
    'SELECT code FROM countries WHERE code IN (SELECT value FROM json_each(:codes)) ORDER BY code',
    { codes: '["DE", "ch", 5]' },
  ],
  [
    'SELECT id, display_name IN (SELECT value FROM json_each(?)) AS x FROM accounts ORDER BY id LIMIT 12',
    ['["Person 3", 5]'],
  ],
  [
    'SELECT id FROM accounts WHERE display_name NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT 8',
    ['[5, 7.5]'],
  ],
  ['SELECT id FROM accounts WHERE username IN (SELECT value FROM json_each(?)) ORDER BY id', ['["ACC3", "node-2", 7]']],
  [
    'SELECT c.id, v.value AS wanted FROM json_each(?) AS v JOIN contracts c ON c.id = v.value ORDER BY v.key',
    ['[9, 4, "6"]'],
  ],
  ['SELECT key, value, type, atom, fullkey FROM json_tree(\'{"a":[1,2.5,"x"],"b":null}\') ORDER BY id'],
  [
    'SELECT json_group_array(DISTINCT product_type) IS NOT NULL AS a, json_array_length(json_group_array(id)) AS n FROM offerings',
  ],
  [
    "SELECT id, substr(number, 5, 4) + 1 AS next, number || '-' || (substr(number, 5, 4) + 1) AS text FROM invoices ORDER BY id LIMIT 3",
  ],
  [
    "SELECT base, rate * 2 AS twice, rate / 2 AS half, (rate + 1) / 2 AS mid, rate || '' AS text, typeof(rate * 2) AS t FROM exchange_rates ORDER BY base, quote, day",
  ],
  [
    "SELECT percent + 1 || '%' AS p, percent / 2 AS half, CAST(percent AS TEXT) AS t FROM tax_rates ORDER BY country_code, valid_from",
  ],
  [
    'SELECT a.username, count(c.id) AS n FROM accounts a JOIN contracts c ON c.requester_id = a.id GROUP BY a.username HAVING n > 1 ORDER BY n DESC, a.username LIMIT 5',
  ],
  ['SELECT DISTINCT a.username FROM accounts a JOIN contracts c ON c.requester_id = a.id ORDER BY a.username LIMIT 3'],
  ['SELECT username FROM accounts WHERE id < 5 UNION SELECT username FROM accounts WHERE id < 4 ORDER BY 1'],
  [
    "SELECT contract_id, count(*) AS n, max(sampled_at) AS at, value FROM usage_samples WHERE metric = 'cpu' GROUP BY contract_id ORDER BY contract_id LIMIT 5",
  ],
  [
    'SELECT * FROM (SELECT c.*, row_number() OVER (PARTITION BY requester_id ORDER BY requested_at DESC, id) AS nth FROM contracts c) WHERE nth = 1 ORDER BY requester_id LIMIT 4',
  ],
  [
    "SELECT strftime('%Y', created_at) || '-Q' || ((strftime('%m', created_at) + 2) / 3) AS quarter, count(*) AS n FROM payments GROUP BY quarter ORDER BY quarter",
  ],
  [
    "SELECT CAST(strftime('%H', created_at) AS INTEGER) AS hour, count(*) AS n FROM accounts GROUP BY hour ORDER BY n DESC, hour LIMIT 3",
  ],
  [
    "SELECT date('now', 'start of month') <= date('now') AS a, julianday('now') > 2460000 AS b, unixepoch() > 1700000000 AS c, strftime('%Y', 'now') > '2020' AS d, CURRENT_TIMESTAMP > '2020' AS e",
  ],
  [
    'SELECT p.id FROM payments p WHERE p.amount > (SELECT avg(amount) FROM payments) * 1.5 ORDER BY p.amount DESC, p.id LIMIT 5',
  ],
  [
    'SELECT a.id, (SELECT e.email FROM account_emails e WHERE e.account_id = a.id ORDER BY e.verified DESC, e.id LIMIT 1) AS email FROM accounts a ORDER BY a.id LIMIT 3',
  ],
  [
    "SELECT coalesce(sum(amount), 0) AS n, ifnull(max(created_at), 'never') AS last FROM payments WHERE account_id = ?",
    [99999],
  ],
  ['SELECT id, amount FROM payments WHERE amount BETWEEN ? AND ? ORDER BY amount, id LIMIT 4', ['1000', 5000.5]],
  [
    'SELECT id FROM contracts WHERE payment_amount IN (SELECT max(payment_amount) FROM contracts GROUP BY currency) ORDER BY id',
  ],
  [
    "SELECT c.id FROM contracts c WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.contract_id = c.id AND p.status = 'settled') ORDER BY c.id LIMIT 4",
  ],
  [
    'SELECT o.id, o.name FROM offerings o LEFT JOIN offering_reviews r ON r.offering_id = o.id WHERE r.id IS NULL ORDER BY o.name COLLATE NOCASE, o.id LIMIT 4',
  ],
  [
    'SELECT id FROM accounts ORDER BY CASE WHEN display_name IS NULL THEN 1 ELSE 0 END, lower(display_name), id LIMIT 4',
  ],
  ['SELECT id, created_at FROM accounts ORDER BY datetime(created_at) DESC LIMIT 3'],
  [
    "SELECT hex(hash) AS h, length(hash) AS n, substr(hash, 1, 2) AS s, hash || '' IS NULL AS t FROM ledger_blocks WHERE height = 1",
  ],
  [
    "SELECT count(*) FILTER (WHERE status = 'sent') AS sent, count(*) FILTER (WHERE status <> 'sent') AS other, total(attempts) AS tries FROM email_queue",
  ],
  ["SELECT id, username FROM accounts WHERE (username, id) > ('node-2', 2) ORDER BY username, id LIMIT 3"],
  [
    "SELECT (SELECT count(*) FROM accounts) AS accounts, (SELECT count(*) FROM contracts WHERE status = 'active') AS active, (SELECT sum(amount) / 100.0 FROM payments WHERE currency = 'EUR') AS euros",
  ],
  [
    "SELECT type, name FROM sqlite_master WHERE type = 'table' AND name LIKE 'offering%' AND name NOT LIKE '%fts%' ORDER BY name",
  ],
];
