CREATE TABLE currencies (
  code TEXT PRIMARY KEY NOT NULL,
  minor_digits INTEGER NOT NULL DEFAULT 2 CHECK (minor_digits BETWEEN 0 AND 18),
  is_crypto INTEGER NOT NULL DEFAULT 0 CHECK (is_crypto IN (0, 1)),
  symbol TEXT NOT NULL DEFAULT ''
);
INSERT INTO currencies VALUES ('EUR', 2, 0, '€'), ('USD', 2, 0, '$'), ('CHF', 2, 0, 'CHF'), ('JPY', 0, 0, '¥'), ('BTC', 8, 1, '₿'), ('ICP', 8, 1, '∞');
CREATE TABLE exchange_rates (
  base TEXT NOT NULL REFERENCES currencies (code),
  quote TEXT NOT NULL REFERENCES currencies (code),
  day DATE NOT NULL DEFAULT (date('now')),
  rate NUMERIC NOT NULL CHECK (rate > 0),
  source TEXT NOT NULL DEFAULT 'ecb',
  PRIMARY KEY (base, quote, day),
  CHECK (base <> quote)
) WITHOUT ROWID;
INSERT OR REPLACE INTO exchange_rates (base, quote, day, rate) VALUES
  ('EUR', 'USD', '2024-01-02', 1.0956), ('EUR', 'USD', '2024-01-03', 1.0919), ('EUR', 'CHF', '2024-01-02', 0.9305),
  ('USD', 'JPY', '2024-01-02', 142), ('BTC', 'USD', '2024-01-02', 44957.97), ('EUR', 'USD', '2024-01-02', 1.0957);
