CREATE TABLE payment_attempts (
  payment_id INTEGER NOT NULL REFERENCES payments (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  outcome TEXT NOT NULL DEFAULT 'unknown',
  response TEXT,
  response_code INTEGER GENERATED ALWAYS AS (json_extract(response, '$.code')) VIRTUAL,
  attempted_at REAL NOT NULL DEFAULT (julianday('now')),
  PRIMARY KEY (payment_id, attempt),
  CHECK (response IS NULL OR json_valid(response))
);
CREATE INDEX payment_attempts_code ON payment_attempts (json_extract(response, '$.code'));
