CREATE TABLE offerings (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  provider_id INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
  external_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  product_type TEXT NOT NULL,
  machine_type_id INTEGER REFERENCES machine_types (id),
  currency TEXT NOT NULL,
  monthly_price REAL NOT NULL,
  setup_fee REAL NOT NULL DEFAULT 0.0,
  stock_status TEXT NOT NULL DEFAULT 'in_stock',
  attributes TEXT NOT NULL DEFAULT '{}',
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  UNIQUE (provider_id, external_id)
);
CREATE INDEX offerings_product_type ON offerings (product_type);
CREATE INDEX offerings_price ON offerings (currency, monthly_price);
