import test from 'ava';
import fc from 'fast-check';
import { compareDatabases } from '../compare/compare.ts';
import { brief, translated } from './helpers/translated-pair.ts';
import { Random } from './helpers/random.ts';

/** Rounds in the suite; SCHEMA_ROUNDS asks for more. */
const ROUNDS = Number(process.env['SCHEMA_ROUNDS'] ?? 4);

/** A column's declaration, and values as SQL that it may get. */
interface Kind {
  readonly declared: readonly string[];
  readonly values: readonly string[];
  readonly defaults: readonly string[];
  readonly checks: readonly string[];
}

const KINDS: readonly Kind[] = [
  {
    declared: ['INTEGER', 'INT', 'BIGINT', 'UNSIGNED BIG INT', 'MEDIUMINT(8)'],
    values: ['0', '-1', '9223372036854775807', '-9223372036854775808', '9007199254740993', "'42'", '1.0', '0x10'],
    defaults: ['0', '-7', '(1 + 2)', "'5'", 'TRUE', '(unixepoch())', "(strftime('%s', 'now'))"],
    checks: [
      "typeof(@) IN ('integer', 'null')",
      '@ IS NULL OR @ >= -9223372036854775807 - 1',
      'abs(@ / 2) >= 0 OR @ IS NULL',
    ],
  },
  {
    declared: ['REAL', 'DOUBLE', 'FLOAT', 'DOUBLE PRECISION'],
    values: ['0.1', '-1.5e300', '5e-324', '9e999', '3', '-0.0', '1.7976931348623157e308'],
    defaults: ['0', '1.5', '-2.5e3'],
    checks: ["typeof(@) <> 'text'", '@ IS NULL OR @ * 0 = 0 OR @ <> 7'],
  },
  {
    declared: ['TEXT', 'VARCHAR(20)', 'CLOB', 'NVARCHAR(5)'],
    values: ["''", "'a'", "'Ä é ß'", "'it''s'", "'  pad  '", "'𝄞'", "'123'", "'a\\b'", 'char(10, 9)', "'NULL'", "'%_'"],
    defaults: [
      "''",
      "'x'",
      "'it''s \"q\"'",
      'CURRENT_TIMESTAMP',
      "(datetime('now'))",
      "(date('now', 'start of month'))",
      "(lower('ABC'))",
      '5',
    ],
    checks: [
      'length(@) < 100',
      "@ NOT GLOB '*[0-9][0-9][0-9][0-9][0-9]*'",
      "@ <> 'forbidden'",
      "@ NOT LIKE 'zz%'",
      "trim(@) <> 'never'",
    ],
  },
  {
    declared: ['BLOB', 'BINARY BLOB'],
    values: ["x''", "x'00ff10'", "x'c328'", 'zeroblob(3)'],
    defaults: ["x'0102'"],
    checks: ['length(@) < 50'],
  },
  {
    declared: ['BOOLEAN', 'BOOL'],
    values: ['0', '1', 'TRUE', 'FALSE'],
    defaults: ['0', '1', 'FALSE'],
    checks: ['@ IN (0, 1)', '@ = 0 OR @ = 1'],
  },
  {
    declared: ['DECIMAL(12,3)', 'NUMERIC', 'NUMERIC(10)'],
    values: ['1', '-25', '0', '1234567'],
    defaults: ['0', '10'],
    checks: ['@ > -1000000000', 'round(@) = @'],
  },
  {
    declared: ['DATETIME', 'TIMESTAMP'],
    values: ["'2024-02-29 12:00:00'", "'1999-12-31 23:59:59'", 'CURRENT_TIMESTAMP'],
    defaults: ['CURRENT_TIMESTAMP', "'2000-01-01 00:00:00'"],
    checks: ["@ >= '1970-01-01'", 'datetime(@) IS NOT NULL'],
  },
];

interface ColumnPlan {
  readonly kind: number;
  readonly declared: number;
  readonly notNull: boolean;
  readonly fallback: number | null;
  readonly check: number | null;
  readonly collation: number;
  readonly isUnique: boolean;
}

const column: fc.Arbitrary<ColumnPlan> = fc.record({
  kind: fc.nat(KINDS.length - 1),
  declared: fc.nat(9),
  notNull: fc.boolean(),
  fallback: fc.option(fc.nat(9)),
  check: fc.option(fc.nat(9)),
  collation: fc.nat(5),
  isUnique: fc.boolean(),
});

const NAMES = ['a', 'B c', 'select', 'it"s', 'ünï', 'x1', 'Order', 'v'];

const table = fc.record({
  key: fc.constantFrom('rowid', 'autoincrement', 'text', 'composite', 'without-rowid'),
  columns: fc.array(column, { minLength: 1, maxLength: 6 }),
  parent: fc.boolean(),
  index: fc.constantFrom('none', 'plain', 'descending', 'partial', 'expression', 'unique partial'),
  rows: fc.array(fc.array(fc.nat(30), { minLength: 8, maxLength: 8 }), { maxLength: 12 }),
});

