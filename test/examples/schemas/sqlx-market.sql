-- As a marketplace in Rust keeps it through sqlx: TEXT, INTEGER and BLOB only, nanoseconds, public keys as keys.
CREATE TABLE accounts (
    pubkey BLOB PRIMARY KEY NOT NULL CHECK (length(pubkey) = 32),
    handle TEXT NOT NULL UNIQUE CHECK (length(handle) BETWEEN 3 AND 20 AND handle = lower(handle) AND handle NOT GLOB '*[^a-z0-9_-]*'),
    email TEXT CHECK (email IS NULL OR (email LIKE '%_@_%._%' AND instr(email, ' ') = 0)),
    email_verified INTEGER NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1)),
    balance_e9s INTEGER NOT NULL DEFAULT 0 CHECK (balance_e9s >= 0),
    created_ns INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400.0 * 1000 AS INTEGER) * 1000000),
    updated_ns INTEGER NOT NULL DEFAULT (strftime('%s', 'now') * 1000000000)
) STRICT;
CREATE TABLE nodes (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    owner BLOB NOT NULL REFERENCES accounts (pubkey) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('vm', 'metal', 'gpu')) DEFAULT 'vm',
    cores INTEGER NOT NULL CHECK (cores > 0 AND cores <= 512),
    memory_bytes INTEGER NOT NULL,
    features TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(features) AND json_type(features) = 'array'),
    country TEXT CHECK (country IS NULL OR country GLOB '[A-Z][A-Z]'),
    heartbeat_ns INTEGER,
    state TEXT NOT NULL DEFAULT 'offline' CHECK (state IN ('offline', 'online', 'draining'))
);
CREATE INDEX idx_nodes_owner ON nodes (owner, state);
CREATE INDEX idx_nodes_online ON nodes (country, cores DESC) WHERE state = 'online';
CREATE TABLE contracts (
    contract_id BLOB PRIMARY KEY CHECK (typeof(contract_id) = 'blob'),
    node_id TEXT NOT NULL REFERENCES nodes (id),
    tenant BLOB NOT NULL REFERENCES accounts (pubkey),
    price_e9s INTEGER NOT NULL CHECK (price_e9s > 0),
    currency TEXT NOT NULL DEFAULT 'usd' CHECK (currency IN ('usd', 'eur', 'icp')),
    start_ns INTEGER NOT NULL,
    end_ns INTEGER CHECK (end_ns IS NULL OR end_ns > start_ns),
    status TEXT NOT NULL CHECK (status IN ('requested', 'active', 'cancelled', 'expired')),
    ssh_key TEXT CHECK (ssh_key IS NULL OR ssh_key LIKE 'ssh-%' OR ssh_key LIKE 'ecdsa\_%' ESCAPE '\'),
    memo TEXT
) WITHOUT ROWID;
CREATE UNIQUE INDEX idx_contracts_one_active ON contracts (node_id) WHERE status = 'active';
CREATE INDEX idx_contracts_month ON contracts (strftime('%Y-%m', start_ns / 1000000000, 'unixepoch'));
CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    account BLOB NOT NULL REFERENCES accounts (pubkey),
    amount_e9s INTEGER NOT NULL CHECK (amount_e9s <> 0),
    contract BLOB REFERENCES contracts (contract_id),
    kind TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    CHECK ((kind = 'deposit' AND contract IS NULL AND amount_e9s > 0) OR kind IN ('charge', 'refund') AND contract IS NOT NULL)
);
CREATE TABLE nonces (account BLOB NOT NULL, nonce INTEGER NOT NULL, seen_ns INTEGER NOT NULL, PRIMARY KEY (account, nonce)) WITHOUT ROWID;
CREATE TABLE reputation (account BLOB PRIMARY KEY NOT NULL, score REAL NOT NULL DEFAULT 0.5 CHECK (score BETWEEN 0.0 AND 1.0), votes INTEGER NOT NULL DEFAULT 0, notes TEXT DEFAULT NULL);
CREATE TRIGGER ledger_balance AFTER INSERT ON ledger BEGIN UPDATE accounts SET balance_e9s = balance_e9s + NEW.amount_e9s WHERE pubkey = NEW.account; END;
CREATE TRIGGER ledger_fixed BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE VIEW balances AS SELECT lower(hex(account)) AS account, SUM(amount_e9s) AS total, SUM(CASE WHEN amount_e9s < 0 THEN -amount_e9s ELSE 0 END) AS spent, COUNT(*) FILTER (WHERE kind = 'deposit') AS deposits, printf('%.2f', SUM(amount_e9s) / 1e9) AS shown FROM ledger GROUP BY account;
CREATE VIEW monthly AS SELECT strftime('%Y-%m', at_ns / 1000000000, 'unixepoch') AS month, kind, COUNT(*) AS n, SUM(amount_e9s) AS total, MIN(amount_e9s), MAX(amount_e9s) AS biggest, AVG(amount_e9s) AS mean FROM ledger GROUP BY month, kind ORDER BY month, kind;
CREATE VIEW node_load AS SELECT n.id, n.kind, (SELECT COUNT(*) FROM contracts c WHERE c.node_id = n.id) AS contracts, COALESCE((SELECT MAX(c.price_e9s) FROM contracts c WHERE c.node_id = n.id AND c.status <> 'cancelled'), 0) AS top_price, (n.memory_bytes / 1073741824) || ' GiB' AS memory, ROUND(n.memory_bytes / 1073741824.0 / n.cores, 2) AS per_core, EXISTS (SELECT 1 FROM contracts c WHERE c.node_id = n.id AND c.status = 'active') AS busy FROM nodes n;
CREATE VIEW running AS SELECT hex(c.contract_id) AS id, substr(hex(c.tenant), 1, 8) || '…' AS tenant, datetime(c.start_ns / 1000000000, 'unixepoch') AS started, date(c.start_ns / 1000000000, 'unixepoch', '+30 days') AS renews, (IFNULL(c.end_ns, c.start_ns + 86400000000000) - c.start_ns) / 3600000000000 AS hours, c.price_e9s % 1000 AS tail, c.price_e9s >> 3 AS shifted, c.status = 'active' AS is_active FROM contracts c WHERE c.status IN ('requested', 'active');
CREATE VIEW ranking AS SELECT hex(account) AS account, score, RANK() OVER (ORDER BY score DESC) AS place, NTILE(4) OVER (ORDER BY score DESC, account) AS quarter, LAG(score) OVER (ORDER BY score DESC, account) AS before, SUM(votes) OVER (ORDER BY score DESC, account ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far FROM reputation;
CREATE VIEW feature_counts AS SELECT CAST(f.value AS TEXT) AS feature, COUNT(*) AS nodes FROM nodes, json_each(nodes.features) AS f GROUP BY CAST(f.value AS TEXT) HAVING COUNT(*) > 1 ORDER BY 2 DESC, 1;
CREATE VIEW owners AS SELECT a.handle, a.email_verified, COUNT(n.id) AS nodes, TOTAL(n.cores) AS cores, GROUP_CONCAT(DISTINCT n.kind) AS kinds, MAX(a.balance_e9s, 1000) AS floor_balance FROM accounts a LEFT JOIN nodes n ON n.owner = a.pubkey WHERE a.email_verified GROUP BY a.pubkey;

INSERT INTO accounts (pubkey, handle, email, email_verified, balance_e9s, created_ns, updated_ns)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
SELECT CAST(printf('%032d', i) AS BLOB), 'user_' || i, CASE WHEN i % 3 THEN 'u' || i || '@example.org' END, i % 2, i * 1000000007, 1700000000000000000 + i * 1234567891, 1700000000000000000 + i FROM n;
INSERT INTO nodes (id, owner, kind, cores, memory_bytes, features, country, heartbeat_ns, state)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80)
SELECT printf('node-%04d', i), CAST(printf('%032d', 1 + i % 20) AS BLOB), CASE i % 3 WHEN 0 THEN 'vm' WHEN 1 THEN 'metal' ELSE 'gpu' END, 1 + i % 64, i * 3221225472, json_array('f' || i % 5, CASE WHEN i % 2 THEN 'nvme' ELSE 'hdd' END), CASE WHEN i % 4 THEN 'DE' END, CASE WHEN i % 5 THEN 1710000000000000000 + i END, CASE WHEN i % 3 THEN 'online' ELSE 'offline' END FROM n;
INSERT INTO contracts
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
SELECT CAST(printf('c%06d', i) AS BLOB), printf('node-%04d', 1 + i % 80), CAST(printf('%032d', 1 + i % 60) AS BLOB), i * 1000003, CASE i % 3 WHEN 0 THEN 'usd' WHEN 1 THEN 'eur' ELSE 'icp' END, 1704067200000000000 + i * 86400000000000, CASE WHEN i % 4 THEN 1704067200000000000 + i * 86400000000000 + i * 3600000000001 END, CASE WHEN i <= 80 AND i % 2 THEN 'active' WHEN i % 5 = 0 THEN 'cancelled' WHEN i % 7 = 0 THEN 'requested' ELSE 'expired' END, CASE WHEN i % 6 = 0 THEN 'ssh-ed25519 AAAA' WHEN i % 6 = 1 THEN 'ecdsa_x' END, NULL FROM n;
INSERT INTO ledger (account, amount_e9s, contract, kind, at_ns)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
SELECT CAST(printf('%032d', 1 + i % 60) AS BLOB), CASE i % 3 WHEN 0 THEN i * 1000000 ELSE i * 777 END, CASE WHEN i % 3 THEN CAST(printf('c%06d', 1 + i % 150) AS BLOB) END, CASE i % 3 WHEN 0 THEN 'deposit' WHEN 1 THEN 'charge' ELSE 'refund' END, 1704067200000000000 + i * 43200000000000 FROM n;
INSERT INTO nonces SELECT pubkey, balance_e9s, updated_ns FROM accounts;
INSERT INTO reputation (account, score, votes) SELECT pubkey, (rowid % 7) / 7.0, rowid FROM accounts;
