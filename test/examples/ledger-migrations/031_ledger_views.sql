CREATE VIEW ledger_balances (ledger_account_id, name, currency, balance, entries) AS
SELECT a.id, a.name, a.currency, coalesce(sum(e.amount), 0), count(e.amount)
FROM ledger_accounts AS a LEFT JOIN ledger_entries AS e ON e.ledger_account_id = a.id
GROUP BY a.id, a.name, a.currency;
CREATE VIEW ledger_unbalanced AS
SELECT b.id, b.text, sum(e.amount) AS difference
FROM ledger_bookings b JOIN ledger_entries e ON e.booking_id = b.id
GROUP BY b.id, b.text HAVING sum(e.amount) <> 0;
CREATE VIEW ledger_history AS
SELECT e.ledger_account_id, b.booked_at, b.text, e.amount,
  sum(e.amount) OVER (PARTITION BY e.ledger_account_id ORDER BY b.id, e.position ROWS UNBOUNDED PRECEDING) AS balance
FROM ledger_entries e JOIN ledger_bookings b ON b.id = e.booking_id;
