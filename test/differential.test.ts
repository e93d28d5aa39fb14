import { inspect } from 'node:util';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { differencesOf } from './helpers/differential.ts';
import type { Difference } from './helpers/differential.ts';
import { Random } from './helpers/random.ts';

/** How many schemas are made, and how much is asked of each; CROSSFADE_DIFFERENTIAL asks for more schemas. */
const SCHEMAS = Number(process.env['CROSSFADE_DIFFERENTIAL'] ?? 2);
const QUESTIONS = 150;

async function ask(t: ExecutionContext, hasRaw: boolean): Promise<void> {
  t.timeout(SCHEMAS * 120_000);
  const random = new Random(Random.seedOfSuite());
  let [asked, refused] = [0, 0];
  const found: Difference[] = [];
  for (let schema = 0; schema < SCHEMAS; schema += 1) {
    const seed = random.between(0, 2 ** 31 - 1);
    const answers = await differencesOf(t, { seed, questions: QUESTIONS, hasRaw });
    asked += answers.asked;
    refused += answers.refused;
    found.push(...answers.differences);
  }
  t.log(`${asked} questions, ${refused} refused as untranslatable, ${found.length} answered differently`);
  t.deepEqual(
    found.slice(0, 5).map((difference) => inspect(difference, { depth: 8 })),
    [],
  );
  // A refusal says nothing about the answers: most questions must have one.
  t.true(refused < asked / 10, `${refused} of ${asked} were refused`);
}

test('what an API asks through the query builder, PostgreSQL answers as SQLite does', async (t) => {
  await ask(t, false);
});

test('with a rewriter, raw SQL written for SQLite has the same answers too', async (t) => {
  await ask(t, true);
});
