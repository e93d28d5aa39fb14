-- The contracts are rebuilt with a CHECK on the status. Forgotten: the trigger that wrote contract_events.
PRAGMA foreign_keys=off;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "contracts_v2" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  "public_id" TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(8)))),
  "requester_id" INTEGER NOT NULL REFERENCES "accounts" ("id"),
  "offering_id" INTEGER NOT NULL REFERENCES "offerings" ("id") ON DELETE RESTRICT,
  "status" TEXT NOT NULL DEFAULT 'requested' CHECK ("status" IN ('requested', 'accepted', 'active', 'done', 'cancelled', 'rejected')),
  "payment_amount" INTEGER NOT NULL CHECK ("payment_amount" >= 0),
  "currency" TEXT NOT NULL REFERENCES "currencies" ("code"),
  "duration_hours" INTEGER CHECK ("duration_hours" > 0),
  "requested_at" INTEGER NOT NULL DEFAULT (strftime('%s', 'now') * 1000),
  "started_at" INTEGER,
  "ended_at" INTEGER,
  "requester_memo" TEXT NOT NULL DEFAULT '',
  "auto_renew" INTEGER NOT NULL DEFAULT 0 CHECK ("auto_renew" IN (0, 1)),
  "renewed_from_id" INTEGER REFERENCES "contracts_v2" ("id") ON DELETE SET NULL,
  CHECK ("ended_at" IS NULL OR "started_at" IS NOT NULL)
);
INSERT INTO contracts_v2 (id, public_id, requester_id, offering_id, status, payment_amount, currency, duration_hours, requested_at, started_at, ended_at, requester_memo)
SELECT id, public_id, requester_id, offering_id, status, payment_amount, currency, duration_hours, requested_at, started_at, ended_at, requester_memo FROM contracts;
DROP TABLE contracts;
ALTER TABLE contracts_v2 RENAME TO contracts;
CREATE INDEX contracts_requester ON contracts (requester_id, requested_at DESC);
CREATE INDEX contracts_offering ON contracts (offering_id);
CREATE INDEX contracts_open ON contracts (status) WHERE status NOT IN ('done', 'cancelled', 'rejected');
COMMIT;
PRAGMA foreign_keys=on;
