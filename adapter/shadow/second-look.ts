import { setTimeout as sleep } from 'node:timers/promises';
import { answerRows } from './answer-rows.ts';
import type { AnswerRows } from './answer-rows.ts';
import { compareAnswers } from './compare-answers.ts';
import type { ComparedAnswers, Verdict } from './compare-answers.ts';
import { withLimit } from './query-facts.ts';
import type { QueryFacts } from './query-facts.ts';
import type { QueryObject } from '../router/knex-internals.ts';
import type { StoreName } from '../spec.ts';

/** What a second look at a read needs. */
export interface SecondLookOptions {
  readonly queries: Readonly<Record<StoreName, QueryObject>>;
  readonly facts: QueryFacts;
  /** The store that answered the caller, and the one that did not; the same one twice in an A/A trial. */
  readonly control: StoreName;
  readonly candidate: StoreName;
  /** The one of them that takes the writes. */
  readonly primary: StoreName;
  /** What the first look found. */
  readonly verdict: Verdict;
  readonly compared: Omit<ComparedAnswers, 'control' | 'candidate' | 'facts'>;
  readonly maxRows: number;
  /** Runs a query, and gives what the caller would get. */
  readonly run: (store: StoreName, query: QueryObject) => Promise<unknown>;
  /** Resolves when the secondary holds everything that the primary holds now. */
  readonly caughtUp: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** What a second look came to. */
export type SecondVerdict =
  | { readonly says: 'match' }
  | {
      readonly says: 'mismatch';
      readonly verdict: Exclude<Verdict, { says: 'match' }>;
      readonly control: AnswerRows;
      readonly candidate: AnswerRows;
    }
  | { readonly says: 'inconclusive'; readonly reason: string };

/**
 * How long to wait before each look. Rows that go to and fro must come out the same way in all of them to be taken for a
 * mismatch, so there are several, at uneven distances.
 */
const PAUSES_MS = [0, 20, 45, 90, 170] as const;

export const MOVING = 'the rows changed between each two looks';
export const UNTIED_LIMIT = 'LIMIT picks among rows that ORDER BY does not tell apart';
export const UNTOLD_ORDER = 'ORDER BY sorts by something that the answer does not show';
export const TOO_MANY = 'too many rows to be sure';
export const BEHIND = 'the Mirror did not catch up in time';

/**
 * Looks again at a read whose two answers differed. A difference is one only if it is there in every look, at each of
 * which the Mirror has passed what the primary showed, the primary shows the same before and after, and neither store's
 * answer is another one than the time before.
 */
export async function lookAgain(options: SecondLookOptions): Promise<SecondVerdict> {
  const { verdict } = options;
  if (verdict.says !== 'tied' || verdict.by !== 'limit') return await look(options);
  // Without the limit nothing is left open. If that is the same on both sides, so are the rows.
  const freed = freedOfLimit(options);
  if (freed === undefined) return await look(options);
  const whole = await look(freed);
  if (whole.says !== 'match') return whole;
  return (await look(options)).says === 'match' ? whole : { says: 'inconclusive', reason: UNTIED_LIMIT };
}

function freedOfLimit(options: SecondLookOptions): SecondLookOptions | undefined {
  const { queries, maxRows } = options;
  const [sqlite, postgres] = [withLimit(queries.sqlite, maxRows + 1), withLimit(queries.postgres, maxRows + 1)];
  if (sqlite === undefined || postgres === undefined) return undefined;
  const asRows = (query: QueryObject): QueryObject =>
    query.method === 'first' ? { ...query, method: 'select' } : query;
  return {
    ...options,
    queries: { sqlite: asRows(sqlite), postgres: asRows(postgres) },
    facts: { ...options.facts, order: undefined, limit: undefined },
  };
}

async function look(options: SecondLookOptions): Promise<SecondVerdict> {
  const { control, candidate, primary, facts, signal, maxRows } = options;
  const secondary = control === primary ? candidate : control;
  const ask = async (store: StoreName): Promise<AnswerRows | undefined> =>
    answerRows(await options.run(store, options.queries[store]), maxRows);
  const judge = (some: AnswerRows, other: AnswerRows): Verdict =>
    compareAnswers({ ...options.compared, facts, control: some, candidate: other });
  const steady = { primary: new Steady(judge), secondary: new Steady(judge) };
  let last: SecondVerdict = { says: 'inconclusive', reason: MOVING };
  for (const pauseMs of PAUSES_MS) {
    if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: false, signal });
    signal.throwIfAborted();
    const before = await ask(primary);
    if (!(await hasCaughtUp(options))) return { says: 'inconclusive', reason: BEHIND };
    const between = await ask(secondary);
    const after = await ask(primary);
    if (before === undefined || between === undefined || after === undefined) {
      return { says: 'inconclusive', reason: TOO_MANY };
    }
    for (const shown of [before, after]) {
      const [mine, other] = control === primary ? [shown, between] : [between, shown];
      const verdict = judge(mine, other);
      if (verdict.says === 'match') return { says: 'match' };
      last = { says: 'mismatch', verdict, control: mine, candidate: other };
    }
    steady.primary.see(before);
    steady.primary.see(after);
    steady.secondary.see(between);
  }
  if (steady.primary.hasMoved || steady.secondary.hasMoved) {
    return { says: 'inconclusive', reason: steady.primary.hasMoved ? MOVING : differsFromRunToRun(secondary) };
  }
  return last;
}

async function hasCaughtUp({ control, candidate, caughtUp }: SecondLookOptions): Promise<boolean> {
  if (control === candidate) return true;
  try {
    await caughtUp();
    return true;
  } catch {
    return false;
  }
}

function differsFromRunToRun(store: StoreName): string {
  return `the answer of ${store} is another one each time`;
}

/** Whether one store gives the same answer each time. */
class Steady {
  hasMoved = false;
  readonly #judge: (some: AnswerRows, other: AnswerRows) => Verdict;
  #first: AnswerRows | undefined;

  constructor(judge: (some: AnswerRows, other: AnswerRows) => Verdict) {
    this.#judge = judge;
  }

  see(answer: AnswerRows): void {
    this.#first ??= answer;
    if (this.#judge(this.#first, answer).says !== 'match') this.hasMoved = true;
  }
}
