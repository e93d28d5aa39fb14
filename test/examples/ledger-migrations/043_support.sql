CREATE TABLE tickets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES accounts (id),
  contract_id INTEGER REFERENCES contracts (id),
  subject TEXT NOT NULL CHECK (trim(subject) <> ''),
  state TEXT NOT NULL DEFAULT 'open',
  priority INTEGER NOT NULL DEFAULT 3,
  opened_at TEXT NOT NULL DEFAULT (datetime('now', 'localtime')),
  closed_at TEXT
);
CREATE TABLE ticket_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket_id INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
  reply_to_id INTEGER REFERENCES ticket_messages (id) ON DELETE SET NULL,
  author_id INTEGER REFERENCES accounts (id) ON DELETE SET NULL,
  text TEXT NOT NULL,
  internal BOOLEAN NOT NULL DEFAULT 0,
  sent_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX tickets_open ON tickets (priority, opened_at) WHERE closed_at IS NULL;
CREATE TRIGGER tickets_reopen AFTER INSERT ON ticket_messages
WHEN NEW.internal = 0 AND (SELECT state FROM tickets WHERE id = NEW.ticket_id) = 'closed'
BEGIN
  UPDATE tickets SET state = 'open', closed_at = NULL WHERE id = NEW.ticket_id;
END;
INSERT INTO tickets (account_id, contract_id, subject, state, opened_at, closed_at)
SELECT requester_id, id, 'Trouble with ' || public_id, CASE WHEN id % 2 THEN 'open' ELSE 'closed' END, datetime(requested_at / 1000, 'unixepoch', '+2 hours'),
  CASE WHEN id % 2 = 0 THEN datetime(requested_at / 1000, 'unixepoch', '+1 day') END
FROM contracts WHERE id % 11 = 0;
INSERT INTO ticket_messages (ticket_id, reply_to_id, author_id, text, internal, sent_at)
SELECT id, NULL, account_id, 'It does not work.' || char(10) || 'Help!', 0, datetime(opened_at, '+1 minute') FROM tickets WHERE state = 'open';
INSERT INTO ticket_messages (ticket_id, reply_to_id, author_id, text, internal, sent_at)
SELECT ticket_id, id, 1, 'Have you tried turning it off and on again?', id % 2, datetime(sent_at, '+10 minutes') FROM ticket_messages;
