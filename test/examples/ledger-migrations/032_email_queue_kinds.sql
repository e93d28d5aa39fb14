ALTER TABLE email_queue ADD COLUMN kind TEXT NOT NULL DEFAULT 'general' CHECK (kind IN ('general', 'welcome', 'recovery', 'billing'));
ALTER TABLE email_queue ADD COLUMN account_id INTEGER REFERENCES accounts (id) ON DELETE SET NULL;
ALTER TABLE email_queue ADD COLUMN headers TEXT;
CREATE INDEX email_queue_retry ON email_queue (attempts, created_at) WHERE status = 'failed' AND attempts < max_attempts;
