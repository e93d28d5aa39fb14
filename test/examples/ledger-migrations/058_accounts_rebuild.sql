-- Accounts get a check on the display name; the triggers are made again, the one on updated_at is not.
PRAGMA foreign_keys=OFF;
PRAGMA legacy_alter_table=ON;
SAVEPOINT rebuild;
CREATE TABLE accounts_tmp (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pubkey BLOB NOT NULL UNIQUE CHECK (length(pubkey) = 32),
  username TEXT NOT NULL COLLATE NOCASE UNIQUE,
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  updated_at TEXT,
  display_name TEXT CHECK (display_name IS NULL OR length(display_name) <= 80),
  is_admin INTEGER NOT NULL DEFAULT 0,
  locale TEXT NOT NULL DEFAULT 'en',
  CONSTRAINT username_shape CHECK (username GLOB '[a-z0-9]*' AND username NOT GLOB '*[^a-z0-9_.-]*' AND length(username) BETWEEN 3 AND 30)
);
INSERT INTO accounts_tmp (id, pubkey, username, created_at, updated_at, display_name, is_admin) SELECT id, pubkey, username, created_at, updated_at, display_name, is_admin FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_tmp RENAME TO accounts;
CREATE TRIGGER accounts_audit AFTER UPDATE OF is_admin, username ON accounts BEGIN
  INSERT INTO audit_log (actor_id, action, subject, before, after)
  VALUES (NEW.id, 'account.' || CASE WHEN NEW.is_admin <> OLD.is_admin THEN 'admin' ELSE 'rename' END, 'account:' || NEW.id,
    json_object('username', OLD.username, 'is_admin', OLD.is_admin), json_object('username', NEW.username, 'is_admin', NEW.is_admin));
END;
RELEASE rebuild;
PRAGMA legacy_alter_table=OFF;
PRAGMA foreign_keys=ON;
