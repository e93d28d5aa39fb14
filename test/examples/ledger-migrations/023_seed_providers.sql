INSERT INTO providers (account_id, name, legal_name, website, country_code, status, onboarded_at, created_at)
SELECT a.id, 'Provider ' || char(64 + a.id), CASE WHEN a.id % 2 THEN 'Provider ' || char(64 + a.id) || ' GmbH & Co' END,
  'https://' || lower(char(64 + a.id)) || '.example.net', c.code,
  CASE WHEN a.id % 6 = 0 THEN 'suspended' WHEN a.id % 5 = 0 THEN 'pending' ELSE 'active' END,
  CASE WHEN a.id % 5 THEN strftime('%Y-%m-%dT%H:%M:%SZ', a.created_at, '+2 days') END,
  strftime('%Y-%m-%dT%H:%M:%fZ', a.created_at, '+1.25 seconds')
FROM accounts a JOIN (SELECT code, row_number() OVER (ORDER BY code) AS n FROM countries) c ON c.n = 1 + a.id % 13
WHERE a.id BETWEEN 3 AND 20;
INSERT INTO provider_contacts (provider_id, kind, address, position)
SELECT p.id, k.column1, k.column1 || '@' || substr(p.website, 9), k.column2
FROM providers p CROSS JOIN (VALUES ('sales', 0), ('support', 1), ('abuse', 2)) k;
INSERT INTO data_centers (provider_id, region_id, city, country_code, latitude, longitude, uptime_guarantee)
SELECT id, 2 + id % 6, CASE id % 4 WHEN 0 THEN 'Falkenstein' WHEN 1 THEN 'Göteborg' WHEN 2 THEN 'São Paulo' ELSE 'Amsterdam' END,
  country_code, -23.55 + id * 4.25, -46.625 + id * 6.5, 99 + id / 20.0
FROM providers;
