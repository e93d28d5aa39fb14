export function open(db) {
  db.pragma('journal_mode = WAL');
  db.exec(`
    CREATE TEMP TABLE IF NOT EXISTS seen (id INTEGER);
    BEGIN IMMEDIATE;
    COMMIT;
  `);
  return {
    set: db.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)'),
    upsert: db.prepare(
      'INSERT INTO settings (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    ),
    get: db.prepare('SELECT value FROM settings WHERE name = :name'),
    touch: db.prepare('UPDATE orders SET shipped_at = CURRENT_TIMESTAMP WHERE id = ?'),
    add: db.prepare('INSERT INTO orders (id, customer_id, placed_at, total) VALUES (NULL, ?, ?, ?)'),
    match: db.prepare('SELECT id FROM orders WHERE note REGEXP ?'),
    again: db.prepare('SELECT value FROM settings WHERE name = :name'),
    gone: db.prepare('SELECT id FROM customers_old'),
    // Methods of other things that are named as the driver's.
    cached: cache.get('selection'),
    listed: list.all('select-all-buttons'),
  };
}

export function filtered(db, filters) {
  let sql = 'SELECT id FROM orders WHERE 1 = 1';
  if (filters.customer) sql += ' AND customer_id = ?';
  if (filters.note) sql += " AND note LIKE 'x\\_%'";
  return db.prepare(sql).all();
}

export function dynamic(db, table, order) {
  return db.prepare(`SELECT * FROM ${table} ORDER BY ${order}`).all();
}
