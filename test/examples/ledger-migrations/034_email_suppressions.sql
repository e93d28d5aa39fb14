CREATE TABLE email_suppressions (
  email TEXT NOT NULL COLLATE NOCASE,
  reason TEXT NOT NULL CHECK (reason IN ('bounce', 'complaint', 'manual')),
  until INTEGER,
  PRIMARY KEY (email COLLATE NOCASE) ON CONFLICT REPLACE
);
INSERT INTO email_suppressions VALUES ('gone@example.com', 'bounce', NULL), ('GONE@example.com', 'complaint', 1735689600), ('loud@example.org', 'manual', NULL);
CREATE TRIGGER email_queue_suppressed BEFORE INSERT ON email_queue
WHEN EXISTS (SELECT 1 FROM email_suppressions s WHERE s.email = NEW.recipient AND (s.until IS NULL OR s.until > unixepoch()))
BEGIN
  SELECT RAISE(IGNORE);
END;
INSERT INTO email_queue (recipient, subject, body, status, attempts, created_at, kind, account_id)
SELECT e.email, 'Welcome', 'Hello ' || a.username || char(13, 10) || '…', CASE e.account_id % 4 WHEN 0 THEN 'pending' WHEN 1 THEN 'failed' ELSE 'sent' END,
  e.account_id % 5, unixepoch(e.created_at) * 1000 + e.account_id, 'welcome', a.id
FROM account_emails e JOIN accounts a ON a.id = e.account_id;
INSERT INTO email_queue (recipient, subject, body) VALUES ('gone@example.com', 'never', 'queued');
