CREATE TABLE carts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER UNIQUE REFERENCES accounts (id) ON DELETE CASCADE,
  session_key TEXT UNIQUE,
  updated_at INTEGER NOT NULL DEFAULT (unixepoch()),
  CHECK (account_id IS NOT NULL OR session_key IS NOT NULL)
);
CREATE TABLE cart_items (
  cart_id INTEGER NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
  offering_id INTEGER NOT NULL REFERENCES offerings (id) ON DELETE CASCADE,
  quantity INTEGER NOT NULL DEFAULT 1 CHECK (quantity BETWEEN 1 AND 100),
  PRIMARY KEY (cart_id, offering_id)
) WITHOUT ROWID;
CREATE TRIGGER cart_items_touch_insert AFTER INSERT ON cart_items BEGIN UPDATE carts SET updated_at = unixepoch() WHERE id = NEW.cart_id; END;
CREATE TRIGGER cart_items_touch_update AFTER UPDATE ON cart_items BEGIN UPDATE carts SET updated_at = unixepoch() WHERE id = NEW.cart_id; END;
CREATE TRIGGER cart_items_touch_delete AFTER DELETE ON cart_items BEGIN UPDATE carts SET updated_at = unixepoch() WHERE id = OLD.cart_id; END;
CREATE VIEW cart_lines AS SELECT i.cart_id, i.offering_id, o.name, i.quantity, i.quantity * o.monthly_price AS amount FROM cart_items i JOIN offerings o ON o.id = i.offering_id;
CREATE TRIGGER cart_lines_insert INSTEAD OF INSERT ON cart_lines BEGIN
  INSERT INTO cart_items (cart_id, offering_id, quantity) VALUES (NEW.cart_id, NEW.offering_id, coalesce(NEW.quantity, 1))
  ON CONFLICT (cart_id, offering_id) DO UPDATE SET quantity = quantity + excluded.quantity;
END;
INSERT INTO carts (account_id, session_key) VALUES (40, NULL), (NULL, 'anonymous-1');
INSERT INTO cart_lines (cart_id, offering_id, quantity) VALUES (1, 1, 2), (1, 2, NULL), (2, 1, 1), (1, 1, 3);
