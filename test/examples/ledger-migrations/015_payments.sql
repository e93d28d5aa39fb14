CREATE TABLE payments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  contract_id INTEGER REFERENCES contracts (id) ON DELETE SET NULL,
  account_id INTEGER NOT NULL REFERENCES accounts (id),
  method TEXT NOT NULL CHECK (method IN ('card', 'crypto', 'transfer', 'credit')),
  provider_reference TEXT,
  -- in the currency's minor unit
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL REFERENCES currencies (code),
  fee BIGINT NOT NULL DEFAULT 0,
  net BIGINT GENERATED ALWAYS AS (amount - fee) STORED,
  status TEXT NOT NULL DEFAULT 'new',
  created_at DATETIME NOT NULL DEFAULT (datetime('now')),
  settled_at DATETIME,
  CONSTRAINT amount_positive CHECK (amount > 0),
  CONSTRAINT fee_within CHECK (fee >= 0 AND fee <= amount)
);
CREATE UNIQUE INDEX payments_reference ON payments (method, provider_reference) WHERE provider_reference IS NOT NULL;
CREATE INDEX payments_day ON payments (date(created_at));
