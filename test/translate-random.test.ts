import test from 'ava';
import fc from 'fast-check';
import { Untranslatable } from '../migrations/translate/translation.ts';
import { randomExpression } from './helpers/random-expression.ts';
import { TranslatedPair, differenceBetween } from './helpers/translated.ts';
import { NASTY_TABLES } from './helpers/translated-tables.ts';
import { Random } from './helpers/random.ts';

/** What PostgreSQL may call an error where SQLite goes on: numbers past their range, and bytes that are no text. */
const LOUD = new Set(['22003', '22021']);

test('an expression is either refused or means the same in both databases, whatever it is', async (t) => {
  const pair = await TranslatedPair.open(t, NASTY_TABLES);
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(randomExpression, async (expression) => {
      // quote() tells integers from reals, and numbers from texts.
      const answers = await pair.ask(`select id, quote(${expression}) from t`).catch((error: unknown) => {
        if (error instanceof Untranslatable) return undefined;
        throw error;
      });
      if (answers === undefined || answers.sqlite instanceof Error) return;
      if (answers.postgres instanceof Error && LOUD.has((answers.postgres as { code?: string }).code ?? '')) return;
      if (answers.translation.remarks.some(({ code }) => code !== 'integer-overflow')) return;
      compared += 1;
      const difference = differenceBetween(answers, false);
      if (difference !== undefined) throw new Error(difference);
    }),
    { numRuns: 250, seed: Random.seedOfSuite() },
  );
  t.true(compared > 60, `${compared} expressions were compared`);
});
