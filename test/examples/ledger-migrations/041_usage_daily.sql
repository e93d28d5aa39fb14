CREATE TABLE usage_daily (
  contract_id INTEGER NOT NULL REFERENCES contracts (id) ON DELETE CASCADE,
  day TEXT NOT NULL CHECK (day IS date(day)),
  cpu_hours REAL NOT NULL DEFAULT 0,
  traffic_bytes INTEGER NOT NULL DEFAULT 0,
  billed INTEGER,
  UNIQUE (contract_id, day) ON CONFLICT REPLACE
);
INSERT INTO usage_daily (contract_id, day, cpu_hours, traffic_bytes)
SELECT contract_id, date(sampled_at, 'unixepoch'), sum(value) FILTER (WHERE metric = 'cpu'), CAST(total(value) FILTER (WHERE metric LIKE 'TRAFFIC%') AS INTEGER)
FROM usage_samples GROUP BY 1, 2;
INSERT INTO usage_daily (contract_id, day, cpu_hours) SELECT contract_id, day, cpu_hours * 2 FROM usage_daily WHERE contract_id = 1;
