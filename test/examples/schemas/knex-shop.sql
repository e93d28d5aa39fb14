-- As Knex's schema builder writes it through better-sqlite3, migrations of three years behind it, with the rows an API left.
CREATE TABLE `users` (`id` integer not null primary key autoincrement, `email` varchar(255) not null, `password_hash` varchar(255), `name` varchar(255) null, `is_active` boolean default '1', `role` text check (`role` in ('customer', 'staff', 'admin')) not null default 'customer', `preferences` json, `last_login_at` datetime, `created_at` datetime not null default CURRENT_TIMESTAMP, `updated_at` datetime not null default CURRENT_TIMESTAMP);
CREATE UNIQUE INDEX `users_email_unique` on `users` (`email`);
CREATE INDEX `users_role_is_active_index` on `users` (`role`, `is_active`);
CREATE TABLE `addresses` (`id` integer not null primary key autoincrement, `user_id` integer not null, `label` varchar(60) default 'home', `line1` varchar(255) not null, `line2` varchar(255), `postcode` varchar(20) not null, `city` varchar(120) not null, `country` char(2) not null default 'DE', `is_default` boolean not null default false, foreign key(`user_id`) references `users`(`id`) on delete CASCADE);
CREATE INDEX `addresses_user_id_index` on `addresses` (`user_id`);
CREATE UNIQUE INDEX `addresses_one_default` ON `addresses` (`user_id`) WHERE `is_default` = 1;
CREATE TABLE `categories` (`id` integer not null primary key autoincrement, `parent_id` integer, `slug` varchar(120) not null, `name` varchar(120) not null, `position` integer default 0, foreign key(`parent_id`) references `categories`(`id`) on delete SET NULL);
CREATE UNIQUE INDEX `categories_slug_unique` on `categories` (`slug`);
CREATE TABLE `products` (`id` char(36) not null, `sku` varchar(64) not null, `title` varchar(255) not null, `description` text, `price` decimal(10, 2) not null, `vat` float not null default 0.19, `weight` float(8, 3), `stock` integer not null default '0', `status` text check (`status` in ('draft', 'live', 'retired')) not null default 'draft', `published_on` date, `metadata` json not null default '{}', `created_at` datetime default (strftime('%Y-%m-%d %H:%M:%S.000', 'now')), `deleted_at` datetime null, primary key (`id`), CHECK (`price` >= 0));
CREATE UNIQUE INDEX `products_sku_unique` on `products` (`sku`);
CREATE INDEX `products_live` ON `products` (`published_on` DESC, `title` COLLATE NOCASE) WHERE `status` = 'live' AND `deleted_at` IS NULL;
CREATE INDEX `products_brand` ON `products` (json_extract(`metadata`, '$.brand'));
CREATE TABLE `product_categories` (`product_id` char(36) not null, `category_id` integer not null, foreign key(`product_id`) references `products`(`id`) on delete CASCADE on update CASCADE, foreign key(`category_id`) references `categories`(`id`) on delete CASCADE, primary key (`product_id`, `category_id`));
CREATE TABLE `product_images` (`id` integer not null primary key autoincrement, `product_id` char(36) not null references `products` (`id`) on delete cascade, `url` varchar(255) not null, `width` smallint, `height` smallint, `content` blob, `position` tinyint not null default 0);
CREATE TABLE `carts` (`id` char(36) not null primary key, `user_id` integer references `users` (`id`) on delete cascade, `expires_at` bigint not null, `created_at` datetime default CURRENT_TIMESTAMP);
CREATE TABLE `cart_items` (`cart_id` char(36) not null, `product_id` char(36) not null, `quantity` integer not null default 1 check (`quantity` > 0), constraint `cart_items_pkey` primary key (`cart_id`, `product_id`), constraint `cart_items_cart` foreign key(`cart_id`) references `carts`(`id`) on delete CASCADE, constraint `cart_items_product` foreign key(`product_id`) references `products`(`id`));
CREATE TABLE `coupons` (`code` varchar(40) not null, `kind` text check (`kind` in ('percent', 'amount')) not null, `value` decimal(10, 2) not null, `starts_at` datetime, `ends_at` datetime, `uses` integer not null default 0, primary key (`code`));
CREATE TABLE `orders` (`id` integer not null primary key autoincrement, `number` varchar(20) not null, `user_id` integer, `email` varchar(255) not null, `status` varchar(20) not null default 'open', `currency` char(3) not null default 'EUR', `subtotal` decimal(12, 2) not null, `shipping` decimal(12, 2) not null default 0, `total` decimal(12, 2) GENERATED ALWAYS AS (round(`subtotal` + `shipping` - `discount`, 2)) VIRTUAL, `coupon_code` varchar(40) references `coupons` (`code`), `placed_at` datetime not null default CURRENT_TIMESTAMP, `paid_at` datetime, `shipped_at` datetime, `notes` text, `discount` decimal(12, 2) not null default 0, foreign key(`user_id`) references `users`(`id`) on delete SET NULL);
CREATE UNIQUE INDEX `orders_number_unique` on `orders` (`number`);
CREATE INDEX `orders_placed_day` ON `orders` (date(`placed_at`));
CREATE INDEX `orders_unpaid` ON `orders` (`placed_at`) WHERE `paid_at` IS NULL AND `status` != 'cancelled';
CREATE TABLE `order_lines` (`order_id` integer not null, `line` integer not null, `product_id` char(36), `title` varchar(255) not null, `quantity` integer not null, `unit_price` decimal(10, 2) not null, primary key (`order_id`, `line`), foreign key(`order_id`) references `orders`(`id`) on delete CASCADE, foreign key(`product_id`) references `products`(`id`) on delete SET NULL);
CREATE TABLE `payments` (`id` integer not null primary key autoincrement, `order_id` integer not null references `orders` (`id`), `gateway` varchar(20) not null, `reference` varchar(80), `amount_cents` bigint not null, `state` varchar(20) not null default 'created', `raw` json check (`raw` is null or json_valid(`raw`)), `created_at` datetime default CURRENT_TIMESTAMP);
CREATE UNIQUE INDEX `payments_gateway_reference_unique` on `payments` (`gateway`, `reference`);
CREATE TABLE `stock_movements` (`id` integer not null primary key autoincrement, `product_id` char(36) not null references `products` (`id`), `delta` integer not null check (`delta` <> 0), `reason` varchar(40) not null, `at` integer not null default (cast(strftime('%s', 'now') as integer)));
CREATE TABLE `reviews` (`id` integer not null primary key autoincrement, `product_id` char(36) not null references `products` (`id`) on delete cascade, `user_id` integer references `users` (`id`) on delete set null, `rating` tinyint not null, `body` text, `approved` boolean not null default '0', `created_at` datetime default CURRENT_TIMESTAMP, unique (`product_id`, `user_id`), check (`rating` between 1 and 5));
CREATE TABLE `sessions` (`sid` varchar(255) not null, `sess` json not null, `expired` datetime not null, primary key (`sid`));
CREATE INDEX `sessions_expired_index` on `sessions` (`expired`);
CREATE TABLE `knex_migrations` (`id` integer not null primary key autoincrement, `name` varchar(255), `batch` integer, `migration_time` datetime);
CREATE TABLE `knex_migrations_lock` (`index` integer not null primary key autoincrement, `is_locked` integer);
CREATE VIEW `order_totals` as select `o`.`id`, `o`.`number`, `o`.`total`, count(`l`.`line`) as `lines`, sum(`l`.`quantity` * `l`.`unit_price`) as `value` from `orders` as `o` left join `order_lines` as `l` on `l`.`order_id` = `o`.`id` group by `o`.`id`;
CREATE VIEW `product_ratings` as select `product_id`, avg(`rating`) as `average`, count(*) as `votes`, max(`created_at`) as `latest` from `reviews` where `approved` = 1 group by `product_id` having count(*) > 0;
CREATE VIEW `daily_sales` as select date(`placed_at`) as `day`, count(*) as `orders`, sum(`total`) as `revenue`, group_concat(`number`) as `numbers` from `orders` where `status` not in ('cancelled') group by 1 order by 1 desc;
CREATE TRIGGER `stock_follows` AFTER INSERT ON `stock_movements` BEGIN UPDATE `products` SET `stock` = `stock` + NEW.`delta` WHERE `id` = NEW.`product_id`; END;
CREATE TRIGGER `users_updated` AFTER UPDATE OF `email`, `name`, `role` ON `users` FOR EACH ROW WHEN NEW.`updated_at` = OLD.`updated_at` BEGIN UPDATE `users` SET `updated_at` = datetime('now') WHERE `id` = OLD.`id`; END;
CREATE TRIGGER `orders_kept` BEFORE DELETE ON `orders` WHEN OLD.`paid_at` IS NOT NULL BEGIN SELECT RAISE(ABORT, 'paid orders are kept'); END;

