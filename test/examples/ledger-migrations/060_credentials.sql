CREATE TABLE contract_credentials (
  contract_id INTEGER PRIMARY KEY REFERENCES contracts (id) ON DELETE CASCADE,
  host TEXT NOT NULL,
  port INTEGER NOT NULL DEFAULT 22 CHECK (port > 0 AND port < 65536),
  secret BLOB NOT NULL DEFAULT x'',
  fingerprint TEXT GENERATED ALWAYS AS (lower(hex(secret))) VIRTUAL,
  rotated_at TEXT DEFAULT NULL
);
INSERT INTO contract_credentials (contract_id, host, secret) SELECT id, printf('10.0.%d.%d', id / 250, id % 250), unhex(printf('%08X', id * 65537)) FROM contracts WHERE status = 'active';
