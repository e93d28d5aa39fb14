CREATE TABLE contract_events (
  id INTEGER PRIMARY KEY,
  contract_id INTEGER NOT NULL REFERENCES contracts (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  old_status TEXT,
  new_status TEXT,
  actor TEXT NOT NULL DEFAULT 'system',
  details TEXT CHECK (details IS NULL OR json_valid(details)),
  happened_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
CREATE INDEX contract_events_contract ON contract_events (contract_id, id);
CREATE TRIGGER contracts_status_event AFTER UPDATE OF status ON contracts
WHEN OLD.status IS NOT NEW.status
BEGIN
  INSERT INTO contract_events (contract_id, kind, old_status, new_status)
  VALUES (NEW.id, 'status', OLD.status, NEW.status);
END;
