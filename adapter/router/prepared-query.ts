import { CrossfadeError, isCrossfadeError } from '../errors.ts';
import type { StoreName } from '../spec.ts';
import type { RouterCore } from './core.ts';
import type { BuilderInternals, QueryObject } from './knex-internals.ts';
import type { TargetClient } from './target-client.ts';

/** A query compiled for both stores, with what happens to its answer. Independent of the builder that it came from. */
export interface PreparedQuery extends Readonly<Record<StoreName, QueryObject>> {
  /** Why PostgreSQL is not to get it: raw SQL that has no translation, where the application wants none other. */
  readonly refusal?: CrossfadeError;
  /** Makes of an answer what the caller gets: the application's `postProcessResponse`. */
  finish(answer: unknown): unknown;
}

/** What {@link prepareQuery} needs: the router, and its clients as bound to the one that made the builder. */
export interface PreparingContext {
  readonly core: RouterCore;
  readonly bound: (store: StoreName) => TargetClient;
}

/** Compiles a builder for a store, whichever is to run it. */
export function compileQuery(
  { core, bound }: PreparingContext,
  builder: BuilderInternals,
  store: StoreName,
): QueryObject {
  const client = bound(store);
  const query = core.compiling.running(client, builder, () => client.toSend(builder.toSQL()));
  return { ...query, sql: client.positionBindings(query.sql), bindings: client.prepBindings(query.bindings) ?? [] };
}

/**
 * Compiles a builder for both stores, whichever is to run it.
 *
 * @throws CrossfadeError `POSTGRES_UNREACHABLE` while raw SQL cannot be rewritten yet, since PostgreSQL's tables are
 * unknown.
 */
export function prepareQuery(context: PreparingContext, builder: BuilderInternals): PreparedQuery {
  const { core, bound } = context;
  const queryContext = builder.queryContext();
  const finish = (answer: unknown): unknown => bound(core.facade).postProcessResponse(answer, queryContext);
  if (bound('postgres').rewrittenFrom(builder) !== undefined && !core.catalog.isRead) throw unknownTables();
  const sqlite = compileQuery(context, builder, 'sqlite');
  try {
    return { sqlite, postgres: compileQuery(context, builder, 'postgres'), finish };
  } catch (refusal) {
    if (!isCrossfadeError(refusal, 'SQL_UNTRANSLATABLE')) throw refusal;
    return { sqlite, postgres: sqlite, refusal, finish };
  }
}

function unknownTables(): CrossfadeError {
  return new CrossfadeError('POSTGRES_UNREACHABLE', 'raw SQL was to be rewritten before PostgreSQL was first asked', {
    hint: 'try again',
  });
}
