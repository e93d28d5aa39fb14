CREATE TABLE invitations (
  token TEXT PRIMARY KEY DEFAULT (hex(randomblob(12))),
  organisation_id INTEGER NOT NULL,
  inviter_id INTEGER NOT NULL,
  email TEXT NOT NULL,
  expires_at TEXT NOT NULL DEFAULT (datetime('now', '+7 days')),
  accepted BOOLEAN NOT NULL DEFAULT 'f' CHECK (accepted IN ('t', 'f')),
  FOREIGN KEY (organisation_id, inviter_id) REFERENCES organisation_members ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX invitations_open ON invitations (organisation_id, email COLLATE NOCASE) WHERE accepted = 'f';
INSERT INTO invitations (token, organisation_id, inviter_id, email, expires_at, accepted) VALUES
  ('A1', 1, 30, 'new@example.com', '2024-05-01 00:00:00', 'f'), ('B2', 2, 31, 'other@example.com', '2024-05-01 00:00:00', 't');
