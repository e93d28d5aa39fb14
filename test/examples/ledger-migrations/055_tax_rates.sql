CREATE TABLE tax_rates (
  country_code CHAR(2) NOT NULL REFERENCES countries (code),
  valid_from TEXT NOT NULL,
  percent DECIMAL(4,2) NOT NULL CHECK (percent >= 0 AND percent < 100),
  PRIMARY KEY (country_code, valid_from)
) WITHOUT ROWID;
INSERT INTO tax_rates VALUES ('DE', '2021-01-01', 19), ('DE', '2020-07-01', 16), ('FR', '2014-01-01', 20), ('FI', '2024-09-01', 25.5), ('CH', '2024-01-01', 8.1), ('FI', '2013-01-01', 24);
CREATE VIEW current_tax AS
SELECT c.code, c.name, t.percent FROM countries c
LEFT JOIN tax_rates t ON t.country_code = c.code AND t.valid_from = (SELECT max(valid_from) FROM tax_rates x WHERE x.country_code = c.code AND x.valid_from <= date('now'));
