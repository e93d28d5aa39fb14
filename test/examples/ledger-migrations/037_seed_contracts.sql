INSERT INTO contracts (public_id, requester_id, offering_id, status, payment_amount, currency, duration_hours, requested_at, started_at, ended_at, memo)
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200)
SELECT printf('%016x', i * 2654435761), 21 + (i * 17) % 95, o.id,
  CASE i % 6 WHEN 0 THEN 'requested' WHEN 1 THEN 'active' WHEN 2 THEN 'done' WHEN 3 THEN 'cancelled' WHEN 4 THEN 'done' ELSE 'rejected' END,
  CAST(round(o.monthly_price * 100) AS INTEGER), o.currency, 24 * (1 + i % 60),
  1690000000000 + i * 86400000 + i * 37,
  CASE WHEN i % 6 IN (1, 2, 4) THEN 1690000600000 + i * 86400000 END,
  CASE WHEN i % 6 IN (2, 4) THEN 1690000600000 + i * 86400000 + 3600000 * 24 * (1 + i % 60) END,
  CASE WHEN i % 9 = 0 THEN 'naïve “quotes” & \backslashes\' ELSE '' END
FROM n JOIN offerings o ON o.id = (SELECT 1 + (n.i * 11) % (SELECT count(*) FROM offerings));
UPDATE contracts SET status = 'active', started_at = requested_at + 60000 WHERE id IN (6, 12, 18);
