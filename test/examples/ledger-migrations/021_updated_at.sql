-- Adding a column with a constant default only: SQLite takes no other.
ALTER TABLE accounts ADD COLUMN updated_at TEXT;
ALTER TABLE accounts ADD COLUMN display_name TEXT;
ALTER TABLE accounts ADD COLUMN is_admin INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1));
CREATE TRIGGER accounts_touch AFTER UPDATE ON accounts
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE accounts SET updated_at = datetime('now') WHERE id = NEW.id;
END;
