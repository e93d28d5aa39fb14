CREATE TABLE saved_searches (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  query TEXT NOT NULL DEFAULT '',
  max_price NUMERIC(12,2),
  notify INTEGER DEFAULT 1,
  last_run REAL,
  CONSTRAINT saved_searches_pk PRIMARY KEY (account_id, name COLLATE NOCASE)
);
INSERT INTO saved_searches (account_id, name, query, max_price, last_run) SELECT id, 'Cheap ' || (id % 3), 'vps', id + 0.25, julianday(created_at) FROM accounts WHERE id % 6 = 0;
INSERT INTO saved_searches (account_id, name, max_price, notify) VALUES (6, 'all', NULL, NULL) ON CONFLICT DO NOTHING;
