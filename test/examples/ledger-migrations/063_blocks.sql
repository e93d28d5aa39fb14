-- The chained log of what was sealed.
CREATE TABLE ledger_blocks (
  height INTEGER PRIMARY KEY,
  previous_hash BLOB UNIQUE,
  hash BLOB NOT NULL UNIQUE,
  sealed_at BIGINT NOT NULL,
  entries UNSIGNED BIG INT NOT NULL DEFAULT 0,
  CHECK (height = 0 OR previous_hash IS NOT NULL),
  FOREIGN KEY (previous_hash) REFERENCES ledger_blocks (hash)
);
INSERT INTO ledger_blocks (height, previous_hash, hash, sealed_at, entries) VALUES
  (0, NULL, x'00ff00ff', 1690000000000000000, 0), (1, x'00ff00ff', x'deadbeef', 1690000001000000001, 9007199254740993), (2, x'deadbeef', x'cafebabe', 9223372036854775807, 12);
CREATE VIEW block_chain AS
SELECT height, upper(hex(hash)) AS hash, ifnull(upper(hex(previous_hash)), '-') AS previous, sealed_at - lag(sealed_at) OVER (ORDER BY height) AS took FROM ledger_blocks;
