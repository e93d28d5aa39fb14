CREATE TABLE api_keys (
  id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  label VARCHAR(60) NOT NULL DEFAULT 'default',
  secret_hash BLOB NOT NULL,
  scopes TEXT NOT NULL DEFAULT '["read"]' CHECK (json_valid(scopes) AND json_type(scopes) = 'array'),
  last_used_at INTEGER,
  revoked BOOLEAN NOT NULL DEFAULT FALSE,
  created_at INTEGER NOT NULL DEFAULT (strftime('%s', 'now'))
);
CREATE INDEX api_keys_live ON api_keys (account_id, created_at DESC) WHERE NOT revoked;
