CREATE TABLE account_emails (
  id INTEGER PRIMARY KEY,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  email TEXT NOT NULL COLLATE NOCASE,
  verified INTEGER NOT NULL DEFAULT 0 CHECK (verified IN (0, 1)),
  verified_at DATETIME,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CHECK (email LIKE '%_@_%._%'),
  CHECK ((verified = 0) = (verified_at IS NULL))
);
CREATE UNIQUE INDEX account_emails_verified ON account_emails (email) WHERE verified = 1;
CREATE INDEX account_emails_account ON account_emails (account_id);
