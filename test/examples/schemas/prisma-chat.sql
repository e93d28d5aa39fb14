-- What is left of two years of Prisma's migrations, with the tables that they rebuilt, and the rows of a chat.
CREATE TABLE "_prisma_migrations" ("id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, "finished_at" DATETIME, "migration_name" TEXT NOT NULL, "logs" TEXT, "rolled_back_at" DATETIME, "started_at" DATETIME NOT NULL DEFAULT current_timestamp, "applied_steps_count" INTEGER UNSIGNED NOT NULL DEFAULT 0);
-- CreateTable
CREATE TABLE "User" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "email" TEXT NOT NULL,
    "name" TEXT,
    "role" TEXT NOT NULL DEFAULT 'USER',
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
CREATE TABLE "Room" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "slug" TEXT NOT NULL, "isPrivate" BOOLEAN NOT NULL DEFAULT false, "topic" TEXT NOT NULL DEFAULT '', "ownerId" TEXT NOT NULL, "size" BIGINT NOT NULL DEFAULT 0, "ratio" REAL NOT NULL DEFAULT 1, CONSTRAINT "Room_ownerId_fkey" FOREIGN KEY ("ownerId") REFERENCES "User" ("id") ON DELETE RESTRICT ON UPDATE CASCADE);
CREATE TABLE "Message" ("id" TEXT NOT NULL PRIMARY KEY, "roomId" INTEGER NOT NULL, "authorId" TEXT, "body" TEXT NOT NULL, "attachment" BLOB, "meta" JSONB, "price" DECIMAL, "sentAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "editedAt" DATETIME, "replyToId" TEXT, CONSTRAINT "Message_roomId_fkey" FOREIGN KEY ("roomId") REFERENCES "Room" ("id") ON DELETE CASCADE ON UPDATE CASCADE, CONSTRAINT "Message_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE, CONSTRAINT "Message_replyToId_fkey" FOREIGN KEY ("replyToId") REFERENCES "Message" ("id") ON DELETE SET NULL ON UPDATE CASCADE);
CREATE INDEX "Message_roomId_sentAt_idx" ON "Message"("roomId", "sentAt" DESC);
CREATE TABLE "_RoomToUser" ("A" INTEGER NOT NULL, "B" TEXT NOT NULL, CONSTRAINT "_RoomToUser_A_fkey" FOREIGN KEY ("A") REFERENCES "Room" ("id") ON DELETE CASCADE ON UPDATE CASCADE, CONSTRAINT "_RoomToUser_B_fkey" FOREIGN KEY ("B") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE);
CREATE UNIQUE INDEX "_RoomToUser_AB_unique" ON "_RoomToUser"("A", "B");
CREATE INDEX "_RoomToUser_B_index" ON "_RoomToUser"("B");
CREATE TABLE "Reaction" ("messageId" TEXT NOT NULL, "userId" TEXT NOT NULL, "emoji" TEXT NOT NULL, "at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY ("messageId", "userId", "emoji"), CONSTRAINT "Reaction_messageId_fkey" FOREIGN KEY ("messageId") REFERENCES "Message" ("id") ON DELETE CASCADE ON UPDATE CASCADE);
-- RedefineTables
PRAGMA defer_foreign_keys=ON;
PRAGMA foreign_keys=OFF;
CREATE TABLE "new_User" ("id" TEXT NOT NULL PRIMARY KEY, "email" TEXT NOT NULL, "name" TEXT, "role" TEXT NOT NULL DEFAULT 'USER', "banned" BOOLEAN NOT NULL DEFAULT false, "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" DATETIME NOT NULL, CONSTRAINT "role_known" CHECK ("role" IN ('USER', 'ADMIN', 'BOT')));
INSERT INTO "new_User" ("createdAt", "email", "id", "name", "role", "updatedAt") SELECT "createdAt", "email", "id", "name", "role", coalesce("createdAt", CURRENT_TIMESTAMP) FROM "User";
DROP TABLE "User";
ALTER TABLE "new_User" RENAME TO "User";
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
PRAGMA foreign_key_check;
PRAGMA defer_foreign_keys=OFF;
ALTER TABLE "Room" ADD COLUMN "archivedAt" DATETIME;
ALTER TABLE "Message" RENAME COLUMN "meta" TO "metadata";
CREATE VIEW "RoomActivity" AS SELECT r."id", r."slug", r."isPrivate", COUNT(m."id") AS "messages", COUNT(DISTINCT m."authorId") AS "authors", MAX(m."sentAt") AS "lastAt", SUM(length(m."body")) AS "letters", SUM(CASE WHEN m."replyToId" IS NULL THEN 1 ELSE 0 END) * 1.0 / COUNT(*) AS "threads", TOTAL(m."price") AS "price" FROM "Room" r LEFT JOIN "Message" m ON m."roomId" = r."id" GROUP BY r."id" ORDER BY "messages" DESC, r."id";
CREATE VIEW "Thread" AS WITH RECURSIVE t AS (SELECT "id", "replyToId", "body", 1 AS "depth", "id" AS "root" FROM "Message" WHERE "replyToId" IS NULL UNION ALL SELECT m."id", m."replyToId", m."body", t."depth" + 1, t."root" FROM "Message" m JOIN t ON m."replyToId" = t."id" WHERE t."depth" < 10) SELECT "root", COUNT(*) AS "replies", MAX("depth") AS "depth", substr(MAX("body"), -4) AS "end", substr(MIN("body"), 0, 4) AS "begin" FROM t GROUP BY "root";
CREATE VIEW "EmojiCount" AS SELECT "emoji", COUNT(*) AS "n", COUNT(*) * 100 / (SELECT COUNT(*) FROM "Reaction") AS "percent", unicode("emoji") AS "point", hex("emoji") AS "bytes", ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, "emoji") AS "place" FROM "Reaction" GROUP BY "emoji";
CREATE VIEW "Silent" AS SELECT u."name" || ' <' || u."email" || '>' AS "who", COALESCE(u."name", u."email", 'nobody') AS "shown", iif(u."banned", 'banned', 'fine') AS "state", u."role" = 'ADMIN' AS "admin" FROM "User" u WHERE NOT EXISTS (SELECT 1 FROM "Message" m WHERE m."authorId" = u."id" AND m."roomId" > 2) AND u."id" NOT IN (SELECT "B" FROM "_RoomToUser" WHERE "A" = 1);
CREATE VIEW "Pairs" AS SELECT a."A" AS "room", a."B" AS "one", b."B" AS "other" FROM "_RoomToUser" a CROSS JOIN "_RoomToUser" b USING ("A") WHERE a."B" < b."B";
CREATE VIEW "Prices" AS SELECT "id", "price", "price" * 3 AS "triple", CAST("price" AS INTEGER) AS "whole", round("price") AS "rounded", round("price", 1) AS "tenth", "price" || '' AS "text", typeof("sentAt") AS "kind", max("price", 10) AS "least", abs("price" - 50) AS "off" FROM "Message" WHERE "price" IS NOT NULL;

