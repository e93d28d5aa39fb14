import type { StoreName } from '../spec.ts';
import type { RouterCore } from './core.ts';
import type { BuilderInternals, QueryObject } from './knex-internals.ts';
import type { TargetClient } from './target-client.ts';

/** A query compiled for both stores, with what happens to its answer. Independent of the builder that it came from. */
export interface PreparedQuery extends Readonly<Record<StoreName, QueryObject>> {
  /** Makes of an answer what the caller gets: the application's `postProcessResponse`. */
  finish(answer: unknown): unknown;
}

/** What {@link prepareQuery} needs: the router, and its clients as bound to the one that made the builder. */
export interface PreparingContext {
  readonly core: RouterCore;
  readonly bound: (store: StoreName) => TargetClient;
}

/** Compiles a builder for both stores, whichever is to run it. */
export function prepareQuery({ core, bound }: PreparingContext, builder: BuilderInternals): PreparedQuery {
  const compile = (store: StoreName): QueryObject => {
    const client = bound(store);
    const query = core.compiling.during(client, () => builder.toSQL());
    return { ...query, sql: client.positionBindings(query.sql), bindings: client.prepBindings(query.bindings) ?? [] };
  };
  const context = builder.queryContext();
  return {
    sqlite: compile('sqlite'),
    postgres: compile('postgres'),
    finish: (answer) => bound('sqlite').postProcessResponse(answer, context),
  };
}
