CREATE TABLE payout_methods (
  provider_id INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position > 0),
  kind TEXT NOT NULL CHECK (kind IN ('iban', 'bitcoin', 'paypal')),
  address TEXT NOT NULL,
  PRIMARY KEY (provider_id, position),
  CHECK (kind <> 'iban' OR replace(upper(address), ' ', '') GLOB '[A-Z][A-Z][0-9][0-9]*')
);
CREATE TABLE payouts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  provider_id INTEGER NOT NULL,
  method_position INTEGER NOT NULL,
  period TEXT NOT NULL CHECK (period GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]'),
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL REFERENCES currencies (code),
  paid_at TEXT,
  UNIQUE (provider_id, period, currency),
  CONSTRAINT payouts_method FOREIGN KEY (provider_id, method_position) REFERENCES payout_methods (provider_id, position) ON UPDATE CASCADE ON DELETE NO ACTION
);
INSERT INTO payout_methods SELECT id, 1, 'iban', 'DE' || printf('%02d', 10 + id) || ' 5001 0517 0648 4898 90' FROM providers;
INSERT INTO payouts (provider_id, method_position, period, amount, currency, paid_at)
SELECT o.provider_id, 1, strftime('%Y-%m', p.settled_at), sum(p.net), p.currency, max(p.settled_at)
FROM payments p JOIN contracts c ON c.id = p.contract_id JOIN offerings o ON o.id = c.offering_id
WHERE p.settled_at IS NOT NULL GROUP BY o.provider_id, strftime('%Y-%m', p.settled_at), p.currency;
