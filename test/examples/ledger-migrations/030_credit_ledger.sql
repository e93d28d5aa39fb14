-- Double entry: every booking's entries sum to nothing.
CREATE TABLE ledger_accounts (
  id INTEGER PRIMARY KEY,
  account_id INTEGER REFERENCES accounts (id),
  kind TEXT NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense')),
  currency TEXT NOT NULL REFERENCES currencies (code),
  name TEXT NOT NULL,
  UNIQUE (account_id, kind, currency)
);
CREATE TABLE ledger_bookings (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  idempotency_key TEXT UNIQUE,
  text TEXT NOT NULL,
  booked_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  reverses_id INTEGER UNIQUE REFERENCES ledger_bookings (id)
);
CREATE TABLE ledger_entries (
  booking_id INTEGER NOT NULL REFERENCES ledger_bookings (id),
  position INTEGER NOT NULL,
  ledger_account_id INTEGER NOT NULL REFERENCES ledger_accounts (id),
  amount INTEGER NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (booking_id, position)
) WITHOUT ROWID;
CREATE INDEX ledger_entries_account ON ledger_entries (ledger_account_id, booking_id);
CREATE TRIGGER ledger_entries_fixed BEFORE UPDATE ON ledger_entries BEGIN
  SELECT RAISE(ABORT, 'ledger entries are never changed');
END;
CREATE TRIGGER ledger_entries_kept BEFORE DELETE ON ledger_entries BEGIN
  SELECT RAISE(ABORT, 'ledger entries are never removed');
END;