INSERT INTO "_prisma_migrations" ("id", "checksum", "finished_at", "migration_name", "started_at", "applied_steps_count") VALUES ('b1f0', 'abc', 1700000000123, '20230101_init', 1700000000000, 1);
INSERT INTO "User" ("id", "email", "name", "role", "createdAt", "updatedAt") WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) SELECT 'clx' || printf('%021d', i), 'u' || i || '@example.com', CASE WHEN i % 4 THEN 'Ünï ' || i END, CASE WHEN i = 1 THEN 'ADMIN' WHEN i % 9 = 0 THEN 'BOT' ELSE 'USER' END, 1690000000000 + i * 86400000, 1700000000000 + i FROM n;
INSERT INTO "Room" ("slug", "isPrivate", "topic", "ownerId", "size", "ratio") SELECT 'room-' || substr("id", -2), rowid % 2, '', "id", rowid * 5000000000, rowid / 3.0 FROM "User" LIMIT 8;
INSERT INTO "Message" ("id", "roomId", "authorId", "body", "attachment", "metadata", "price", "sentAt", "editedAt", "replyToId") WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 220) SELECT 'm' || i, 1 + i % 7, CASE WHEN i % 10 THEN 'clx' || printf('%021d', 1 + i % 50) END, 'Hello — ' || i || char(10) || '👋', CASE WHEN i % 20 = 0 THEN randomblob(3) END, CASE WHEN i % 3 = 0 THEN '{"i":' || i || '}' END, CASE WHEN i % 5 = 0 THEN i * 0.25 WHEN i % 5 = 1 THEN i END, 1700000000000 + i * 60000, NULL, CASE WHEN i % 3 THEN 'm' || (i / 2) END FROM n WHERE i > 1;
INSERT INTO "_RoomToUser" SELECT r."id", u."id" FROM "Room" r JOIN "User" u ON u.rowid % 8 = r."id" % 5;
INSERT INTO "Reaction" ("messageId", "userId", "emoji", "at") SELECT "id", "authorId", CASE rowid % 3 WHEN 0 THEN '👍' WHEN 1 THEN '❤️' ELSE 'ok' END, "sentAt" FROM "Message" WHERE "authorId" IS NOT NULL;
