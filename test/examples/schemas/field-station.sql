-- Twelve years of a research station: several authors, several dialects, hardly a type that SQLite knows.
CREATE TABLE [Station] ([StationID] INTEGER PRIMARY KEY, [Code] NCHAR(5) NOT NULL COLLATE NOCASE, [Name] NVARCHAR(160) NOT NULL, [Lat] DOUBLE PRECISION, [Lon] DOUBLE PRECISION, [Elevation] FLOATING POINT, [Opened] DATE, [Closed] DATE, [Remarks] CLOB, CONSTRAINT [UQ_Code] UNIQUE ([Code]) ON CONFLICT FAIL, CHECK ([Closed] IS NULL OR [Closed] >= [Opened]));
CREATE TABLE "Instrument Type" ("Type ID" INT PRIMARY KEY NOT NULL, "Name" STRING UNIQUE, "Unit" STRING, "Valid Min", "Valid Max", CHECK ("Valid Max" > "Valid Min"));
CREATE TABLE instruments (serial TEXT PRIMARY KEY ON CONFLICT REPLACE, type_id INT NOT NULL REFERENCES "Instrument Type" ("Type ID"), station INTEGER REFERENCES station ON DELETE SET NULL ON UPDATE CASCADE, installed TEXT DEFAULT (date('now', 'start of month')), calibrated REAL, status CHAR DEFAULT 'A' CHECK (status IN ('A', 'B', 'X')), notes) WITHOUT ROWID;
CREATE TABLE people (id INTEGER PRIMARY KEY DESC, initials TEXT UNIQUE COLLATE NOCASE, full_name TEXT COLLATE RTRIM, email, active BOOL DEFAULT TRUE, UNIQUE (full_name, email));
CREATE TABLE readings (instrument TEXT NOT NULL, taken TIMESTAMP NOT NULL, value NUMERIC, raw BLOB, quality TINYINT NOT NULL ON CONFLICT REPLACE DEFAULT 0, observer REFERENCES people (initials) MATCH SIMPLE DEFERRABLE INITIALLY DEFERRED, PRIMARY KEY (instrument, taken DESC), FOREIGN KEY (instrument) REFERENCES instruments (serial) ON UPDATE CASCADE) WITHOUT ROWID;
CREATE INDEX readings_by_day ON readings (substr(taken, 1, 10), instrument);
CREATE INDEX readings_suspect ON readings (instrument) WHERE quality > 1 OR value IS NULL;
CREATE TABLE log (what, who, "when" DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE samples (id INTEGER PRIMARY KEY AUTOINCREMENT, station INTEGER NOT NULL REFERENCES Station, label TEXT NOT NULL CHECK (label GLOB '[A-Z][A-Z]-[0-9]*' AND length(label) < 20), depth_cm INTEGER CHECK (typeof(depth_cm) IN ('integer', 'null')), ph DECIMAL(4,2) CHECK (ph BETWEEN 0 AND 14), collected_at INTEGER NOT NULL DEFAULT (strftime('%s', 'now')), collected_day TEXT AS (date(collected_at, 'unixepoch')) VIRTUAL, parent INTEGER REFERENCES samples (id), tags TEXT DEFAULT '[]' CHECK (json_valid(tags) AND json_array_length(tags) < 20), UNIQUE (station, label COLLATE NOCASE));
CREATE INDEX samples_day ON samples (collected_day DESC);
CREATE UNIQUE INDEX samples_root ON samples (station, depth_cm) WHERE parent IS NULL AND depth_cm IS NOT NULL;
CREATE TABLE species (taxon_id BIGINT PRIMARY KEY, genus VARCHAR(80) NOT NULL, epithet VARCHAR(80), binomial AS (trim(genus || ' ' || ifnull(epithet, 'sp.'))) STORED, red_list CHAR(2) DEFAULT NULL, UNIQUE (genus COLLATE NOCASE, epithet COLLATE NOCASE));
CREATE TABLE sightings (sample INTEGER NOT NULL REFERENCES samples ON DELETE CASCADE, species BIGINT NOT NULL REFERENCES species (taxon_id), n UNSIGNED INT DEFAULT 1, by TEXT REFERENCES people (initials) ON UPDATE CASCADE, "select" TEXT, PRIMARY KEY (sample, species));
CREATE TABLE "weird ""table""" ("a ""b""" INTEGER, [c d] TEXT DEFAULT 'x''y', `e``f` REAL DEFAULT -1.5E-3, "" TEXT, "order" INT DEFAULT +5, 'single' TEXT DEFAULT (upper('q') || lower(hex(x'0F'))));
CREATE TABLE settings (key TEXT PRIMARY KEY, value ANY, changed INT NOT NULL DEFAULT (unixepoch())) STRICT;
CREATE TABLE calendar (day TEXT PRIMARY KEY CHECK (day = strftime('%Y-%m-%d', day)), weekday INTEGER AS (CAST(strftime('%w', day) AS INTEGER)) STORED, iso_jd REAL AS (julianday(day)) VIRTUAL) WITHOUT ROWID;
CREATE TABLE equipment_loans (id INTEGER PRIMARY KEY, item TEXT NOT NULL, borrower INTEGER NOT NULL REFERENCES people (id), lent REAL NOT NULL DEFAULT (julianday('now')), due REAL NOT NULL, back REAL, CHECK (due > lent), CHECK (back IS NULL OR back >= lent));
CREATE UNIQUE INDEX one_loan ON equipment_loans (item) WHERE back IS NULL;
CREATE TABLE a_copy AS SELECT StationID, Name AS "the name", Lat + 0 AS lat, 1.5 AS factor FROM Station WHERE 0;
CREATE VIRTUAL TABLE notes USING fts4(title, body, tokenize=porter);
CREATE VIRTUAL TABLE places USING rtree_i32(id, x0, x1, y0, y1);
CREATE VIEW station_summary AS SELECT s.StationID, s.Code, count(DISTINCT i.serial) instruments, count(r.value) AS "readings", min(r.taken) AS first, max(r.taken) AS last, avg(r.value) FROM Station s LEFT JOIN instruments i ON i.station = s.StationID LEFT JOIN readings r ON r.instrument = i.serial AND r.quality < 2 GROUP BY s.StationID;
CREATE VIEW latest (instrument, taken, value) AS SELECT instrument, max(taken), value FROM readings GROUP BY instrument;
CREATE VIEW sample_tree AS WITH RECURSIVE t (id, root, depth) AS (SELECT id, id, 0 FROM samples WHERE parent IS NULL UNION ALL SELECT s.id, t.root, t.depth + 1 FROM samples s JOIN t ON s.parent = t.id) SELECT t.*, s.label FROM t NATURAL JOIN samples s ORDER BY root, depth;
CREATE VIEW tag_list AS SELECT s.id, j.value AS tag FROM samples s, json_each(s.tags) j;
CREATE VIEW overdue AS SELECT item, p.full_name, CAST(julianday('now') - due AS INT) AS days FROM equipment_loans l JOIN people p ON p.id = l.borrower WHERE back IS NULL AND due < julianday('now');
CREATE VIEW biggest AS SELECT species.binomial, total(n) AS "sum of n" FROM sightings JOIN species ON taxon_id = species GROUP BY 1 HAVING total(n) > 1 ORDER BY 2 DESC, 1 COLLATE NOCASE LIMIT 10;
CREATE TRIGGER readings_log AFTER UPDATE OF value ON readings WHEN OLD.value IS NOT NEW.value BEGIN INSERT INTO log (what, who) VALUES (printf('%s: %s -> %s', NEW.instrument, OLD.value, NEW.value), NEW.observer); END;
CREATE TRIGGER latest_insert INSTEAD OF INSERT ON latest BEGIN INSERT OR REPLACE INTO readings (instrument, taken, value) VALUES (NEW.instrument, coalesce(NEW.taken, datetime('now')), NEW.value); END;
CREATE TRIGGER samples_no_cycle BEFORE UPDATE OF parent ON samples BEGIN SELECT CASE WHEN NEW.parent = NEW.id THEN RAISE(ABORT, 'a sample is not its own part') END; END;

INSERT INTO Station VALUES (1, 'NORTH', 'North ridge', 47.421, 10.986, 2962, '2012-05-01', NULL, 'first; still ''best'''), (2, 'Lake', 'Lake shore', -0.5, 179.999999, 0, '2013-01-01', '2020-12-31', NULL), (7, 'deep', 'Deep hole', 11.35, 142.2, -10935.5, NULL, NULL, char(9) || 'tab');
INSERT INTO "Instrument Type" VALUES (1, 'thermometer', '°C', -90, 60), (2, 'barometer', 'hPa', 300, 1100.5), (30, 'pluviometer', 'mm', 0, NULL);
INSERT INTO people (id, initials, full_name, email) VALUES (1, 'AB', 'Anna Berg', 'anna@example.org'), (2, 'cd', 'Carl Ström  ', NULL), (5, 'EF', 'Ève', NULL);
INSERT INTO instruments (serial, type_id, station, installed, calibrated, status) VALUES ('T-001', 1, 1, '2012-05-02', 2456050.25, 'A'), ('t-001', 1, 2, '2013-05-02', NULL, 'B'), ('B/77', 2, 1, '2014-02-28', 2456717, 'A'), ('P 1', 30, 7, NULL, NULL, 'X');
INSERT INTO readings (instrument, taken, value, raw, quality, observer)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
SELECT CASE i % 3 WHEN 0 THEN 'T-001' WHEN 1 THEN 'B/77' ELSE 't-001' END, datetime('2015-03-28 22:00:00', '+' || i || ' hours'), CASE WHEN i % 17 THEN round(i * 0.37 - 20, 3) END, CASE WHEN i % 5 = 0 THEN CAST(i AS BLOB) END, i % 4, CASE i % 3 WHEN 0 THEN 'AB' WHEN 1 THEN 'cd' END FROM n;
INSERT INTO log (what) VALUES ('started'), (NULL), (42), (x'00'), (4.5);
INSERT INTO samples (id, station, label, depth_cm, ph, collected_at, parent, tags) VALUES (1, 1, 'NR-1', 10, 6.5, 1420070400, NULL, '["soil","wet"]'), (2, 1, 'NR-2', NULL, 7, 1420156800, 1, '[]'), (3, 1, 'NR-3', NULL, NULL, 1420243200, 2, '[1, null]'), (4, 7, 'DH-1', 1093550, 8.125, 1420243201, NULL, '[]');
INSERT INTO species (taxon_id, genus, epithet, red_list) VALUES (2436436, 'Homo', 'sapiens', 'LC'), (9007199254740995, 'Bathynomus', NULL, NULL), (5219404, 'Panthera', 'tigris', 'EN');
INSERT INTO sightings VALUES (1, 2436436, 2, 'AB', NULL), (4, 9007199254740995, 40, NULL, 'yes'), (1, 5219404, 1, 'cd', NULL);
INSERT INTO "weird ""table""" ("a ""b""", "") VALUES (1, 'nameless'), (NULL, NULL);
INSERT INTO settings VALUES ('version', 12, 1420070400), ('ratio', 0.5, 1420070400), ('name', 'Ridge', 1420070401), ('blob', x'C0FFEE', 0), ('null', NULL, 0);
INSERT INTO calendar (day) VALUES ('2016-02-29'), ('2000-01-01'), ('1970-01-01');
INSERT INTO equipment_loans (item, borrower, lent, due, back) VALUES ('boat', 1, 2457000.5, 2457010.5, 2457009.75), ('boat', 2, 2457020.5, 2457030.5, NULL);
INSERT INTO notes (title, body) VALUES ('First', 'It rained'), ('Second', 'It rains again');
INSERT INTO places VALUES (1, 10, 11, 47, 48);
