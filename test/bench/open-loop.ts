import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../migrations/ledger/random.ts';
import type { LedgerTable } from '../../migrations/ledger/seed.ts';
import type { LedgerRows } from './ledger-rows.ts';

/** What came of a load. */
export interface Answered {
  readonly latencies: readonly { readonly kind: 'read' | 'write'; readonly ms: number }[];
  readonly failures: number;
  /** The first thing that went wrong. */
  readonly firstFailure: string | null;
}

interface Call {
  readonly kind: 'read' | 'write';
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * Sends requests to the example API until `until` is aborted, at random moments, so many a second on average, and waits
 * for none before the next: a server that stalls gets those that came meanwhile all at once, and each of them counts.
 */
export class OpenLoop {
  readonly #url: string;
  readonly #perSecond: number;
  readonly #rows: LedgerRows;
  readonly #random: Random;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
  #number = 0;

  constructor(url: string, options: { readonly perSecond: number; readonly seed: number; readonly rows: LedgerRows }) {
    this.#url = url;
    this.#perSecond = options.perSecond;
    this.#rows = options.rows;
    this.#random = new Random(options.seed);
  }

  async run(until: AbortSignal): Promise<Answered> {
    const latencies: { kind: 'read' | 'write'; ms: number }[] = [];
    const failed: string[] = [];
    const open = new Set<Promise<void>>();
    let due = performance.now();
    while (!until.aborted) {
      due += (-Math.log(1 - this.#random.unit()) / this.#perSecond) * 1000;
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait, undefined, { signal: until }).catch(() => {});
      if (until.aborted) break;
      const call = this.#next();
      const sentAt = performance.now();
      const sent: Promise<void> = this.#send(call)
        .then(
          () => void latencies.push({ kind: call.kind, ms: performance.now() - sentAt }),
          (error: unknown) => void failed.push(String(error)),
        )
        .finally(() => open.delete(sent));
      open.add(sent);
    }
    await Promise.all(open);
    return { latencies, failures: failed.length, firstFailure: failed[0] ?? null };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Six reads of one row, two lists, one change and one new row in ten; one new row in five is a contract. */
  #next(): Call {
    const random = this.#random;
    const dice = random.between(1, 100);
    if (dice <= 60) {
      const collection = random.pick<LedgerTable>(['accounts', 'offerings', 'contracts']);
      return { kind: 'read', method: 'GET', path: `/${collection}/${random.between(1, this.#rows[collection])}` };
    }
    if (dice <= 80)
      return { kind: 'read', method: 'GET', path: `/accounts?limit=20&offset=${random.between(0, 1_000)}` };
    const account = random.between(1, this.#rows.accounts);
    if (dice <= 90) {
      const body = { balance_cents: random.between(0, 1_000_000) };
      return { kind: 'write', method: 'PATCH', path: `/accounts/${account}`, body };
    }
    if (dice <= 98) {
      this.#number += 1;
      const body = { email: `bench-${process.pid}-${Date.now()}-${this.#number}@example.org`, name: 'Zoë Müller' };
      return { kind: 'write', method: 'POST', path: '/accounts', body };
    }
    const payment = { amount_cents: 12_000, currency: 'EUR', method: 'card' };
    const body = { account_id: account, offering_id: 1, hours: 12, total_cents: 12_000, payment };
    return { kind: 'write', method: 'POST', path: '/contracts', body };
  }

  #send({ method, path, body }: Call): Promise<void> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers =
        text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      const sent = request(`${this.#url}${path}`, { method, headers, agent: this.#agent }, (response) => {
        response.resume();
        response.once('error', reject);
        response.once('end', () => {
          const { statusCode = 0 } = response;
          if (statusCode < 400) resolve();
          else reject(new Error(`${method} ${path} was answered with ${statusCode}`));
        });
      });
      sent.once('error', reject);
      sent.end(text);
    });
  }
}
