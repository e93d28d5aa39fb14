CREATE TABLE audit_log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  actor_id INTEGER,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  before TEXT,
  after TEXT
);
CREATE INDEX audit_log_subject ON audit_log (subject, seq DESC);
CREATE TRIGGER accounts_audit AFTER UPDATE OF is_admin, username ON accounts BEGIN
  INSERT INTO audit_log (actor_id, action, subject, before, after)
  VALUES (NEW.id, 'account.' || CASE WHEN NEW.is_admin <> OLD.is_admin THEN 'admin' ELSE 'rename' END, 'account:' || NEW.id,
    json_object('username', OLD.username, 'is_admin', OLD.is_admin), json_object('username', NEW.username, 'is_admin', NEW.is_admin));
END;
CREATE TRIGGER audit_log_append_only BEFORE DELETE ON audit_log BEGIN
  SELECT RAISE(FAIL, 'the audit log only grows');
END;
UPDATE accounts SET is_admin = 1 WHERE username = 'NODE-6';
