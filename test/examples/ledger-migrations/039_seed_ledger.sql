INSERT INTO ledger_accounts (id, account_id, kind, currency, name) VALUES
  (1, NULL, 'asset', 'EUR', 'Bank'), (2, NULL, 'income', 'EUR', 'Fees'), (3, 21, 'liability', 'EUR', 'Credit of 21'), (4, 22, 'liability', 'EUR', 'Credit of 22'), (5, NULL, 'asset', 'EUR', 'Bank 2');
INSERT INTO ledger_bookings (id, idempotency_key, text, booked_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 50)
SELECT i, CASE WHEN i % 2 THEN 'key-' || i END, 'Booking ' || i, strftime('%Y-%m-%dT%H:%M:%SZ', 1700000000 + i * 3601, 'unixepoch') FROM n;
INSERT INTO ledger_entries SELECT id, 1, 1, 1000 * id FROM ledger_bookings;
INSERT INTO ledger_entries SELECT id, 2, 3 + id % 2, -990 * id FROM ledger_bookings;
INSERT INTO ledger_entries SELECT id, 3, 2, -10 * id FROM ledger_bookings;
INSERT INTO ledger_bookings (text, booked_at, reverses_id) VALUES ('Reversal', '2024-01-01T00:00:00Z', 50);
INSERT INTO ledger_entries (booking_id, position, ledger_account_id, amount) SELECT 51, position, ledger_account_id, -amount FROM ledger_entries WHERE booking_id = 50;
