CREATE TABLE providers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL UNIQUE REFERENCES accounts (id),
  name TEXT NOT NULL,
  legal_name TEXT,
  website TEXT CHECK (website IS NULL OR website GLOB 'http*://*'),
  country_code CHAR(2) NOT NULL REFERENCES countries,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'active', 'suspended', 'gone')),
  onboarded_at TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX providers_name ON providers (lower(name));
CREATE INDEX providers_waiting ON providers (created_at) WHERE status = 'pending';
