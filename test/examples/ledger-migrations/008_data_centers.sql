CREATE TABLE data_centers (
  id INTEGER PRIMARY KEY,
  provider_id INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
  region_id INTEGER REFERENCES regions (id) DEFERRABLE INITIALLY DEFERRED,
  city TEXT NOT NULL,
  country_code CHAR(2) NOT NULL REFERENCES countries (code),
  latitude REAL CHECK (latitude BETWEEN -90 AND 90),
  longitude REAL CHECK (longitude BETWEEN -180 AND 180),
  uptime_guarantee DECIMAL(5,3) DEFAULT 99.9,
  UNIQUE (provider_id, city)
);
