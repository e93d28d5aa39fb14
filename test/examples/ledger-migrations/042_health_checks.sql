CREATE TABLE health_checks (
  id INTEGER PRIMARY KEY,
  contract_id INTEGER NOT NULL REFERENCES contracts (id) ON DELETE CASCADE,
  checked_at TEXT NOT NULL DEFAULT (datetime('now', 'subsec')),
  latency_ms REAL,
  ok GENERATED ALWAYS AS (latency_ms IS NOT NULL AND latency_ms < 5000) VIRTUAL,
  day TEXT AS (substr(checked_at, 1, 10)) STORED
);
CREATE INDEX health_checks_failed ON health_checks (contract_id) WHERE latency_ms IS NULL OR latency_ms >= 5000;
CREATE INDEX health_checks_day ON health_checks (day, contract_id);
INSERT INTO health_checks (contract_id, checked_at, latency_ms) SELECT id, datetime(started_at / 1000, 'unixepoch'), CASE WHEN id % 8 = 0 THEN NULL ELSE id * 33.3 END FROM contracts WHERE started_at IS NOT NULL;
