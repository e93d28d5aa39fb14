CREATE TABLE feature_flags (
  name TEXT NOT NULL PRIMARY KEY,
  enabled INTEGER NOT NULL DEFAULT 0,
  rollout REAL NOT NULL DEFAULT 0.0 CHECK (rollout >= 0.0 AND rollout <= 1.0),
  config ANY,
  changed_at TEXT NOT NULL DEFAULT (datetime('now'))
) STRICT, WITHOUT ROWID;
INSERT INTO feature_flags (name, enabled, rollout, config, changed_at) VALUES
  ('new-search', 1, 0.5, '{"engine": "fts5"}', '2024-01-01 00:00:00'), ('limits', 1, 1, 10, '2024-01-01 00:00:00'), ('dark-mode', 0, 0, NULL, '2024-01-02 00:00:00')
ON CONFLICT (name) DO UPDATE SET enabled = excluded.enabled;
