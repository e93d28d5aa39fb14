CREATE TABLE payment_webhooks (
  event_id TEXT NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  signature BLOB,
  received_at INTEGER NOT NULL DEFAULT (strftime('%s', 'now')),
  processed_at INTEGER,
  error TEXT
) WITHOUT ROWID;
CREATE INDEX payment_webhooks_todo ON payment_webhooks (received_at) WHERE processed_at IS NULL;
CREATE INDEX payment_webhooks_type ON payment_webhooks (source, json_extract(payload, '$.type'));
