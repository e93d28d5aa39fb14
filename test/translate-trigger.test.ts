import test from 'ava';
import { TriggersOnBoth } from './helpers/triggers-on-both.ts';

interface Case {
  readonly title: string;
  readonly schema: string;
  readonly statements: readonly string[];
}

const TABLES = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER DEFAULT 0, flag BOOLEAN NOT NULL DEFAULT 0, price REAL, touched INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE u (id INTEGER PRIMARY KEY, t_id INTEGER, total INTEGER NOT NULL DEFAULT 0, note TEXT UNIQUE);
  CREATE TABLE log (seq INTEGER PRIMARY KEY, what TEXT);`;

const ROWS = [
  `INSERT INTO t (id, name, n, price) VALUES (1, 'one', 10, 1.5), (2, 'two', 20, NULL), (3, NULL, 30, 2)`,
  `INSERT INTO u (id, t_id, total, note) VALUES (1, 1, 5, 'a'), (2, 2, 6, 'b'), (3, 9, 7, 'c')`,
];

const CASES: readonly Case[] = [
  {
    title: 'what is inserted, updated and deleted is written to a log, row by row and in order',
    schema: `${TABLES}
      CREATE TRIGGER ins AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('+' || NEW.id || coalesce(NEW.name, '?') || NEW.n); END;
      CREATE TRIGGER upd AFTER UPDATE ON t BEGIN INSERT INTO log (what) VALUES (OLD.n || '>' || NEW.n); END;
      CREATE TRIGGER del AFTER DELETE ON t BEGIN INSERT INTO log (what) VALUES ('-' || OLD.id); INSERT INTO log (what) SELECT note FROM u WHERE t_id = OLD.id; END;`,
    statements: [
      `INSERT INTO t (id, name) VALUES (4, 'four'), (5, NULL)`,
      `INSERT INTO t (name) SELECT name FROM t WHERE id < 3 ORDER BY id`,
      `UPDATE t SET n = n + 1`,
      `DELETE FROM t WHERE id <= 2`,
    ],
  },
  {
    title: 'WHEN takes NULL for no, and UPDATE OF goes by what SET names, changed or not',
    schema: `${TABLES}
      CREATE TRIGGER a AFTER UPDATE OF name, n ON t WHEN NEW.n > 15 BEGIN INSERT INTO log (what) VALUES ('a' || NEW.id); END;
      CREATE TRIGGER b AFTER UPDATE OF price ON t WHEN NEW.price IS NOT OLD.price BEGIN INSERT INTO log (what) VALUES ('b' || NEW.id); END;
      CREATE TRIGGER c BEFORE UPDATE ON t WHEN NEW.flag BEGIN INSERT INTO log (what) VALUES ('c' || NEW.id); END;`,
    statements: [
      `UPDATE t SET name = name`,
      `UPDATE t SET n = NULL WHERE id = 2`,
      `UPDATE t SET price = 2`,
      `UPDATE t SET flag = 1 WHERE id = 1`,
      `UPDATE t SET flag = 1, price = 3 WHERE id = 2`,
      `UPDATE t SET flag = 0`,
    ],
  },
  {
    title: 'RAISE(ABORT) takes back the whole statement and says what SQLite says',
    schema: `${TABLES}
      CREATE TRIGGER no_bad BEFORE INSERT ON t WHEN NEW.name = 'bad' BEGIN INSERT INTO log (what) VALUES ('seen'); SELECT RAISE(ABORT, 'it''s bad'); END;
      CREATE TRIGGER no_less BEFORE UPDATE ON t BEGIN
        SELECT CASE WHEN NEW.n < OLD.n THEN RAISE(ABORT, 'less') WHEN NEW.n > 1000 THEN RAISE(ABORT, 'more') END;
        SELECT RAISE(ABORT, 'no such parent') WHERE NEW.price > 100 AND (SELECT id FROM u WHERE t_id = NEW.id) IS NULL;
      END;
      CREATE TRIGGER kept BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'in use') FROM u WHERE t_id = OLD.id; END;
      CREATE TRIGGER few AFTER INSERT ON u BEGIN SELECT CASE WHEN count(*) > 2 THEN RAISE(ROLLBACK, 'too many') END FROM t WHERE t.id < NEW.t_id; END;
      CREATE TRIGGER defaults BEFORE DELETE ON u BEGIN SELECT coalesce(OLD.note, (SELECT name FROM t WHERE id = OLD.t_id), RAISE(ABORT, 'nothing known')); END;`,
    statements: [
      `INSERT INTO t (id, name) VALUES (10, 'good'), (11, 'bad')`,
      `INSERT INTO t (id, name) VALUES (12, 'good')`,
      `UPDATE t SET n = n - 1 WHERE id = 2`,
      `UPDATE t SET n = 2000`,
      `UPDATE t SET price = 200 WHERE id = 1`,
      `UPDATE t SET price = 200`,
      `DELETE FROM t`,
      `DELETE FROM t WHERE id = 3`,
      `INSERT INTO u (id, t_id) VALUES (7, 2)`,
      `INSERT INTO u (id, t_id) VALUES (8, 100)`,
      `DELETE FROM u WHERE id = 1`,
      `DELETE FROM u WHERE id = 7`,
      `UPDATE u SET note = NULL WHERE id = 3`,
      `DELETE FROM u`,
    ],
  },
  {
    title: 'RAISE with a text that is made on the spot',
    schema: `${TABLES}
      CREATE TRIGGER no BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'row ' || OLD.id || ' stays: ' || OLD.name); END;`,
    statements: [`DELETE FROM t WHERE id = 2`, `DELETE FROM t WHERE id = 77`],
  },
  {
    title: 'RAISE(IGNORE) passes over the row, what comes after it in the trigger, and the triggers that follow',
    schema: `${TABLES}
      CREATE TRIGGER z_last BEFORE UPDATE ON t BEGIN INSERT INTO log (what) VALUES ('last ' || NEW.id); END;
      CREATE TRIGGER skip BEFORE UPDATE ON t WHEN NEW.id = 2 BEGIN INSERT INTO log (what) VALUES ('skip'); SELECT RAISE(IGNORE); INSERT INTO log (what) VALUES ('never'); END;
      CREATE TRIGGER after_it AFTER UPDATE ON t BEGIN INSERT INTO log (what) VALUES ('after ' || NEW.id); END;
      CREATE TRIGGER quiet BEFORE INSERT ON u BEGIN SELECT CASE WHEN NEW.note = 'x' THEN RAISE(IGNORE) WHEN NEW.note = 'y' THEN RAISE(ABORT, 'y') END; END;
      CREATE TRIGGER nested AFTER DELETE ON t BEGIN INSERT INTO u (id, note) VALUES (OLD.id + 100, 'x'); INSERT INTO u (id, note) VALUES (OLD.id + 200, OLD.id); END;`,
    statements: [
      `UPDATE t SET n = 0 WHERE id = 1`,
      `UPDATE t SET n = 0 WHERE id = 2`,
      `INSERT INTO u (id, note) VALUES (11, 'x'), (12, 'w'), (13, 'x')`,
      `INSERT INTO u (id, note) VALUES (14, 'v'), (15, 'y')`,
      `DELETE FROM t`,
    ],
  },
  {
    title: 'RAISE(IGNORE) after the row is written leaves it written',
    schema: `${TABLES}
      CREATE TRIGGER only AFTER UPDATE ON t BEGIN SELECT RAISE(IGNORE) WHERE NEW.id = 2; INSERT INTO log (what) VALUES (NEW.id); UPDATE t SET touched = touched + 1 WHERE id = NEW.id; END;`,
    statements: [`UPDATE t SET n = n + 1`, `UPDATE t SET n = n + 1`],
  },
  {
    title: 'a trigger that touches its own row does not fire itself, and does fire the others',
    schema: `${TABLES}
      CREATE TRIGGER touch AFTER UPDATE ON t BEGIN UPDATE t SET touched = touched + 1 WHERE id = NEW.id; END;
      CREATE TRIGGER watch AFTER UPDATE OF touched ON t BEGIN INSERT INTO log (what) VALUES (NEW.id || ':' || NEW.touched); END;
      CREATE TRIGGER made AFTER INSERT ON t BEGIN UPDATE t SET name = 'n' || NEW.id WHERE id = NEW.id AND NEW.name IS NULL; END;`,
    statements: [
      `UPDATE t SET n = 1`,
      `UPDATE t SET n = 2 WHERE id = 1`,
      `UPDATE t SET touched = 50 WHERE id = 2`,
      `INSERT INTO t (id) VALUES (8), (9)`,
      `INSERT INTO t (id) VALUES (8) ON CONFLICT (id) DO UPDATE SET n = 77`,
    ],
  },
  {
    title: 'triggers that fire each other stop where SQLite stops',
    schema: `${TABLES}
      CREATE TRIGGER x AFTER UPDATE ON t BEGIN INSERT INTO log (what) VALUES ('x' || NEW.n); UPDATE t SET n = n + 1 WHERE id = NEW.id; END;
      CREATE TRIGGER y AFTER UPDATE ON t BEGIN INSERT INTO log (what) VALUES ('y' || NEW.n); UPDATE t SET n = n + 10 WHERE id = NEW.id; END;`,
    statements: [`UPDATE t SET price = 9 WHERE id = 1`, `UPDATE t SET price = 8 WHERE id = 2`],
  },
  {
    title: 'a trigger that is guarded fires again for the next row, the next statement, and after an error',
    schema: `${TABLES}
      CREATE TRIGGER touch AFTER UPDATE ON t BEGIN
        SELECT RAISE(ABORT, 'no') WHERE NEW.n = 13;
        UPDATE t SET touched = touched + 1 WHERE id = NEW.id;
        SELECT RAISE(ABORT, 'late') WHERE NEW.n = 14;
      END;`,
    statements: [
      `UPDATE t SET n = 1`,
      `UPDATE t SET n = 14`,
      `UPDATE t SET n = 2`,
      `UPDATE t SET n = 13`,
      `UPDATE t SET n = 3`,
    ],
  },
  {
    title: 'several triggers of one event fire in the order of SQLite, the last one made first',
    schema: `${TABLES}
      CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('a'); END;
      CREATE TRIGGER b AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('b'); END;
      CREATE TRIGGER "C" AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('c'); END;`,
    statements: [`INSERT INTO t (id) VALUES (20)`],
  },
  {
    title: 'counters of another table follow',
    schema: `${TABLES}
      CREATE TRIGGER added AFTER INSERT ON u BEGIN UPDATE t SET n = n + NEW.total, touched = touched + 1 WHERE id = NEW.t_id; END;
      CREATE TRIGGER removed AFTER DELETE ON u BEGIN UPDATE t SET n = n - OLD.total WHERE id = OLD.t_id; END;
      CREATE TRIGGER moved AFTER UPDATE OF t_id, total ON u WHEN OLD.t_id IS NOT NEW.t_id OR OLD.total <> NEW.total BEGIN
        UPDATE t SET n = n - OLD.total WHERE id = OLD.t_id;
        UPDATE t SET n = n + NEW.total WHERE id = NEW.t_id;
      END;`,
    statements: [
      `INSERT INTO u (t_id, total) VALUES (1, 3), (1, 4), (3, 5), (NULL, 6)`,
      `UPDATE u SET t_id = 3 WHERE t_id = 1`,
      `UPDATE u SET total = total * 2`,
      `UPDATE u SET note = NULL`,
      `DELETE FROM u WHERE t_id = 3`,
    ],
  },
  {
    title: 'upserts and OR IGNORE within and around triggers',
    schema: `${TABLES}
      CREATE TRIGGER count_it AFTER INSERT ON t BEGIN
        INSERT INTO u (id, note, total) VALUES (NEW.id + 100, NEW.name, 1) ON CONFLICT (note) DO UPDATE SET total = total + excluded.total WHERE u.total < 7;
        INSERT OR IGNORE INTO u (id, note) VALUES (NEW.id + 200, 'c'), (NEW.id + 300, 'd');
      END;
      CREATE TRIGGER bi BEFORE INSERT ON u BEGIN SELECT 1; END;
      CREATE TRIGGER bu BEFORE UPDATE ON u BEGIN INSERT INTO log (what) VALUES ('bu' || OLD.total); END;`,
    statements: [
      `INSERT INTO t (id, name) VALUES (10, 'a'), (11, 'new'), (12, 'new'), (13, 'c')`,
      `INSERT INTO u (id, note) VALUES (1, 'zz') ON CONFLICT (id) DO UPDATE SET total = total + 100`,
    ],
  },
  {
    title: 'a view takes inserts, updates and deletes by its triggers',
    schema: `${TABLES}
      CREATE VIEW v AS SELECT t.id, t.name AS title, u.total FROM t LEFT JOIN u ON u.t_id = t.id;
      CREATE TRIGGER v_ins INSTEAD OF INSERT ON v WHEN NEW.title IS NOT NULL BEGIN
        INSERT INTO t (id, name) VALUES (NEW.id, NEW.title);
        INSERT INTO u (t_id, total) VALUES (NEW.id, coalesce(NEW.total, 0));
      END;
      CREATE TRIGGER v_upd INSTEAD OF UPDATE ON v BEGIN
        SELECT RAISE(IGNORE) WHERE NEW.title = 'same';
        UPDATE t SET name = NEW.title WHERE id = OLD.id;
        UPDATE u SET total = NEW.total WHERE t_id = OLD.id;
      END;
      CREATE TRIGGER v_del INSTEAD OF DELETE ON v BEGIN DELETE FROM u WHERE t_id = OLD.id; DELETE FROM t WHERE id = OLD.id; END;`,
    statements: [
      `INSERT INTO v (id, title, total) VALUES (31, 'thirty', 3), (32, 'more', NULL), (33, NULL, 1)`,
      `UPDATE v SET title = title || '!', total = total + 1 WHERE id > 1`,
      `UPDATE v SET title = 'same'`,
      `DELETE FROM v WHERE total > 6 OR id = 3`,
    ],
  },
  {
    title: 'what foreign keys delete and change fires triggers too',
    schema: `
      CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p ON DELETE CASCADE, code TEXT REFERENCES p (code) ON UPDATE CASCADE ON DELETE SET NULL);
      CREATE TABLE log (seq INTEGER PRIMARY KEY, what TEXT); CREATE TABLE plog (seq INTEGER PRIMARY KEY, what TEXT); CREATE TABLE blog (seq INTEGER PRIMARY KEY, what TEXT);
      CREATE TRIGGER c_del AFTER DELETE ON c BEGIN INSERT INTO log (what) VALUES ('c' || OLD.id); UPDATE p SET n = n - 1 WHERE id = OLD.p_id; END;
      CREATE TRIGGER c_upd AFTER UPDATE OF code ON c BEGIN INSERT INTO log (what) VALUES ('u' || coalesce(NEW.code, '-')); END;
      CREATE TRIGGER p_del AFTER DELETE ON p BEGIN INSERT INTO plog (what) VALUES ('p' || OLD.id); END;
      CREATE TRIGGER p_before BEFORE DELETE ON p BEGIN INSERT INTO blog (what) SELECT 'b' || count(*) FROM c; END;`,
    statements: [
      `INSERT INTO p (id, code) VALUES (1, 'a'), (2, 'b'), (3, 'c')`,
      `INSERT INTO c (id, p_id, code) VALUES (1, 1, 'b'), (2, 1, NULL), (3, 2, 'c')`,
      `UPDATE p SET code = 'bb' WHERE id = 2`,
      `DELETE FROM c WHERE id = 2`,
      `DELETE FROM p WHERE id = 1`,
      `DELETE FROM p WHERE id = 3`,
    ],
  },
  {
    title: 'BEFORE triggers see the rows that the statement has written so far, and values that NOT NULL will refuse',
    schema: `${TABLES}
      CREATE TABLE strict_one (id INTEGER PRIMARY KEY, name TEXT NOT NULL, n INTEGER CHECK (n < 100));
      CREATE TRIGGER limited BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'full') WHERE (SELECT count(*) FROM t) >= 5; END;
      CREATE TRIGGER nulls BEFORE INSERT ON strict_one WHEN NEW.name IS NULL BEGIN SELECT RAISE(IGNORE); END;
      CREATE TRIGGER big BEFORE INSERT ON strict_one WHEN NEW.n > 100 BEGIN INSERT INTO log (what) VALUES ('big'); SELECT RAISE(IGNORE); END;`,
    statements: [
      `INSERT INTO t (id) VALUES (6), (7), (8)`,
      `INSERT INTO t (id) VALUES (6), (7)`,
      `INSERT INTO t (id) VALUES (8)`,
      `INSERT INTO strict_one (id, name, n) VALUES (1, NULL, 1), (2, 'x', 500), (3, 'y', 5)`,
      `INSERT INTO strict_one (id, name, n) VALUES (4, 'x', 100)`,
    ],
  },
  {
    title: 'names that PL/pgSQL has for itself, and names in need of quotes, mean what they mean in SQLite',
    schema: `
      CREATE TABLE "odd table" (id INTEGER PRIMARY KEY, found TEXT, tg_op TEXT, "select" TEXT, "a ""b""" INTEGER DEFAULT 1);
      CREATE TABLE log (seq INTEGER PRIMARY KEY, found TEXT, tg_op TEXT, what TEXT);
      CREATE TRIGGER "odd ""trigger""" AFTER UPDATE ON "odd table" WHEN NEW."a ""b""" = 2 BEGIN
        INSERT INTO log (found, tg_op, what) SELECT found, tg_op, '$crossfade$' || "select" FROM "odd table" WHERE id = NEW.id;
        UPDATE log SET tg_op = found || ' \\ ?' WHERE found IS NOT NULL;
      END;
      CREATE TRIGGER now BEFORE DELETE ON "odd table" BEGIN SELECT RAISE(ABORT, 'now, "quoted" and %s'); END;`,
    statements: [
      `INSERT INTO "odd table" (id, found, tg_op, "select") VALUES (1, 'f', 'o', 's'), (2, NULL, 'x', 'y')`,
      `UPDATE "odd table" SET "a ""b""" = 2`,
      `DELETE FROM "odd table"`,
    ],
  },
  {
    title: 'a flat RAISE(FAIL) and statements in a transaction',
    schema: `${TABLES}
      CREATE TRIGGER grows BEFORE DELETE ON log BEGIN SELECT RAISE(FAIL, 'it only grows'); END;
      CREATE TRIGGER logs AFTER UPDATE ON t BEGIN INSERT INTO log (what) VALUES (NEW.id); SELECT iif(NEW.n = 4, RAISE(ABORT, 'four'), 0); END;`,
    statements: [`DELETE FROM log`, `UPDATE t SET n = 3`, `UPDATE t SET n = n + 1 WHERE id = 3`, `DELETE FROM log`],
  },
];

for (const { title, schema, statements } of CASES) {
  test(title, async (t) => {
    const both = await TriggersOnBoth.open(t, schema);
    const seed = schema.startsWith(TABLES) ? ROWS : [];
    for (const sql of [...seed, ...statements]) {
      const outcome = await both.run(sql);
      t.is(outcome.postgres, outcome.sqlite, sql);
      const rows = await both.rows();
      t.deepEqual(rows.postgres, rows.sqlite, sql);
    }
  });
}
