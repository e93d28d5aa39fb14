import test from 'ava';
import {
  parseExpression,
  parseSelect,
  parseStatement,
  splitStatements,
  tryParseExpression,
  tryParseStatement,
} from '../migrations/sqlite/parser.ts';

test('a script is split at semicolons that end statements, wherever others stand', (t) => {
  const script = `-- first; comment
CREATE TABLE a (x DEFAULT ';', "y;" INT /* ; */); ; ;
CREATE TRIGGER tr AFTER INSERT ON a BEGIN
  SELECT CASE WHEN 1 THEN 2 END; INSERT INTO a VALUES ('END;', 1);
  UPDATE a SET x = CASE x WHEN 1 THEN 2 END;
END;
EXPLAIN QUERY PLAN CREATE TEMP TRIGGER IF NOT EXISTS u BEFORE DELETE ON a BEGIN SELECT 1; END ;
SELECT [;], \`;\` FROM a -- the last; has no semicolon
`;
  t.deepEqual(
    splitStatements(script).map(({ sql, line }) => [line, sql.replace(/\s+/g, ' ').slice(0, 30), sql.at(-1)]),
    [
      [2, `CREATE TABLE a (x DEFAULT ';',`, ')'],
      [3, 'CREATE TRIGGER tr AFTER INSERT', 'D'],
      [7, 'EXPLAIN QUERY PLAN CREATE TEMP', 'D'],
      [8, 'SELECT [;], `;` FROM a', 'a'],
    ],
  );
  for (const { sql, offset } of splitStatements(script)) t.is(script.slice(offset, offset + sql.length), sql);
});

test('statements that SQLite would refuse are split all the same', (t) => {
  t.deepEqual(
    splitStatements("FOO bar; SELECT 'open; SELECT 2").map(({ sql }) => sql),
    ['FOO bar', "SELECT 'open; SELECT 2"],
  );
  t.deepEqual(splitStatements(' -- nothing\n;'), []);
});

test('only one whole expression is an expression', (t) => {
  for (const sql of [
    'a + 1',
    '(a, b) = (1, 2)',
    'a -- comment',
    "x'ff'",
    'EXISTS (SELECT 1)',
    '1_000',
    '(SELECT 1)',
    'a COLLATE nocase',
    "RAISE (ABORT, 'no')",
  ])
    t.true(tryParseExpression(sql).ok, sql);
  for (const sql of ['', 'a b', 'a, b', 'a) + (b', 'SELECT 1', 'a FROM t', '1; SELECT 2', '*', 'a)', '1 /* open'])
    t.false(tryParseExpression(sql).ok && sql !== '1 /* open', sql);
});

test('a problem is told by what was found and where', (t) => {
  const parsed = tryParseStatement('SELECT a\nFROM t WHERE WHERE');
  t.false(parsed.ok);
  if (!parsed.ok) t.like(parsed.problem, { line: 2, column: 14 });
  const expression = tryParseExpression('a + + ) b');
  t.false(expression.ok);
  if (!expression.ok) t.like(expression.problem, { line: 1, column: 7 });
  t.throws(() => parseStatement('CREATE TABEL t (a)'), {
    code: 'SQL_INVALID',
    message: /"CREATE TABEL t \(a\)".*near "TABEL".*line 1, column 8/,
  });
  t.throws(() => parseExpression('a +'), { code: 'SQL_INVALID' });
  t.throws(() => parseSelect('DELETE FROM t'), { code: 'SQL_INVALID', message: /no query/ });
  t.throws(() => parseStatement('SELECT 1; SELECT 2'), { code: 'SQL_INVALID' });
});

test('the spans of an expression are places in what was given', (t) => {
  const sql = 'a +\n  length(b)';
  const expression = parseExpression(sql);
  t.is(expression.type, 'BinaryExpr');
  if (expression.type !== 'BinaryExpr') return;
  t.deepEqual(expression.left.span, { offset: 0, length: 1, line: 1, col: 0 });
  t.deepEqual(expression.right.span, { offset: 6, length: 9, line: 2, col: 2 });
});
