CREATE TABLE sessions (
  token_hash BLOB NOT NULL,
  account_id INTEGER NOT NULL,
  user_agent TEXT,
  ip TEXT,
  -- epoch in milliseconds
  started_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (token_hash),
  FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE,
  CHECK (expires_at > started_at)
) WITHOUT ROWID;
CREATE INDEX sessions_expiry ON sessions (expires_at);
