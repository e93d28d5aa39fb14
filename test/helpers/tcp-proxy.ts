import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { FrontendMessages, ReadyAnswers } from './postgres-messages.ts';

/**
 * When a connection is cut: `sent` as the statement goes by, which never arrives; `done` when PostgreSQL has ended the
 * transaction that it belongs to, and the answer never comes back.
 */
export type Moment = 'sent' | 'done';

interface Trap {
  readonly sql: RegExp;
  readonly moment: Moment;
  readonly sprung: () => void;
}

/** A network between Crossfade and PostgreSQL that a test can break. */
export class TcpProxy {
  /** The URL of the database behind it, by way of the proxy. */
  readonly url: string;
  /** How long everything is on its way, in each direction, in ms. */
  delayMs = 0;
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #wires = new Set<Wire>();
  #trap: Trap | null = null;
  #isStalled = false;
  #refuses = false;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = { host: target.hostname, port: Number(target.port || '5432') };
    const url = new URL(target.href);
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as AddressInfo).port);
    this.url = url.href;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Closed with the test. */
  static async start(t: Pick<ExecutionContext, 'teardown'>, url: string): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new TcpProxy(server, new URL(url));
    t.teardown(() => proxy.close());
    return proxy;
  }

  /** Swallows everything from here on, and answers nobody; connections are accepted all the same. */
  stall(): void {
    this.#isStalled = true;
    for (const wire of this.#wires) wire.isStalled = true;
  }

  /** What is sent from here on arrives again, on connections made from here on. What was swallowed is gone. */
  resume(): void {
    this.#isStalled = false;
    this.#refuses = false;
  }

  /** Resets each connection. */
  cut(): void {
    for (const wire of this.#wires) wire.reset();
  }

  /** Resets each connection, and new ones at once. */
  refuse(): void {
    this.#refuses = true;
    this.cut();
  }

  /** Ends one direction of each connection, as a peer does that will not send any more but still listens. */
  halfClose(side: 'client' | 'server'): void {
    for (const wire of this.#wires) wire.halfClose(side);
  }

  /** Cuts the next connection on which such a statement goes by. Resolves when that has been done. */
  async cutAt(sql: RegExp, moment: Moment): Promise<void> {
    await new Promise<void>((sprung) => {
      this.#trap = { sql, moment, sprung };
    });
  }

  /** Lets go of a trap that nothing went into. */
  disarm(): void {
    const trap = this.#trap;
    this.#trap = null;
    trap?.sprung();
  }

  async close(): Promise<void> {
    this.disarm();
    this.#server.close();
    for (const wire of this.#wires) wire.reset();
  }

  #accept(client: Socket): void {
    if (this.#refuses) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const wire = new Wire(client, connect({ ...this.#target, allowHalfOpen: true, noDelay: true }), {
      delayMs: () => this.delayMs,
      takeTrap: (sql) => {
        const trap = this.#trap;
        if (trap === null || !trap.sql.test(sql)) return null;
        this.#trap = null;
        return trap;
      },
      ended: () => this.#wires.delete(wire),
    });
    wire.isStalled = this.#isStalled;
    this.#wires.add(wire);
  }
}

interface Surroundings {
  readonly delayMs: () => number;
  readonly takeTrap: (sql: string) => Trap | null;
  readonly ended: () => void;
}

/** One connection through the proxy. */
class Wire {
  isStalled = false;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #around: Surroundings;
  readonly #asked = new FrontendMessages();
  readonly #answered = new ReadyAnswers();
  #awaited: { readonly trap: Trap; readonly answers: number } | null = null;
  #isOver = false;

  constructor(client: Socket, server: Socket, around: Surroundings) {
    this.#client = client;
    this.#server = server;
    this.#around = around;
    for (const socket of [client, server]) {
      socket.on('error', () => this.reset());
      socket.on('close', () => this.#end());
    }
    const toServer = new Lane(server, around.delayMs);
    const toClient = new Lane(client, around.delayMs);
    client.on('data', (data) => this.#ask(data, toServer));
    server.on('data', (data) => this.#answer(data, toClient));
    client.on('end', () => toServer.end());
    server.on('end', () => toClient.end());
  }

  reset(): void {
    if (this.#isOver) return;
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
    this.#end();
  }

  halfClose(side: 'client' | 'server'): void {
    (side === 'client' ? this.#client : this.#server).end();
  }

  #ask(data: Buffer, lane: Lane): void {
    for (const { bytes, sql } of this.#asked.read(data)) {
      if (this.isStalled || this.#isOver) return;
      const trap = sql === null || this.#awaited !== null ? null : this.#around.takeTrap(sql);
      if (trap?.moment === 'sent') {
        this.reset();
        trap.sprung();
        return;
      }
      if (trap !== null) this.#awaited = { trap, answers: this.#asked.answersAwaited };
      lane.send(bytes);
    }
  }

  #answer(data: Buffer, lane: Lane): void {
    if (this.isStalled || this.#isOver) return;
    const answers = this.#answered.count(data);
    if (this.#awaited === null) {
      lane.send(data);
    } else if (answers >= this.#awaited.answers) {
      this.reset();
      this.#awaited.trap.sprung();
    }
  }

  #end(): void {
    if (this.#isOver && this.#client.destroyed && this.#server.destroyed) return;
    this.#isOver = true;
    this.#client.destroy();
    this.#server.destroy();
    this.#around.ended();
  }
}

/** One direction of a connection: nothing overtakes what was sent before it, however the delay changes. */
class Lane {
  readonly #to: Socket;
  readonly #delayMs: () => number;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(to: Socket, delayMs: () => number) {
    this.#to = to;
    this.#delayMs = delayMs;
  }

  send(data: Buffer): void {
    this.#queue(() => this.#to.writable && this.#to.write(data));
  }

  end(): void {
    this.#queue(() => this.#to.writable && this.#to.end());
  }

  #queue(work: () => void): void {
    const due = performance.now() + this.#delayMs();
    if (this.#waiting === 0 && this.#delayMs() === 0) return work();
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      this.#waiting -= 1;
      work();
    });
  }
}
