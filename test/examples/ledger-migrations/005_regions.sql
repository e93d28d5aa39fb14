CREATE TABLE countries (
  code CHAR(2) PRIMARY KEY CHECK (code GLOB '[A-Z][A-Z]'),
  name TEXT NOT NULL UNIQUE,
  in_eu BOOLEAN NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT OR IGNORE INTO countries (code, name, in_eu) VALUES
  ('DE', 'Germany', 1), ('FR', 'France', 1), ('NL', 'Netherlands', 1), ('SE', 'Sweden', 1), ('FI', 'Finland', 1),
  ('CH', 'Switzerland', 0), ('GB', 'United Kingdom', 0), ('US', 'United States', 0), ('CA', 'Canada', 0),
  ('JP', 'Japan', 0), ('SG', 'Singapore', 0), ('BR', 'Brazil', 0), ('CI', 'Côte d''Ivoire', 0), ('DE', 'twice', 0);
CREATE TABLE regions (
  id INTEGER PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  parent_id INTEGER REFERENCES regions (id) ON DELETE SET NULL,
  name TEXT NOT NULL
);
INSERT INTO regions (id, slug, parent_id, name) VALUES
  (1, 'world', NULL, 'World'), (2, 'europe', 1, 'Europe'), (3, 'america', 1, 'America'), (4, 'asia', 1, 'Asia'),
  (5, 'europe-north', 2, 'Northern Europe'), (6, 'europe-west', 2, 'Western Europe'), (7, 'america-north', 3, 'North America');
