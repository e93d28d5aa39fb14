-- As drizzle-kit writes it: backticks, unixepoch() and json_array() as defaults, breakpoints between the statements.
CREATE TABLE `accounts` (
	`id` text PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))) NOT NULL,
	`email` text NOT NULL,
	`plan` text DEFAULT 'free' NOT NULL,
	`seats` integer DEFAULT 1 NOT NULL,
	`active` integer DEFAULT true NOT NULL,
	`tags` text DEFAULT (json_array()) NOT NULL,
	`prefs` text DEFAULT '{"theme":"light"}' NOT NULL,
	`limits` text DEFAULT (json_object('tickets', 10, 'ratio', 0.5)),
	`created_at` integer DEFAULT (unixepoch()) NOT NULL,
	`updated_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`trial_ends` integer DEFAULT (unixepoch('now', '+14 days')),
	`day` text DEFAULT (CURRENT_DATE) NOT NULL,
	`clock` text DEFAULT (CURRENT_TIME),
	`iso` text DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
	`amount` real DEFAULT 0 NOT NULL,
	`rate` numeric DEFAULT '0.00',
	`bits` blob DEFAULT (x'0001'),
	CONSTRAINT "seats_check" CHECK("accounts"."seats" > 0 AND "accounts"."seats" < 1000),
	CONSTRAINT "plan_check" CHECK("accounts"."plan" in ('free', 'pro', 'team')),
	CONSTRAINT "tags_check" CHECK(json_array_length("accounts"."tags") <= 5),
	CONSTRAINT "email_check" CHECK("accounts"."email" like '%_@%' and "accounts"."email" = trim("accounts"."email"))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_email_unique` ON `accounts` (lower("email"));--> statement-breakpoint
