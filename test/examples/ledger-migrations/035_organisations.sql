CREATE TABLE organisations (
  id INTEGER PRIMARY KEY,
  slug TEXT NOT NULL CONSTRAINT organisations_slug_unique UNIQUE COLLATE NOCASE,
  name TEXT NOT NULL,
  owner_id INTEGER NOT NULL,
  billing_email TEXT,
  FOREIGN KEY (id, owner_id) REFERENCES organisation_members (organisation_id, account_id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE organisation_members (
  organisation_id INTEGER NOT NULL REFERENCES organisations (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'member')),
  joined_at TEXT NOT NULL DEFAULT (datetime('now')),
  PRIMARY KEY (organisation_id, account_id)
);
BEGIN;
INSERT INTO organisations (id, slug, name, owner_id) VALUES (1, 'acme', 'Acme Ltd', 30), (2, 'Ünion', 'Ünion e.V.', 31);
INSERT INTO organisation_members (organisation_id, account_id, role, joined_at) VALUES
  (1, 30, 'owner', '2023-05-01 10:00:00'), (2, 31, 'owner', '2023-05-02 11:30:00'), (1, 32, 'member', '2023-05-03 00:00:00'), (2, 32, 'admin', '2023-05-03 00:00:01');
COMMIT;