INSERT INTO users (id, email, password_hash, name, is_active, role, preferences, last_login_at, created_at, updated_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
SELECT i, 'User' || i || '@Example.com', '$2b$10$' || hex(i * 7919), CASE WHEN i % 4 THEN 'Name ' || i END, i % 5 <> 0, CASE WHEN i = 1 THEN 'admin' WHEN i < 5 THEN 'staff' ELSE 'customer' END,
  CASE i % 3 WHEN 0 THEN '{"theme": "dark", "n": 1.0}' WHEN 1 THEN '{}' END,
  -- bound Dates of Knex are milliseconds
  CASE WHEN i % 2 THEN 1700000000000 + i * 1000 + 7 END, datetime('2022-01-01', '+' || i || ' days'), CASE WHEN i % 2 THEN 1650000000000 + i ELSE datetime('2023-01-01', '+' || i || ' hours') END
FROM n;
INSERT INTO addresses (user_id, line1, postcode, city, is_default) SELECT id, 'Straße ' || id, printf('%05d', id * 37), 'Köln', 1 FROM users WHERE id % 2;
INSERT INTO categories (id, parent_id, slug, name, position) VALUES (1, NULL, 'all', 'All', 0), (2, 1, 'tea', 'Tea', 1), (3, 2, 'green-tea', 'Green tea', NULL), (4, 1, 'cups', 'Cups', 2);
INSERT INTO products (id, sku, title, price, weight, stock, status, published_on, metadata, deleted_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
SELECT printf('00000000-0000-4000-8000-%012d', i), 'SKU-' || i, CASE i % 3 WHEN 0 THEN 'tea ' ELSE 'Tea ' END || i, i * 1.25, i / 3.0, i, CASE i % 4 WHEN 0 THEN 'draft' WHEN 1 THEN 'retired' ELSE 'live' END,
  CASE WHEN i % 4 THEN date('2023-01-01', '+' || i || ' days') END, json_object('brand', CASE WHEN i % 2 THEN 'Sencha & Co' END, 'tags', json_array('a', i)), CASE WHEN i % 10 = 0 THEN '2024-01-01 00:00:00' END
FROM n;
INSERT INTO product_categories SELECT id, 2 + stock % 3 FROM products;
INSERT INTO product_images (product_id, url, width, height, content) SELECT id, '/img/' || sku || '.png', 640, 480, CASE WHEN stock % 2 THEN x'89504e470d0a1a0a00' END FROM products WHERE stock % 3;
INSERT INTO coupons VALUES ('TEN', 'percent', 10, NULL, '2025-01-01 00:00:00', 3), ('five', 'amount', 5.5, 1672531200000, NULL, 0);
INSERT INTO orders (id, number, user_id, email, status, subtotal, shipping, discount, coupon_code, placed_at, paid_at, notes)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80)
SELECT i, printf('O-%06d', i), CASE WHEN i % 7 THEN 1 + i % 60 END, 'User' || i || '@Example.com', CASE i % 5 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'open' ELSE 'paid' END, i * 9.99, CASE WHEN i < 40 THEN 4.9 ELSE 0 END, i % 3 * 0.5,
  CASE WHEN i % 9 = 0 THEN 'TEN' END, datetime('2024-01-01', '+' || (i * 7) || ' hours'), CASE WHEN i % 5 > 1 THEN 1704067200000 + i * 25200000 END, CASE WHEN i % 11 = 0 THEN '' END
FROM n;
INSERT INTO order_lines SELECT o.id, k.column1, p.id, p.title, k.column1 + o.id % 3, p.price FROM orders o, (VALUES (1), (2)) k JOIN products p ON p.stock = 1 + (o.id * k.column1) % 40;
INSERT INTO payments (order_id, gateway, reference, amount_cents, state, raw) SELECT id, 'card', 'ch_' || id, CAST(round(total * 100) AS INTEGER), 'settled', '{"ok":true}' FROM orders WHERE paid_at IS NOT NULL;
INSERT INTO stock_movements (product_id, delta, reason, at) SELECT id, stock + 1, 'delivery', 1700000000 + stock FROM products;
INSERT INTO reviews (product_id, user_id, rating, body, approved) SELECT p.id, u.id, 1 + (u.id * p.stock) % 5, 'Review ' || u.id, u.id % 2 FROM products p JOIN users u ON u.id % 40 = p.stock % 40;
INSERT INTO sessions VALUES ('s1', '{"cookie":{"maxAge":1000},"user":1}', '2024-06-01 12:00:00'), ('s2', '{}', 1717243200000);
INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('20220101_init.js', 1, 1641000000000);
INSERT INTO knex_migrations_lock VALUES (1, 0);
