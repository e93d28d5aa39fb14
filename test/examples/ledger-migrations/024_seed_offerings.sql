INSERT INTO offerings (provider_id, external_id, name, description, product_type, machine_type_id, currency, monthly_price, setup_fee, stock_status, attributes, created_at)
SELECT p.id, upper(substr(p.name, -1)) || '-' || m.code, p.name || ' ' || m.code,
  CASE WHEN m.id % 3 THEN 'A ' || m.label || ' machine in ' || (SELECT city FROM data_centers d WHERE d.provider_id = p.id) END,
  CASE WHEN m.gpu IS NOT NULL THEN 'gpu' WHEN m.cores > 32 THEN 'dedicated' ELSE 'vps' END,
  m.id, CASE p.id % 3 WHEN 0 THEN 'USD' WHEN 1 THEN 'EUR' ELSE 'CHF' END,
  round(m.cores * 2.49 + m.memory_mb / 1024.0 * 0.85, 2), CASE WHEN m.id > 5 THEN 49.0 ELSE 0 END,
  CASE WHEN (p.id + m.id) % 7 = 0 THEN 'out_of_stock' ELSE 'in_stock' END,
  json_object('cores', m.cores, 'gpu', m.gpu, 'virtual', json(CASE WHEN m.cores > 32 THEN 'false' ELSE 'true' END), 'features', json_array('ssh', 'ipv' || (4 + 2 * (m.id % 2)))),
  datetime('2023-06-01', printf('+%d days', p.id * 8 + m.id))
FROM providers p CROSS JOIN machine_types m WHERE (p.id + m.id) % 2 = 0;
INSERT OR IGNORE INTO offering_tags (offering_id, tag_id) SELECT o.id, 1 + (o.id + k.column1 * 3) % 8 FROM offerings o, (VALUES (0), (1), (2)) k;
