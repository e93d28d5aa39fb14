CREATE VIEW contract_overview AS
SELECT
  c.id, c.public_id, a.username AS requester, p.name AS provider, o.name AS offering, c.status,
  printf('%.2f %s', c.payment_amount / 100.0, c.currency) AS price,
  datetime(c.requested_at / 1000, 'unixepoch') AS requested,
  CASE WHEN c.ended_at IS NOT NULL THEN round((c.ended_at - c.started_at) / 3600000.0, 1) END AS hours,
  CAST(julianday(date(c.ended_at / 1000, 'unixepoch')) - julianday(date(c.started_at / 1000, 'unixepoch')) AS INTEGER) AS days
FROM contracts c
JOIN accounts a ON a.id = c.requester_id
JOIN offerings o ON o.id = c.offering_id
JOIN providers p ON p.id = o.provider_id;
CREATE VIEW active_contracts AS SELECT * FROM contract_overview WHERE status = 'active';
CREATE VIEW monthly_revenue AS
SELECT strftime('%Y-%m', created_at) AS month, currency, count(*) AS payments, sum(amount) AS gross, sum(net) AS net, group_concat(DISTINCT method) AS methods
FROM payments WHERE status = 'settled' GROUP BY month, currency ORDER BY month DESC, currency;
