CREATE TABLE offering_reviews (
  id INTEGER PRIMARY KEY,
  offering_id INTEGER NOT NULL REFERENCES offerings (id) ON DELETE CASCADE,
  author_id INTEGER REFERENCES accounts (id) ON DELETE SET NULL,
  stars TINYINT NOT NULL CHECK (stars BETWEEN 1 AND 5),
  title VARCHAR(120) NOT NULL,
  text TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
  UNIQUE (offering_id, author_id)
);
INSERT INTO offering_reviews (offering_id, author_id, stars, title, text, created_at)
SELECT o.id, 21 + (o.id * 13) % 90, 1 + (o.id * 7) % 5, 'Review of ' || o.name, CASE WHEN o.id % 2 THEN 'Fast; "good" value, 100% recommended_' END,
  datetime(o.created_at, '+1 month')
FROM offerings o WHERE o.id % 2 = 1;
