INSERT INTO api_keys (id, account_id, label, secret_hash, scopes, last_used_at, revoked, created_at)
SELECT lower(printf('%032x', id)), id, CASE WHEN id % 2 THEN 'ci' ELSE 'default' END, CAST('hash-' || id AS BLOB), json_array('read', CASE WHEN id % 2 THEN 'write' ELSE 'admin' END),
  CASE WHEN id % 3 THEN 1700000000 + id END, id % 5 = 0, 1690000000 + id
FROM accounts WHERE id <= 40;
INSERT INTO sessions (token_hash, account_id, user_agent, ip, started_at, expires_at)
SELECT CAST('session-' || id AS BLOB), id, 'Mozilla/5.0 (X11; Linux x86_64)', '198.51.100.' || id, 1700000000000 + id, 1700086400000 + id FROM accounts WHERE id % 3 = 0;
INSERT INTO coupon_redemptions (coupon_code, account_id, contract_id, redeemed_at) SELECT 'spring', requester_id, min(id), datetime(min(requested_at) / 1000, 'unixepoch') FROM contracts WHERE id % 7 = 0 GROUP BY requester_id;
ANALYZE;
