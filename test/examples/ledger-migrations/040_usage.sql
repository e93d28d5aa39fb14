CREATE TABLE usage_samples (
  contract_id INTEGER NOT NULL,
  metric TEXT NOT NULL CHECK (metric IN ('cpu', 'memory', 'traffic_in', 'traffic_out')),
  sampled_at INTEGER NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (contract_id, metric, sampled_at DESC),
  FOREIGN KEY (contract_id) REFERENCES contracts (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO usage_samples
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 23)
SELECT c.id, m.column1, 1700000000 + i * 3600, abs(sin(i * c.id)) * m.column2
FROM contracts c, n, (VALUES ('cpu', 1.0), ('memory', 2147483648.0), ('traffic_in', 1e6), ('traffic_out', 0.1)) m
WHERE c.status = 'active' AND c.id < 100;
CREATE VIEW usage_hourly AS
SELECT contract_id, metric, strftime('%Y-%m-%d %H:00', sampled_at, 'unixepoch') AS hour, avg(value) AS mean, max(value) AS peak
FROM usage_samples GROUP BY contract_id, metric, strftime('%Y-%m-%d %H:00', sampled_at, 'unixepoch');
