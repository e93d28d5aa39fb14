INSERT INTO payments (contract_id, account_id, method, provider_reference, amount, currency, fee, status, created_at, settled_at)
SELECT c.id, c.requester_id, CASE c.id % 4 WHEN 0 THEN 'card' WHEN 1 THEN 'crypto' WHEN 2 THEN 'transfer' ELSE 'credit' END,
  CASE WHEN c.id % 4 <> 3 THEN printf('ref_%05d', c.id) END, c.payment_amount, c.currency, c.payment_amount / 50,
  CASE WHEN c.started_at IS NULL THEN 'new' ELSE 'settled' END,
  datetime(c.requested_at / 1000, 'unixepoch'), CASE WHEN c.started_at IS NOT NULL THEN datetime(c.started_at / 1000, 'unixepoch') END
FROM contracts c WHERE c.status <> 'rejected' AND c.payment_amount > 0;
INSERT INTO payment_attempts (payment_id, attempt, outcome, response, attempted_at)
SELECT p.id, k.column1, CASE WHEN k.column1 = 1 AND p.id % 3 = 0 THEN 'declined' ELSE 'ok' END,
  json_object('code', 200 + (p.id % 3) * 100, 'at', p.created_at), julianday(p.created_at) + k.column1 / 1440.0
FROM payments p, (VALUES (1), (2)) k WHERE k.column1 = 1 OR p.id % 3 = 0;
INSERT INTO payment_webhooks (event_id, source, payload, signature, received_at, processed_at)
SELECT 'evt_' || id, method, json_object('type', 'payment.' || status, 'amount', amount, 'nested', json_object('id', id)), randomblob(0) || CAST(id AS BLOB),
  unixepoch(created_at), CASE WHEN id % 10 THEN unixepoch(created_at) + 5 END
FROM payments WHERE method IN ('card', 'crypto');
INSERT INTO invoices (number, account_id, issued_on, due_on, currency)
SELECT printf('INV-%s-%04d', strftime('%Y', created_at), id), account_id, date(created_at), date(created_at, '+14 days'), currency FROM payments WHERE status = 'settled';
INSERT INTO invoice_lines (invoice_id, line, contract_id, text, quantity, unit_price)
SELECT i.id, 1, p.contract_id, 'Rent', 1.5, p.amount FROM invoices i JOIN payments p ON i.number = printf('INV-%s-%04d', strftime('%Y', p.created_at), p.id);
