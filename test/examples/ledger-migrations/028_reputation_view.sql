CREATE VIEW provider_reputation AS
SELECT
  p.id AS provider_id,
  p.name,
  count(r.id) AS reviews,
  ifnull(round(avg(r.stars), 2), 0) AS average_stars,
  total(CASE WHEN r.stars >= 4 THEN 1 ELSE 0 END) AS happy,
  max(r.created_at) AS last_review
FROM providers p
LEFT JOIN offerings o ON o.provider_id = p.id
LEFT JOIN offering_reviews r ON r.offering_id = o.id
GROUP BY p.id;
