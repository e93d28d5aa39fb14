CREATE TABLE login_attempts (
  at INTEGER NOT NULL DEFAULT (unixepoch()),
  ip TEXT NOT NULL,
  username TEXT COLLATE NOCASE,
  success BOOLEAN NOT NULL
);
CREATE INDEX login_attempts_recent ON login_attempts (ip, at DESC);
CREATE INDEX login_attempts_user ON login_attempts (username, at) WHERE success = 0;
INSERT INTO login_attempts (at, ip, username, success) VALUES (1700000000, '192.0.2.1', 'acc3', 1), (1700000001, '192.0.2.1', 'ACC3', 0), (1700000001, '2001:db8::1', NULL, 0);
