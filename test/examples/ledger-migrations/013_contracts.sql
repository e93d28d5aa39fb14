CREATE TABLE contracts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(8)))),
  requester_id INTEGER NOT NULL REFERENCES accounts (id),
  offering_id INTEGER NOT NULL REFERENCES offerings (id) ON DELETE RESTRICT,
  status TEXT NOT NULL DEFAULT 'requested',
  payment_amount INTEGER NOT NULL CHECK (payment_amount >= 0),
  currency TEXT NOT NULL REFERENCES currencies (code),
  duration_hours INTEGER,
  requested_at INTEGER NOT NULL DEFAULT (strftime('%s', 'now') * 1000),
  started_at INTEGER,
  ended_at INTEGER,
  memo TEXT NOT NULL DEFAULT '',
  CHECK (ended_at IS NULL OR started_at IS NOT NULL)
);
CREATE INDEX contracts_requester ON contracts (requester_id, requested_at DESC);
CREATE INDEX contracts_offering ON contracts (offering_id);
CREATE INDEX contracts_open ON contracts (status) WHERE status NOT IN ('done', 'cancelled', 'rejected');
