INSERT INTO accounts (id, pubkey, username, created_at, display_name, is_admin)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
SELECT
  i,
  CAST(printf('%032d', i * 7919) AS BLOB),
  CASE i % 4 WHEN 0 THEN printf('user.%03d', i) WHEN 1 THEN printf('trader_%d', i) WHEN 2 THEN printf('node-%d', i) ELSE printf('acc%d', i) END,
  datetime('2023-01-01', printf('+%d hours', i * 37), printf('+%d minutes', i % 60)),
  CASE WHEN i % 5 = 0 THEN NULL WHEN i % 7 = 0 THEN 'Zoë Müller ' || i ELSE 'Person ' || i END,
  i <= 2
FROM n;
INSERT INTO account_emails (account_id, email, verified, verified_at, created_at)
SELECT id, CASE WHEN id % 3 = 0 THEN 'User' ELSE 'user' END || id || '@example.' || CASE id % 2 WHEN 0 THEN 'org' ELSE 'com' END,
  id % 4 <> 0, CASE WHEN id % 4 <> 0 THEN datetime(created_at, '+1 hour') END, created_at
FROM accounts;
UPDATE accounts SET display_name = trim(display_name) WHERE id % 10 = 1;
