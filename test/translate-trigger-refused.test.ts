import test from 'ava';
import { translateSchema } from '../migrations/schema.ts';
import { sqliteFile } from './helpers/sqlite.ts';

const TABLES = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER, twice INTEGER AS (n * 2));
  CREATE TABLE u (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t, total INTEGER);
  CREATE TABLE child (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t ON DELETE CASCADE);
  CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
  CREATE VIEW v AS SELECT id, name FROM t;
  CREATE VIRTUAL TABLE docs USING fts5 (body);`;

/** Each a trigger called `subject`, what else there is, and why it is refused; null where it is not. */
const CASES: readonly (readonly [code: string | null, trigger: string, more?: string])[] = [
  // What it does with its own table.
  ['trigger-reads-own-table', `AFTER INSERT ON t BEGIN INSERT INTO log (what) SELECT count(*) FROM t; END`],
  ['trigger-reads-own-table', `AFTER INSERT ON t BEGIN UPDATE log SET what = (SELECT max(name) FROM v); END`],
  ['trigger-reads-own-table', `AFTER UPDATE ON t WHEN NEW.id IN (SELECT id FROM t) BEGIN DELETE FROM log; END`],
  ['trigger-reads-own-table', `AFTER UPDATE ON t WHEN NEW.id IN t BEGIN DELETE FROM log; END`],
  ['trigger-writes-own-table', `AFTER INSERT ON t BEGIN UPDATE t SET n = 0 WHERE id <> NEW.id; END`],
  ['trigger-writes-own-table', `AFTER UPDATE ON t BEGIN UPDATE t SET n = 0 WHERE id = NEW.id OR n = 1; END`],
  ['trigger-writes-own-table', `AFTER UPDATE ON t BEGIN UPDATE t SET id = id + 1 WHERE id = NEW.id; END`],
  ['trigger-writes-own-table', `AFTER INSERT ON t BEGIN INSERT INTO t (name) VALUES ('x'); END`],
  ['trigger-writes-own-table', `BEFORE UPDATE ON t BEGIN UPDATE t SET n = 1 WHERE id = NEW.id; END`],
  ['trigger-writes-own-table', `BEFORE INSERT ON t BEGIN INSERT INTO t (n) VALUES (1); END`],
  [
    'trigger-writes-own-table',
    `BEFORE DELETE ON log BEGIN DELETE FROM u; END`,
    `CREATE TRIGGER more AFTER DELETE ON u BEGIN UPDATE log SET what = 'x'; END`,
  ],
  [null, `AFTER UPDATE ON t BEGIN UPDATE t AS mine SET n = n + 1 WHERE NEW.rowid = mine.id AND n > 1; END`],
  [null, `AFTER UPDATE ON t WHEN (SELECT n FROM t WHERE id = NEW.id) > 1 BEGIN DELETE FROM log; END`],
  [null, `BEFORE UPDATE ON t BEGIN INSERT INTO log (what) SELECT count(*) FROM t; END`],
  // What others do meanwhile.
  [
    'trigger-between-rows',
    `AFTER INSERT ON t BEGIN UPDATE log SET what = NEW.name WHERE id = 1; END`,
    `CREATE TRIGGER other BEFORE INSERT ON t WHEN (SELECT what FROM log WHERE id = 1) = 'x' BEGIN SELECT RAISE(IGNORE); END`,
  ],
  [
    'trigger-before-cascade',
    `AFTER DELETE ON t BEGIN INSERT INTO log (what) SELECT total FROM u WHERE id = OLD.id; END`,
    `CREATE TRIGGER other AFTER DELETE ON child BEGIN UPDATE u SET total = total - 1 WHERE id = OLD.t_id; END`,
  ],
  ['trigger-mends-foreign-key', `AFTER DELETE ON t BEGIN DELETE FROM u WHERE t_id = OLD.id; END`],
  ['trigger-mends-foreign-key', `AFTER INSERT ON u BEGIN INSERT INTO t (id) VALUES (NEW.t_id); END`],
  [null, `BEFORE DELETE ON t BEGIN DELETE FROM u WHERE t_id = OLD.id; END`],
  [null, `AFTER INSERT ON u BEGIN UPDATE t SET n = n + NEW.total WHERE id = NEW.t_id; END`],
  // NEW before there is a row.
  ['trigger-new-rowid', `BEFORE INSERT ON t BEGIN INSERT INTO log (what) VALUES (NEW.id); END`],
  ['trigger-new-rowid', `BEFORE INSERT ON t WHEN NEW.rowid > 1 BEGIN DELETE FROM log; END`],
  ['trigger-generated-column', `BEFORE UPDATE ON t WHEN NEW.twice > 1 BEGIN DELETE FROM log; END`],
  ['trigger-generated-column', `AFTER UPDATE OF twice ON t BEGIN DELETE FROM log; END`],
  [null, `AFTER INSERT ON t WHEN NEW.twice > 1 BEGIN INSERT INTO log (what) VALUES (NEW.id); END`],
  [null, `BEFORE UPDATE ON t WHEN OLD.twice > 1 BEGIN INSERT INTO log (what) VALUES (NEW.id); END`],
  // RAISE.
  ['trigger-raise-fail', `BEFORE DELETE ON t WHEN OLD.n = 1 BEGIN SELECT RAISE(FAIL, 'x'); END`],
  ['trigger-raise-fail', `AFTER DELETE ON t BEGIN SELECT RAISE(FAIL, 'x'); END`],
  ['trigger-raise-fail', `BEFORE DELETE ON child BEGIN SELECT RAISE(FAIL, 'x'); END`],
  [null, `BEFORE DELETE ON t BEGIN SELECT RAISE(FAIL, 'x'); END`],
  [
    'raise-place',
    `BEFORE INSERT ON t BEGIN INSERT INTO log (what) VALUES (CASE WHEN NEW.n = 1 THEN RAISE(ABORT, 'x') END); END`,
  ],
  ['raise-place', `BEFORE INSERT ON t BEGIN SELECT 1 + RAISE(ABORT, 'x'); END`],
  ['raise-place', `BEFORE INSERT ON t BEGIN SELECT 1 UNION SELECT RAISE(ABORT, 'x'); END`],
  [
    'trigger-raise-ignore',
    `AFTER INSERT ON t BEGIN SELECT RAISE(IGNORE); END`,
    `CREATE TRIGGER other AFTER INSERT ON t BEGIN DELETE FROM log; END`,
  ],
  // Conflict clauses.
  [
    'trigger-conflict-clause',
    `AFTER INSERT ON u BEGIN INSERT OR REPLACE INTO log (id, what) VALUES (1, 'x'); END`,
    `CREATE TRIGGER other AFTER UPDATE ON log BEGIN DELETE FROM child; END`,
  ],
  ['trigger-conflict-clause', `BEFORE INSERT ON log BEGIN REPLACE INTO t (id, n) VALUES (1, 2); END`],
  [
    'trigger-conflict-clause',
    `AFTER INSERT ON u BEGIN INSERT OR IGNORE INTO log (id, what) VALUES (1, 'x'); END`,
    `CREATE TRIGGER other AFTER INSERT ON log BEGIN INSERT INTO child (id) VALUES (1); END`,
  ],
  ['update-or', `AFTER INSERT ON u BEGIN UPDATE OR IGNORE log SET id = 1; END`],
  [null, `AFTER INSERT ON u BEGIN REPLACE INTO log (id, what) VALUES (1, 'x'); END`],
  // What there is no counterpart of.
  ['trigger-columns', `INSTEAD OF UPDATE OF name ON v BEGIN DELETE FROM log; END`],
  ['trigger-virtual-table', `AFTER INSERT ON t BEGIN INSERT INTO docs (body) VALUES (NEW.name); END`],
  ['changes', `AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (changes()); END`],
  ['last-insert-rowid', `AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (last_insert_rowid()); END`],
];

for (const [code, trigger, more] of CASES) {
  test(`${code ?? 'translated'}: ${trigger}${more === undefined ? '' : `, ${more}`}`, async (t) => {
    const path = sqliteFile(t, `${TABLES} CREATE TRIGGER subject ${trigger}; ${more ?? ''}`);
    const { findings, plan } = await translateSchema({ kind: 'sqlite', path, omit: ['table:docs'] });
    const rejections = findings.filter(
      ({ severity, place }) => severity === 'rejection' && place.trigger === 'subject',
    );
    t.deepEqual(
      rejections.map((finding) => finding.code),
      code === null ? [] : [code],
      rejections[0]?.message,
    );
    t.true(rejections.every(({ remedy }) => remedy?.includes('omit: ["trigger:subject"]') === true));
    t.is(
      plan.triggers.some(({ name }) => name === 'subject'),
      code === null,
    );
  });
}

test('a trigger on what is left out is left out with it, and said to be', async (t) => {
  const path = sqliteFile(
    t,
    `CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY);
     CREATE TRIGGER on_a AFTER INSERT ON a BEGIN DELETE FROM b; END;
     CREATE TRIGGER on_b AFTER INSERT ON b BEGIN DELETE FROM a; END;`,
  );
  const { findings, plan } = await translateSchema({ kind: 'sqlite', path, omit: ['table:a'] });
  t.deepEqual(plan.triggers, []);
  t.deepEqual(
    findings
      .filter(({ severity }) => severity !== 'note')
      .map(({ severity, code, place }) => `${severity} ${code} ${place.trigger ?? place.table ?? ''}`)
      .sort(),
    ['rejection unknown-table on_b', 'warning left-out a', 'warning left-out on_a'],
  );
});

test('names are shortened to what PostgreSQL keeps, and functions take no name of a table', async (t) => {
  const long = 'x'.repeat(70);
  const path = sqliteFile(
    t,
    `CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b_trigger (id INTEGER PRIMARY KEY);
     CREATE TRIGGER ${long} AFTER INSERT ON a BEGIN DELETE FROM b_trigger; END;
     CREATE TRIGGER b AFTER DELETE ON a BEGIN DELETE FROM b_trigger; END;`,
  );
  const { plan, findings } = await translateSchema({ kind: 'sqlite', path });
  t.true(plan.triggers.every(({ name }) => Buffer.byteLength(name) <= 63));
  t.true(findings.some(({ code, place }) => code === 'trigger-renamed' && place.trigger === long));
  t.regex(plan.triggers.find(({ name }) => name === 'b')?.sql ?? '', /CREATE FUNCTION "b_trigger2"\(\)/);
});

test('a trigger that finds its row by a key that may have changed is remarked', async (t) => {
  const touch = (name: string, row: string) =>
    `CREATE TRIGGER ${name} AFTER UPDATE OF name ON t BEGIN UPDATE t SET n = 1 WHERE id = ${row}.id; END;`;
  const path = sqliteFile(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER); ${touch('by_old', 'OLD')} ${touch('by_new', 'NEW')}`,
  );
  const { findings } = await translateSchema({ kind: 'sqlite', path });
  t.deepEqual(
    findings.filter(({ code }) => code === 'trigger-old-key').map(({ place }) => place.trigger),
    ['by_old'],
  );
});