type TablePlan = typeof table extends fc.Arbitrary<infer T> ? T : never;

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function pick<T>(list: readonly T[], number: number): T {
  const item = list[number % list.length];
  if (item === undefined) throw new RangeError('an empty list');
  return item;
}

/** One table's statements; `number` makes its name. */
function statements(plan: TablePlan, number: number): readonly string[] {
  const name = quote(`${pick(NAMES, number)} ${number}`);
  const key = {
    rowid: '"id" INTEGER PRIMARY KEY',
    autoincrement: '"id" INTEGER PRIMARY KEY AUTOINCREMENT',
    text: '"id" TEXT PRIMARY KEY NOT NULL',
    composite: '"id" INTEGER NOT NULL, "part" TEXT NOT NULL',
    'without-rowid': '"id" INTEGER PRIMARY KEY NOT NULL',
  }[plan.key];
  const columns = plan.columns.map((one, index) => ({
    ...one,
    sql: quote(pick(NAMES, index)),
    of: pick(KINDS, one.kind),
  }));
  const lines = columns.map(({ of, sql, declared, notNull, fallback, check, collation, isUnique }) =>
    [
      sql,
      pick(of.declared, declared),
      of.declared[0] === 'TEXT' && collation < 2 ? `COLLATE ${pick(['NOCASE', 'RTRIM'], collation)}` : '',
      notNull ? 'NOT NULL' : '',
      notNull || fallback !== null ? `DEFAULT ${pick(of.defaults, fallback ?? 0)}` : '',
      check === null ? '' : `CHECK (${pick(of.checks, check).replaceAll('@', sql)})`,
      isUnique && of.declared[0] !== 'BOOLEAN' ? 'UNIQUE' : '',
    ].join(' '),
  );
  if (plan.parent && number > 0) {
    const parent = quote(`${pick(NAMES, number - 1)} ${number - 1}`);
    lines.push(`"parent" INTEGER REFERENCES ${parent} ("ref") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED`);
  }
  const end = plan.key === 'composite' ? ', PRIMARY KEY ("id", "part")' : '';
  const made = `CREATE TABLE ${name} (${key}, "ref" INTEGER UNIQUE, ${lines.join(', ')}${end})${plan.key === 'without-rowid' ? ' WITHOUT ROWID' : ''}`;
  const first = columns[0]?.sql ?? '';
  const index = {
    none: [],
    plain: [`CREATE INDEX "i${number}" ON ${name} (${first}, "ref")`],
    descending: [`CREATE INDEX "i${number}" ON ${name} ("ref" DESC, ${first} ASC)`],
    partial: [`CREATE INDEX "i${number}" ON ${name} (${first}) WHERE "ref" > 3 AND ${first} IS NOT NULL`],
    expression: [`CREATE INDEX "i${number}" ON ${name} (coalesce("ref", 0) * 2)`],
    'unique partial': [`CREATE UNIQUE INDEX "i${number}" ON ${name} ("ref", ${first}) WHERE "ref" IS NOT NULL`],
  }[plan.index];
  const names = ['"id"', ...(plan.key === 'composite' ? ['"part"'] : []), '"ref"', ...columns.map(({ sql }) => sql)];
  const rows = plan.rows.map((picks, row) => {
    const id = plan.key === 'text' ? `'k${row}'` : plan.key === 'autoincrement' ? 'NULL' : String(row * 7 - 3);
    const part = plan.key === 'composite' ? [`'p${row % 3}'`] : [];
    const values = columns.map(({ of, notNull }, at) => {
      const number_ = picks[at % picks.length] ?? 0;
      return !notNull && number_ % 7 === 0 ? 'NULL' : pick(of.values, number_);
    });
    // What a constraint refuses is not in the database; that is SQLite's to say.
    return `INSERT OR IGNORE INTO ${name} (${names.join(', ')}) VALUES (${[id, ...part, String(row), ...values].join(', ')})`;
  });
  return [made, ...index, ...rows];
}

test('random schemas and rows go through schema, backfill and comparison without a difference', async (t) => {
  let rows = 0;
  const property = fc.asyncProperty(fc.array(table, { minLength: 1, maxLength: 5 }), async (plans) => {
    const sql = plans.flatMap((plan, number) => statements(plan, number)).join(';\n');
    const pair = await translated(t, `PRAGMA foreign_keys = OFF;\n${sql}`);
    const rejections = pair.findings.filter(({ severity }) => severity === 'rejection');
    if (rejections.length > 0) throw new Error(`${JSON.stringify(rejections)}\n${sql}\n${pair.sql.slice(-4000)}`);
    const made = await pair.apply();
    if (made.length > 0) throw new Error(brief(made).join('; '));
    const crossfade = await pair.open();
    await crossfade.backfill();
    const report = await compareDatabases(crossfade);
    rows += report.totals.rowsCompared;
    await crossfade.close();
    if (report.outcome !== 'match')
      throw new Error(`${JSON.stringify(report.totals)} ${report.reasons.join('; ')}\n${sql}`);
  });
  await fc.assert(property, { numRuns: ROUNDS, endOnFailure: ROUNDS > 20, seed: Random.seedOfSuite() });
  t.true(rows > 0, 'rows were compared');
  t.log(`${rows} rows`);
});