CREATE TABLE `tickets` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`account_id` text NOT NULL,
	`number` integer NOT NULL,
	`title` text(200) NOT NULL,
	`state` text DEFAULT 'open' NOT NULL,
	`prio` integer DEFAULT 0 NOT NULL,
	`assignee` text,
	`opened_at` integer DEFAULT (strftime('%s', 'now')) NOT NULL,
	`closed_at` integer,
	`title_length` integer GENERATED ALWAYS AS (length("title")) VIRTUAL,
	`search` text GENERATED ALWAYS AS (lower(title) || ' #' || number) STORED,
	`open_days` integer GENERATED ALWAYS AS ((coalesce(closed_at, opened_at) - opened_at) / 86400) VIRTUAL NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "closed_after" CHECK("tickets"."closed_at" is null or "tickets"."closed_at" >= "tickets"."opened_at"),
	CONSTRAINT "prio_check" CHECK("tickets"."prio" between -2 and 2)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tickets_account_number` ON `tickets` (`account_id`,`number`);--> statement-breakpoint
CREATE INDEX `tickets_open` ON `tickets` (`prio` DESC,`opened_at`) WHERE "tickets"."state" <> 'closed';--> statement-breakpoint
CREATE INDEX `tickets_search` ON `tickets` (`search`,`title_length`);--> statement-breakpoint
CREATE TABLE `messages` (`ticket_id` integer NOT NULL REFERENCES `tickets`(`id`) ON DELETE cascade, `seq` integer NOT NULL, `at` integer NOT NULL, `from` text, `body` text NOT NULL, `internal` integer DEFAULT false, PRIMARY KEY(`ticket_id`, `seq`));
--> statement-breakpoint
CREATE VIEW `ticket_view` AS select "tickets"."id", "accounts"."email", '#' || "tickets"."number" || ': ' || "title" as "label", "state", datetime("opened_at", 'unixepoch') as "opened", (strftime('%s', '2024-06-01') - "opened_at") / 3600 as "hours", case "prio" when 2 then 'urgent' when 1 then 'high' when 0 then 'normal' else 'low' end as "prio_name", (select count(*) from "messages" where "messages"."ticket_id" = "tickets"."id" and not "internal") as "messages", "open_days" from "tickets" inner join "accounts" on "tickets"."account_id" = "accounts"."id" where "accounts"."active" = true;
--> statement-breakpoint
CREATE VIEW `account_stats` AS with "sq" as (select "account_id", count(*) as "n", avg("prio") as "prio", sum("closed_at" is not null) as "closed", min("opened_at") as "first" from "tickets" group by "account_id") select "accounts"."email", coalesce("sq"."n", 0) as "n", "sq"."prio", ifnull(cast("sq"."closed" as real) / nullif("sq"."n", 0), 0.0) as "share", date("sq"."first", 'unixepoch', 'weekday 1') as "monday", strftime('%j', "sq"."first", 'unixepoch') as "yearday", json_extract("accounts"."prefs", '$.theme') = 'dark' as "dark", json_array_length("accounts"."tags") as "tags", "accounts"."rate" + 1 as "rate" from "accounts" left join "sq" on "sq"."account_id" = "accounts"."id" order by "n" desc, "accounts"."email";
--> statement-breakpoint
CREATE VIEW `tag_view` AS select "je"."value" as "tag", count(distinct "accounts"."id") as "n", min("accounts"."email") as "first" from "accounts", json_each("accounts"."tags") as "je" where "je"."type" = 'text' group by "je"."value";
--> statement-breakpoint
CREATE VIEW `last_messages` AS select "ticket_id", "seq", "body", lag("at") over (partition by "ticket_id" order by "seq") as "before", "at" - lag("at", 1, "at") over (partition by "ticket_id" order by "seq") as "gap", count(*) over (partition by "ticket_id") as "of", max("at") over (partition by "ticket_id" order by "seq" rows between 1 preceding and 1 following) as "near" from "messages" where "from" is not 'bot';
--> statement-breakpoint
CREATE VIEW `first_words` AS select "id", substr("title", 1, instr("title" || ' ', ' ') - 1) as "word", upper(substr("title", 1, 1)) || substr("title", 2) as "capital", ltrim(rtrim("title", '0123456789')) as "bare", "title" glob 'P*' as "p", "title" like 'p%' as "p_any", "number" % 7 as "week", -"number" / 2 as "half", "number" / 2.0 as "exact", ~"prio" as "inverse", "prio" & 1 as "odd" from "tickets";

INSERT INTO accounts (id, email, plan, seats, active, tags, prefs, created_at, updated_at, amount, rate) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT printf('%016x', i), 'Mail' || i || '@x.example', CASE i % 3 WHEN 0 THEN 'free' WHEN 1 THEN 'pro' ELSE 'team' END, i, i % 6 <> 0, CASE i % 3 WHEN 0 THEN '[]' WHEN 1 THEN json_array('vip', 't' || (i % 4)) ELSE json_array('t' || (i % 4), i) END, json_object('theme', CASE WHEN i % 2 THEN 'dark' ELSE 'light' END), 1700000000 + i, 1700000000000 + i, i * 1.1, i / 4.0 FROM n;
INSERT INTO tickets (account_id, number, title, state, prio, assignee, opened_at, closed_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 180) SELECT printf('%016x', 1 + i % 40), i, CASE i % 4 WHEN 0 THEN 'Printer ' WHEN 1 THEN 'password lost ' WHEN 2 THEN 'Öl ' ELSE '' END || i, CASE WHEN i % 3 = 0 THEN 'closed' ELSE 'open' END, i % 5 - 2, NULL, 1710000000 + i * 10000, CASE WHEN i % 3 = 0 THEN 1710000000 + i * 23457 END FROM n;
INSERT INTO messages SELECT t.id, s.value, t.opened_at + s.value * 60, CASE s.value WHEN 2 THEN 'bot' WHEN 3 THEN NULL ELSE 'user' END, 'm' || s.value, s.value % 2 FROM tickets t, json_each('[1,2,3,4]') s WHERE t.id % 3 OR s.value < 2;
