import test from 'ava';
import { viewDifferences } from './helpers/faithfulness.ts';
import { brief, translated } from './helpers/translated-pair.ts';
import type { Translated } from './helpers/translated-pair.ts';

const TABLES = `
  CREATE TABLE towns (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, code TEXT UNIQUE);
  CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, town INTEGER REFERENCES towns (id), boss INTEGER, wage INTEGER);
  CREATE TABLE days (person INTEGER NOT NULL REFERENCES people (id), day TEXT NOT NULL, hours REAL, PRIMARY KEY (person, day));
  INSERT INTO towns VALUES (1, 'Ulm', 'u'), (2, 'ULM', 'v'), (3, 'Rom', NULL);
  INSERT INTO people VALUES (1, 'a', 1, 2, 10), (2, 'b', NULL, NULL, 2), (3, 'c', 3, 2, 7), (4, 'd', 2, 1, NULL);
  INSERT INTO days VALUES (1, 'mo', 1), (1, 'tu', 2.5), (2, 'mo', 3), (3, 'we', 4), (4, 'mo', 1), (4, 'we', 2);`;

const DETERMINED: readonly (readonly [title: string, select: string])[] = [
  [
    'by a chain of primary keys',
    `SELECT p.id, p.name, t.code AS town, count(*) AS n FROM people p JOIN days d ON d.person = p.id
     LEFT JOIN towns t ON t.id = p.town GROUP BY p.id ORDER BY t.name COLLATE BINARY, p.id`,
  ],
  [
    'by keys given in WHERE, and in a condition on a group',
    `SELECT p.id, t.code, sum(d.hours) AS hours FROM people p, towns t, days d WHERE t.id = p.town AND d.person = p.id
     GROUP BY p.id HAVING t.code IS NOT NULL`,
  ],
  [
    'by a row that is joined for a constant, and of a table joined twice',
    `SELECT p.id, b.name, c.name AS other, sum(d.hours) AS hours FROM days d JOIN people p ON p.id = d.person
     LEFT JOIN people b ON b.id = p.boss JOIN towns c ON c.id = 3 GROUP BY p.id`,
  ],
];

for (const [title, select] of DETERMINED) {
  test(`a column that a group has one value of can be shown: ${title}`, async (t) => {
    const pair = await translated(t, `${TABLES} CREATE VIEW shown AS ${select};`);
    t.deepEqual(brief(pair.findings, 'rejection'), []);
    await fill(pair);
    t.deepEqual(await viewDifferences(pair), []);
  });
}

const FREE: readonly (readonly [title: string, select: string])[] = [
  [
    'the join depends on another row too',
    `SELECT p.id, t.code, count(*) FROM people p JOIN days d ON d.person = p.id
     LEFT JOIN towns t ON t.id = p.town AND d.day = 'mo' GROUP BY p.id`,
  ],
  [
    'the join is not by a key',
    'SELECT p.id, d.day, count(*) FROM people p JOIN days d ON d.person = p.id GROUP BY p.id',
  ],
  [
    'the rows of the left may be made up',
    `SELECT t.id, p.name, count(*) FROM people p RIGHT JOIN towns t ON t.id = p.town JOIN days d ON d.person = p.id GROUP BY t.id`,
  ],
  [
    'an outer join says nothing of its left side',
    'SELECT t.id, p.name, count(*) FROM people p LEFT JOIN towns t ON p.id = t.id GROUP BY t.id',
  ],
];

for (const [title, select] of FREE) {
  test(`a column that a group may have several values of is refused: ${title}`, async (t) => {
    const pair = await translated(t, `${TABLES} CREATE VIEW shown AS ${select};`);
    t.deepEqual(brief(pair.findings, 'rejection'), ['bare-column shown']);
  });
}

test('a view over a view compares as the columns under both do', async (t) => {
  const pair = await translated(
    t,
    `${TABLES}
     CREATE VIEW places AS SELECT t.name, p.wage, p.id || '' AS text, t.name = 'ulm' AS is_ulm FROM people p JOIN towns t ON t.id = p.town;
     CREATE VIEW ulm AS SELECT name COLLATE BINARY AS name, wage FROM places WHERE name = 'ulm' AND is_ulm = 1;
     CREATE VIEW counted AS SELECT lower(name) AS name, count(*) AS n FROM places GROUP BY lower(name);`,
  );
  t.deepEqual(brief(pair.findings, 'rejection'), []);
  await fill(pair);
  t.deepEqual(await viewDifferences(pair), []);
});

test('what is only sometimes a number stays that for the views over it', async (t) => {
  const pair = await translated(
    t,
    `${TABLES}
     CREATE VIEW wages AS SELECT ifnull(wage, 'none') AS wage FROM people;
     CREATE VIEW low AS SELECT wage FROM wages WHERE wage < 5;`,
  );
  t.deepEqual(brief(pair.findings, 'rejection'), ['mixed-classes low']);
});

test('a default of the time is refused for a column that holds numbers, and named', async (t) => {
  const pair = await translated(
    t,
    `CREATE TABLE users (id INTEGER PRIMARY KEY, made DATETIME DEFAULT CURRENT_TIMESTAMP,
       seen INTEGER DEFAULT (strftime('%Y-%m-%d', 'now')), at INTEGER DEFAULT (strftime('%s', 'now')));
     INSERT INTO users VALUES (1, 1700000000000, 1, 2);`,
  );
  t.deepEqual(brief(pair.findings, 'rejection'), ['text-in-number users made', 'text-in-number users seen']);
});

async function fill(pair: Translated): Promise<void> {
  await pair.apply();
  const crossfade = await pair.open();
  await crossfade.backfill();
}
