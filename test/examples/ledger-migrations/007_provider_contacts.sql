CREATE TABLE provider_contacts (
  provider_id INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('sales', 'support', 'abuse', 'billing')),
  address TEXT NOT NULL,
  position INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (provider_id, kind, address)
);
