-- Here the table is rebuilt with milliseconds, and the index for retries is forgotten.
CREATE TABLE email_queue_v2 (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sending', 'sent', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL DEFAULT 5,
  created_at INTEGER NOT NULL DEFAULT (unixepoch('now') * 1000),
  last_attempted_at INTEGER,
  kind TEXT NOT NULL DEFAULT 'general',
  account_id INTEGER REFERENCES accounts (id) ON DELETE SET NULL,
  headers TEXT
);
INSERT INTO email_queue_v2 SELECT id, recipient, subject, body, status, attempts, max_attempts,
  CAST(strftime('%s', created_at) AS INTEGER) * 1000, CAST(strftime('%s', last_attempted_at) AS INTEGER) * 1000, kind, account_id, headers
FROM email_queue;
DROP TABLE email_queue;
ALTER TABLE email_queue_v2 RENAME TO email_queue;
CREATE INDEX email_queue_status ON email_queue (status, created_at);
