CREATE TABLE notifications (
  id INTEGER PRIMARY KEY,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  data TEXT NOT NULL DEFAULT 'null' CHECK (json_valid(data)),
  read_at TEXT,
  -- Knex writes milliseconds here, the default a text: both are in the data.
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX notifications_unread ON notifications (account_id, id DESC) WHERE read_at IS NULL;
INSERT INTO notifications (account_id, kind, data, read_at, created_at)
SELECT id, CASE id % 3 WHEN 0 THEN 'contract' ELSE 'news' END, json_quote(username), CASE WHEN id % 2 THEN created_at END,
  CASE WHEN id % 2 THEN created_at ELSE unixepoch(created_at) * 1000 + 123 END
FROM accounts;
