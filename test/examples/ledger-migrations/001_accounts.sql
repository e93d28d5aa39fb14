-- Accounts are known by their public key; the id is only ours.
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pubkey BLOB NOT NULL UNIQUE CHECK (length(pubkey) = 32),
  username TEXT NOT NULL COLLATE NOCASE UNIQUE,
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  CONSTRAINT username_shape CHECK (username GLOB '[a-z0-9]*' AND username NOT GLOB '*[^a-z0-9_.-]*' AND length(username) BETWEEN 3 AND 30)
);
