CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  queue TEXT NOT NULL DEFAULT 'default',
  payload TEXT NOT NULL DEFAULT (json_object()) CHECK (json_valid(payload)),
  run_at INTEGER NOT NULL DEFAULT (unixepoch()),
  locked_by TEXT,
  locked_at INTEGER,
  tries INTEGER NOT NULL DEFAULT 0,
  unique_key TEXT
);
CREATE UNIQUE INDEX jobs_unique ON jobs (queue, unique_key) WHERE unique_key IS NOT NULL AND locked_by IS NULL;
CREATE INDEX jobs_next ON jobs (queue, run_at, id) WHERE locked_by IS NULL;
INSERT INTO jobs (queue, payload, run_at, unique_key) VALUES
  ('mail', '{"id":1}', 1700000000, 'm1'), ('mail', '{"id":2}', 1700000001, 'm2'), ('bill', '{}', 1700000002, NULL), ('bill', '[1, 2.50, null]', 1700000003, NULL);
