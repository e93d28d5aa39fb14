import type { Breaker } from '../breaker.ts';
import { guardedPostgresClass } from './guarded-postgres-client.ts';
import type { ClientConstructor, Connection } from './knex-internals.ts';
import { withStatementSavepoints } from './statement-savepoints.ts';
import { BOUND_TO, targetClientClass } from './target-client.ts';
import type { TargetClientConstructor, TargetHooks } from './target-client.ts';

/** What the client needs of the router around it. */
export interface NativePostgresContext {
  readonly hooks: TargetHooks;
  readonly breaker: Breaker;
  /** Whether a transaction goes on after a statement of it has failed. */
  readonly statementSavepoints: boolean;
}

/** The class of the client for PostgreSQL where the application has been ported: knex's own, behind the breaker. */
export function nativePostgresClientClass(
  Dialect: ClientConstructor,
  { hooks, breaker, statementSavepoints }: NativePostgresContext,
): TargetClientConstructor {
  const Plain = targetClientClass(Dialect, hooks);
  const Base = guardedPostgresClass(statementSavepoints ? withStatementSavepoints(Plain) : Plain, breaker);

  return class NativePostgresTarget extends Base {
    /** Cancels as the application's own client would, which somebody may have taught another way. */
    override _wrappedCancelQueryCall(connection: Connection, cancelled: Connection): unknown {
      const router = this[BOUND_TO];
      if (router === undefined) return super._wrappedCancelQueryCall(connection, cancelled);
      return router._wrappedCancelQueryCall.call(this, connection, cancelled);
    }
  };
}
