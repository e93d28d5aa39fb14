const SQL = {
  bare: 'SELECT customer_id, note, count(*) AS n FROM orders GROUP BY customer_id',
  whole:
    'SELECT c.id, c.name, count(o.id) AS n FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id',
};

module.exports = {
  perCustomer: (db) => db.prepare(SQL.bare).all(),
  perCustomerSafely: (db) => db.prepare(SQL.whole).all(),
  perDay: (db) =>
    db
      .prepare("SELECT strftime('%Y-%m-%d', placed_at) AS day, sum(items) AS items FROM orders GROUP BY 1 ORDER BY 1")
      .all(),
  late: (db) => db.prepare("SELECT id FROM orders WHERE placed_at < datetime('now', '-1 month')").pluck().all(),
  unshipped: (db) => db.prepare('SELECT id FROM orders ORDER BY shipped_at').pluck().all(),
  shipped: (db) =>
    db.prepare('SELECT id FROM orders WHERE shipped_at IS NOT NULL ORDER BY shipped_at, id').pluck().all(),
  heavy: (db) => db.prepare('SELECT id, CAST(weight AS INTEGER) AS kilos, round(weight) AS rounded FROM orders').all(),
  perItem: (db) => db.prepare('SELECT id, weight / items AS each FROM orders').all(),
  perItemSafely: (db) =>
    db.prepare('SELECT id, weight / NULLIF(items, 0) AS each, items / 2 AS pairs FROM orders').all(),
  ends: (db) => db.prepare('SELECT substr(placed_at, -8) AS at, substr(placed_at, 1, 10) AS day FROM orders').all(),
  labels: (db) => db.prepare("SELECT id || ': ' || weight AS label FROM orders").all(),
  counted: (db) => db.prepare('SELECT count(*) FROM orders').get(),
  camel: (db) => db.prepare('SELECT customer_id AS customerId FROM orders').all(),
};
