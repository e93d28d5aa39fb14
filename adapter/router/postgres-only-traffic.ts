import { CrossfadeError } from '../errors.ts';
import type { RoutingWish } from '../routing-scope.ts';
import type { StoreName } from '../spec.ts';
import type { ReadRequest, Traffic, WritePermit } from '../traffic.ts';

/**
 * The traffic of an application that has been ported to PostgreSQL: what would go to SQLite is refused, since nothing
 * puts its queries into SQLite's words.
 */
export class PostgresOnlyTraffic implements Traffic {
  readonly #traffic: Traffic;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
  }

  /** @throws CrossfadeError `FACADE_REFUSED` where SQLite would answer. */
  readStore(request: ReadRequest): StoreName {
    const store = this.#traffic.readStore(request);
    if (store !== 'postgres') throw refused('a read', 'answer');
    return store;
  }

  /** @throws CrossfadeError `FACADE_REFUSED` where SQLite takes the writes. */
  enter(): WritePermit | Promise<WritePermit> {
    const entered = this.#traffic.enter();
    return 'then' in entered ? entered.then(admitted) : admitted(entered);
  }

  committed(store: StoreName, wish?: RoutingWish): Promise<void> | undefined {
    return this.#traffic.committed(store, wish);
  }

  fenced(store: StoreName): Promise<void> {
    return this.#traffic.fenced(store);
  }

  fallback(): undefined {
    return undefined;
  }

  admitSchemaChange(): void {
    this.#traffic.admitSchemaChange();
  }
}

function admitted(permit: WritePermit): WritePermit {
  if (permit.store === 'postgres') return permit;
  permit.leave();
  throw refused('a write or transaction', 'take');
}

function refused(what: string, does: string): CrossfadeError {
  return new CrossfadeError(
    'FACADE_REFUSED',
    `${what} written for PostgreSQL was not run: in this stage SQLite would ${does} it`,
    {
      hint: "with facade 'postgres' use stage write or postgres, and read from no other store; before, run the code that was written for SQLite",
    },
  );
}
