CREATE TABLE invoices (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  number TEXT NOT NULL UNIQUE CHECK (number GLOB 'INV-[0-9][0-9][0-9][0-9]-[0-9]*'),
  account_id INTEGER NOT NULL REFERENCES accounts (id),
  issued_on DATE NOT NULL DEFAULT CURRENT_DATE,
  due_on DATE NOT NULL DEFAULT (date('now', '+14 days')),
  total INTEGER NOT NULL DEFAULT 0,
  currency TEXT NOT NULL DEFAULT 'EUR' REFERENCES currencies (code),
  pdf BLOB,
  paid INTEGER NOT NULL DEFAULT 0 CHECK (paid IN (0, 1)),
  CHECK (due_on >= issued_on)
);
CREATE TABLE invoice_lines (
  invoice_id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  contract_id INTEGER REFERENCES contracts (id),
  text TEXT NOT NULL,
  quantity REAL NOT NULL DEFAULT 1,
  unit_price INTEGER NOT NULL,
  amount INTEGER GENERATED ALWAYS AS (CAST(round(quantity * unit_price) AS INTEGER)) STORED,
  PRIMARY KEY (invoice_id, line),
  FOREIGN KEY (invoice_id) REFERENCES invoices (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TRIGGER invoice_lines_added AFTER INSERT ON invoice_lines BEGIN
  UPDATE invoices SET total = total + NEW.amount WHERE id = NEW.invoice_id;
END;
CREATE TRIGGER invoice_lines_removed AFTER DELETE ON invoice_lines BEGIN
  UPDATE invoices SET total = total - OLD.amount WHERE id = OLD.invoice_id;
END;
