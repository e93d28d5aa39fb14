CREATE VIEW account_stats AS
SELECT a.id, a.username,
  (SELECT count(*) FROM contracts c WHERE c.requester_id = a.id) AS contracts,
  (SELECT group_concat(e.email, '; ') FROM account_emails e WHERE e.account_id = a.id AND e.verified) AS emails,
  iif(a.is_admin, 'admin', 'user') AS role,
  coalesce(a.display_name, upper(substr(a.username, 1, 1)) || substr(a.username, 2)) AS shown_as,
  instr(a.username, '-') > 0 AS has_dash
FROM accounts a;
CREATE VIEW top_offerings AS
SELECT * FROM (
  SELECT o.id, o.name, o.product_type, count(c.id) AS sold, rank() OVER (PARTITION BY o.product_type ORDER BY count(c.id) DESC, o.id) AS place
  FROM offerings o LEFT JOIN contracts c ON c.offering_id = o.id AND c.status IN ('active', 'done')
  GROUP BY o.id, o.name, o.product_type
) WHERE place <= 3;
CREATE VIEW payment_methods_used AS
SELECT 'card' AS method, count(*) AS uses FROM payments WHERE method = 'card'
UNION ALL SELECT 'crypto', count(*) FROM payments WHERE method = 'crypto'
UNION ALL SELECT 'other', count(*) FROM payments WHERE method NOT IN ('card', 'crypto')
ORDER BY 2 DESC, 1;
