CREATE TABLE refunds (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  payment_id INTEGER NOT NULL REFERENCES payments (id),
  amount INTEGER NOT NULL CHECK (amount > 0),
  reason TEXT NOT NULL DEFAULT '' COLLATE RTRIM,
  requested_at TEXT NOT NULL DEFAULT (datetime('now')),
  decided_at TEXT,
  approved INTEGER CHECK (approved IN (0, 1) OR approved IS NULL)
);
CREATE UNIQUE INDEX refunds_open ON refunds (payment_id) WHERE decided_at IS NULL;
CREATE TRIGGER refunds_within_payment BEFORE INSERT ON refunds
WHEN NEW.amount + (SELECT coalesce(sum(amount), 0) FROM refunds WHERE payment_id = NEW.payment_id AND approved = 1) > (SELECT amount FROM payments WHERE id = NEW.payment_id)
BEGIN
  SELECT RAISE(ABORT, 'refund exceeds payment');
END;
INSERT INTO refunds (payment_id, amount, reason, requested_at, decided_at, approved)
SELECT id, (amount + 1) / 2, 'too slow' || substr('   ', 1, id % 3), datetime(created_at, '+3 days'), CASE WHEN id % 2 THEN datetime(created_at, '+5 days') END, CASE WHEN id % 2 THEN id % 3 = 0 END
FROM payments WHERE id % 15 = 0;
