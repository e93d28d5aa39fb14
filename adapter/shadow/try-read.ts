import type { PreparedQuery } from '../router/prepared-query.ts';
import type { SideReads } from '../router/side-reads.ts';
import { isInfrastructureError } from '../infrastructure-error.ts';
import type { StoreName } from '../spec.ts';
import { answerRows } from './answer-rows.ts';
import type { AnswerRows } from './answer-rows.ts';
import { candidateError, wouldWrite } from './candidate-error.ts';
import { compareAnswers } from './compare-answers.ts';
import type { Difference } from './compare-answers.ts';
import { isIgnored, leavesColumn } from './ignore-rule.ts';
import type { KnownShape } from './known-shapes.ts';
import type { Observation } from './observation.ts';
import type { ShadowConfig } from './options.ts';
import { queryFacts } from './query-facts.ts';
import type { QueryFacts } from './query-facts.ts';
import { lookAgain, MOVING, TOO_MANY, UNTIED_LIMIT, UNTOLD_ORDER } from './second-look.ts';
import type { SecondVerdict } from './second-look.ts';

/**
 * Why a sampled read was not tried.
 * - `queue`: too many were waiting, or it had waited for too long;
 * - `rows`: its answer has more rows than are compared;
 * - `unready`: the other store is away, or does not hold all rows;
 * - `slow`: SQLite, which works on the event loop, has taken too long for this shape before;
 * - `shape`: another read of its shape is being looked at again;
 * - `failed`: trying it went wrong in another way.
 */
export const DROPS = ['queue', 'rows', 'unready', 'slow', 'shape', 'failed'] as const;
export type Drop = (typeof DROPS)[number];

/** A read that has been answered and is to be tried on the other store. */
export interface SampledRead {
  readonly control: { readonly store: StoreName; readonly seconds: number; readonly rows: AnswerRows };
  readonly query: PreparedQuery;
  /** By `performance.now()`. */
  readonly queuedAt: number;
}

/** What trying a read needs. */
export interface TryContext {
  readonly config: Pick<ShadowConfig, 'against' | 'ignore' | 'maxRows' | 'showValues'>;
  readonly known: KnownShape;
  readonly side: Pick<SideReads, 'run'>;
  /** The store that takes the writes; `null` between two. */
  readonly primary: StoreName | null;
  /** Tables of which rows are in quarantine. */
  readonly quarantined: readonly string[];
  readonly caughtUp: () => Promise<void>;
  /** Shapes of which a read is being looked at again. */
  readonly suspected: Set<string>;
  readonly signal: AbortSignal;
  /** How long SQLite may take, in seconds, as far as that is known beforehand: it holds the event loop. */
  readonly sqliteLimitSeconds: number;
}

const SLOW_SQLITE = 'SQLite takes too long to be asked again';
const WRITES = 'the query would write';

/**
 * Asks the other store, and again both when they do not agree. Resolves to what was seen, to why it was dropped, or to
 * nothing for a query that is no plain read. Rejects when a store cannot be reached.
 */
export async function tryRead(read: SampledRead, context: TryContext): Promise<Observation | Drop | undefined> {
  const { known, side, config } = context;
  const { control, query } = read;
  const facts = queryFacts(query.sqlite.sql, query.sqlite.bindings ?? []);
  if (!facts.isPlainRead) return undefined;
  const candidate = config.against === 'same' ? control.store : otherThan(control.store);
  if (candidate === 'sqlite' && known.sqliteSeconds > context.sqliteLimitSeconds) return 'slow';
  const { shape } = known;
  const seen = { shape, at: new Date(), control: { store: control.store, seconds: control.seconds } };
  let first: Awaited<ReturnType<SideReads['run']>>;
  try {
    if (candidate === 'postgres' && query.refusal !== undefined) throw query.refusal;
    first = await side.run(candidate, query[candidate]);
  } catch (error) {
    if (isInfrastructureError(error)) throw error;
    return refused({ ...seen, candidate: { store: candidate } }, error, context);
  }
  if (candidate === 'sqlite') known.sqliteSeconds = first.seconds;
  const answered = { ...seen, candidate: { store: candidate, seconds: first.seconds } };
  const rows = answerRows(query.finish(first.answer), config.maxRows);
  if (rows === undefined) return { ...answered, result: 'inconclusive', reason: TOO_MANY };
  const compared = {
    leaves: leavesColumn(config.ignore, shape),
    pluck: typeof query.sqlite.pluck === 'string' ? query.sqlite.pluck : undefined,
    showsValues: config.showValues,
  };
  const verdict = compareAnswers({ ...compared, facts, control: control.rows, candidate: rows });
  if (verdict.says === 'match') return { ...answered, result: 'match' };
  if (context.suspected.has(shape.id)) return 'shape';
  context.suspected.add(shape.id);
  try {
    const second = await lookAgain({
      queries: query,
      facts,
      control: control.store,
      candidate,
      primary: candidate === control.store ? candidate : (context.primary ?? 'sqlite'),
      verdict,
      compared,
      maxRows: config.maxRows,
      run: async (store, compiled) => {
        const { answer, seconds } = await side.run(store, compiled);
        if (store === 'sqlite' && (known.sqliteSeconds = seconds) > context.sqliteLimitSeconds) throw new SlowSqlite();
        return query.finish(answer);
      },
      caughtUp: context.caughtUp,
      signal: context.signal,
    });
    return { ...answered, ...concluded(second, facts, context) };
  } catch (error) {
    if (error instanceof SlowSqlite) return { ...answered, result: 'inconclusive', reason: SLOW_SQLITE };
    throw error;
  } finally {
    context.suspected.delete(shape.id);
  }
}

class SlowSqlite extends Error {}

interface Conclusion {
  readonly result: Observation['result'];
  readonly reason?: string;
  readonly difference?: Difference;
}

/** What the second look means, for this query and with these rules. */
function concluded(
  second: SecondVerdict,
  { whim }: QueryFacts,
  { config, known, quarantined }: TryContext,
): Conclusion {
  if (second.says === 'match') return { result: 'match' };
  if (second.says === 'inconclusive') {
    return { result: 'inconclusive', reason: second.reason === MOVING ? (whim ?? MOVING) : second.reason };
  }
  const { verdict } = second;
  const { shape } = known;
  const pair = { shape, control: second.control.rows, candidate: second.candidate.rows };
  if (isIgnored(config.ignore, pair)) return { result: 'ignored' };
  if (whim !== undefined) return { result: 'inconclusive', reason: whim };
  if (shape.tables.some((table) => quarantined.includes(table))) {
    return { result: 'inconclusive', reason: 'rows of its tables are in quarantine' };
  }
  if (verdict.says === 'mismatch') return { result: 'mismatch', difference: verdict.difference };
  return { result: 'inconclusive', reason: verdict.by === 'limit' ? UNTIED_LIMIT : UNTOLD_ORDER };
}

function refused(
  seen: Pick<Observation, 'shape' | 'at' | 'control' | 'candidate'>,
  thrown: unknown,
  { config, known }: TryContext,
): Observation {
  const error = candidateError(thrown, known.shape.sql);
  if (wouldWrite(error)) return { ...seen, result: 'inconclusive', reason: WRITES };
  if (isIgnored(config.ignore, { shape: known.shape, control: [], candidate: [] }))
    return { ...seen, result: 'ignored' };
  return { ...seen, result: 'error', error };
}

function otherThan(store: StoreName): StoreName {
  return store === 'sqlite' ? 'postgres' : 'sqlite';
}
