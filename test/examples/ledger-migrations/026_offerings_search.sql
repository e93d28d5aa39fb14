CREATE VIRTUAL TABLE offerings_fts USING fts5(name, description, content='offerings', content_rowid='id', tokenize='unicode61 remove_diacritics 2');
INSERT INTO offerings_fts (rowid, name, description) SELECT id, name, description FROM offerings;
CREATE TRIGGER offerings_fts_insert AFTER INSERT ON offerings BEGIN
  INSERT INTO offerings_fts (rowid, name, description) VALUES (NEW.id, NEW.name, NEW.description);
END;
CREATE TRIGGER offerings_fts_delete AFTER DELETE ON offerings BEGIN
  INSERT INTO offerings_fts (offerings_fts, rowid, name, description) VALUES ('delete', OLD.id, OLD.name, OLD.description);
END;
CREATE TRIGGER offerings_fts_update AFTER UPDATE OF name, description ON offerings BEGIN
  INSERT INTO offerings_fts (offerings_fts, rowid, name, description) VALUES ('delete', OLD.id, OLD.name, OLD.description);
  INSERT INTO offerings_fts (rowid, name, description) VALUES (NEW.id, NEW.name, NEW.description);
END;
