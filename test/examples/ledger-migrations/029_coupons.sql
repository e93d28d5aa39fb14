CREATE TABLE coupons (
  code TEXT PRIMARY KEY COLLATE NOCASE,
  percent_off INTEGER CHECK (percent_off BETWEEN 1 AND 100),
  amount_off INTEGER CHECK (amount_off > 0),
  currency TEXT REFERENCES currencies (code),
  valid_from TEXT NOT NULL DEFAULT (datetime('now', 'start of day')),
  valid_until TEXT,
  max_uses INTEGER NOT NULL DEFAULT -1,
  CHECK ((percent_off IS NULL) <> (amount_off IS NULL)),
  CHECK (amount_off IS NULL OR currency IS NOT NULL),
  CHECK (valid_until IS NULL OR valid_until > valid_from)
);
CREATE TABLE coupon_redemptions (
  coupon_code TEXT NOT NULL COLLATE NOCASE REFERENCES coupons (code) ON UPDATE CASCADE,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  contract_id INTEGER REFERENCES contracts (id) ON DELETE SET NULL,
  redeemed_at TEXT NOT NULL DEFAULT (datetime('now')),
  PRIMARY KEY (coupon_code, account_id)
);
INSERT INTO coupons (code, percent_off, valid_from, valid_until) VALUES ('SPRING', 10, '2024-03-01 00:00:00', '2024-06-01 00:00:00'), ('forever', 5, '2023-01-01 00:00:00', NULL);
INSERT INTO coupons (code, amount_off, currency, valid_from, max_uses) VALUES ('Five', 500, 'EUR', '2023-01-01 00:00:00', 100);
