CREATE TABLE tags (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
);
CREATE TABLE offering_tags (
  offering_id INTEGER NOT NULL REFERENCES offerings (id) ON DELETE CASCADE,
  tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE RESTRICT,
  PRIMARY KEY (offering_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX offering_tags_reverse ON offering_tags (tag_id, offering_id);
INSERT INTO tags (name) VALUES ('Linux'), ('Windows'), ('kvm'), ('bare-metal'), ('GPU'), ('ddos-protected'), ('ipv6'), ('Österreich');
