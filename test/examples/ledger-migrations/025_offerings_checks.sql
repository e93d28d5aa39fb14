-- The first rebuild: SQLite cannot add a CHECK. The indexes are made again.
PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TABLE offerings_new (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  provider_id INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
  external_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  product_type TEXT NOT NULL CHECK (product_type IN ('vps', 'dedicated', 'gpu', 'storage')),
  machine_type_id INTEGER REFERENCES machine_types (id),
  currency TEXT NOT NULL REFERENCES currencies (code),
  monthly_price REAL NOT NULL CHECK (monthly_price >= 0),
  setup_fee REAL NOT NULL DEFAULT 0.0 CHECK (setup_fee >= 0),
  stock_status TEXT NOT NULL DEFAULT 'in_stock' CHECK (stock_status IN ('in_stock', 'out_of_stock', 'discontinued')),
  attributes TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(attributes)),
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  visibility TEXT NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'unlisted', 'private')),
  UNIQUE (provider_id, external_id)
);
INSERT INTO offerings_new (id, provider_id, external_id, name, description, product_type, machine_type_id, currency, monthly_price, setup_fee, stock_status, attributes, created_at)
SELECT id, provider_id, external_id, name, description, product_type, machine_type_id, currency, monthly_price, setup_fee, stock_status, attributes, created_at FROM offerings;
DROP TABLE offerings;
ALTER TABLE offerings_new RENAME TO offerings;
CREATE INDEX offerings_product_type ON offerings (product_type);
CREATE INDEX offerings_price ON offerings (currency, monthly_price);
CREATE INDEX offerings_public ON offerings (provider_id) WHERE visibility = 'public' AND stock_status <> 'discontinued';
COMMIT;
PRAGMA foreign_keys = ON;
