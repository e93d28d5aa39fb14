import { inspect, isDeepStrictEqual } from 'node:util';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import type { Knex } from 'knex';
import { createRewriter } from '../../migrations/schema.ts';
import { Random } from './random.ts';
import { heldValue, randomTables, RandomQueries } from './random-queries.ts';
import type { Question, RandomTable } from './random-queries.ts';
import { answerOf, twoRouters } from './two-routers.ts';
import type { Answer, TwoRouters } from './two-routers.ts';

/** A question that the two databases answered differently. */
export interface Difference {
  readonly seed: number;
  readonly question: string;
  readonly sqlite: Answer;
  readonly postgres: Answer;
}

export interface DifferentialOptions {
  readonly seed: number;
  readonly questions: number;
  /** Whether raw SQL is asked too, and a rewriter is there for it. */
  readonly hasRaw: boolean;
}

/** Asks both databases the same random questions over one random schema, and tells which answers differ. */
export async function differencesOf(
  t: Pick<ExecutionContext, 'teardown' | 'log'>,
  { seed, questions, hasRaw }: DifferentialOptions,
): Promise<{ readonly differences: readonly Difference[]; readonly asked: number; readonly refused: number }> {
  const random = new Random(seed);
  const tables = randomTables(random);
  const sql = `${tables.map(createTable).join('\n')}\n${inserts(random, tables)}`;
  const both = await twoRouters(t, {
    sql,
    ...(hasRaw ? { rewrite: createRewriter({ untranslatable: 'refuse' }) } : {}),
  });
  const queries = new RandomQueries(random, tables, { hasRaw });
  const differences: Difference[] = [];
  let refused = 0;
  for (let number = 0; number < questions; number += 1) {
    const isWrite = random.chance(0.35);
    const question = isWrite ? queries.write() : queries.read();
    const [sqlite, postgres] = isWrite ? await written(both, tables, question) : await read(both, question);
    if ('error' in postgres && postgres.error.startsWith('SQL_UNTRANSLATABLE')) {
      refused += 1;
      if (process.env['DIFFERENTIAL_REFUSED'] !== undefined)
        t.log(postgres.error.slice(0, 120), textOf(both.sqlite, question));
      continue;
    }
    if (isSame(sqlite, postgres)) continue;
    differences.push({ seed, question: textOf(both.sqlite, question), sqlite, postgres });
  }
  return { differences, asked: questions, refused };
}

function textOf(db: Knex, { ask }: Question): string {
  // Knex itself prints no query that a bigint is bound to.
  const { sql, bindings } = (ask(db) as unknown as { toSQL(): { sql: string; bindings: readonly unknown[] } }).toSQL();
  return `${sql} ${inspect(bindings)}`;
}

/** The same answer, or an error of the same code. */
function isSame(sqlite: Answer, postgres: Answer): boolean {
  // Knex fails to print a failed statement that a bigint is bound to, and so hides the error.
  if ('error' in sqlite && sqlite.error.startsWith('none: str.replace')) return 'error' in postgres;
  if ('error' in sqlite && 'error' in postgres) return codeOf(sqlite.error) === codeOf(postgres.error);
  return isDeepStrictEqual(unsigned(sqlite), unsigned(postgres));
}

/** Both databases say that 0 and -0 are equal, and so does JSON. */
function unsigned(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(unsigned);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, unsigned(one)]));
}

function codeOf(error: string): string {
  return error.split(':', 1)[0] ?? '';
}

async function read({ sqlite, postgres }: TwoRouters, { ask, isOrdered }: Question): Promise<[Answer, Answer]> {
  const answers = [await answerOf(sqlite, ask), await answerOf(postgres, ask)] as const;
  const [one, two] = isOrdered ? answers : answers.map(unordered);
  if (one === undefined || two === undefined) throw new Error('two answers');
  return [one, two];
}

function unordered(answer: Answer): Answer {
  if (!('value' in answer) || !Array.isArray(answer.value)) return answer;
  const key = (row: unknown) =>
    JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  return { value: answer.value.toSorted((a: unknown, b: unknown) => (key(a) < key(b) ? -1 : 1)) };
}

/** The time of the day may go on between the two databases. */
function timeless(row: Record<string, unknown>): Record<string, unknown> {
  const isNow = (value: unknown) =>
    typeof value === 'string' && Math.abs(Date.parse(`${value.replace(' ', 'T')}Z`) - Date.now()) < 60_000;
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, isNow(value) ? 'now' : value]));
}

const UNDO = new Error('undo');

/** What a write answers and what it leaves; it is undone, so that the two stay equal. */
async function written(
  both: TwoRouters,
  tables: readonly RandomTable[],
  question: Question,
): Promise<[Answer, Answer]> {
  const tried = async (db: Knex): Promise<Answer> => {
    let answer: Answer = { value: undefined };
    await db
      .transaction(async (trx) => {
        answer = unordered(await answerOf(trx, question.ask));
        if ('value' in answer) {
          const left: unknown[] = [];
          for (const { name } of tables) left.push((await trx(name).orderBy('id')).map(timeless));
          answer = { value: { answer: answer.value, left } };
        }
        throw UNDO;
      })
      .catch((error: unknown) => {
        if (error !== UNDO) throw error;
      });
    return answer;
  };
  const answers: [Answer, Answer] = [await tried(both.sqlite), await tried(both.postgres)];
  if (answers.some((answer) => 'error' in answer)) await settle(both);
  await resetSequences(both, tables);
  return answers;
}

/** An insert that failed half way has moved what SQLite's connection calls its last id, and PostgreSQL's has not. */
async function settle(both: TwoRouters): Promise<void> {
  for (const db of [both.sqlite, both.postgres]) {
    const undone = db.transaction(async (trx) => {
      await trx('items').insert({ id: 1_000 });
      throw UNDO;
    });
    await undone.catch(() => {});
  }
}

/** PostgreSQL does not take back the numbers that it gave out. */
async function resetSequences({ client }: TwoRouters, tables: readonly RandomTable[]): Promise<void> {
  const parts = tables.map(
    ({ name }) =>
      `setval(pg_get_serial_sequence('${name}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM ${name}), false)`,
  );
  await client.query(`SELECT ${parts.join(', ')}`);
}

function createTable({ name, columns }: RandomTable): string {
  return `CREATE TABLE ${name} (${columns.map((column) => `${column.name} ${column.declared}`).join(', ')});`;
}

function inserts(random: Random, tables: readonly RandomTable[]): string {
  const quote = new Database(':memory:');
  const text = quote.prepare('SELECT quote(?)').pluck();
  const lines = tables.flatMap(({ name, columns }) =>
    Array.from({ length: 12 }, (_, index) => {
      const values = columns.map((column) => (column.kind === 'id' ? index + 1 : heldValue(random, column)));
      return `INSERT INTO ${name} VALUES (${values.map((value) => String(text.get(integral(value)))).join(', ')});`;
    }),
  );
  quote.close();
  return lines.join('\n');
}

/** So that an integer is written as one. */
function integral(value: unknown): unknown {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}
