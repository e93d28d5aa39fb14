import type { Actor, WriterContext } from './load.ts';
import { sendJson } from './send-json.ts';

/** A writer that uses the example API over HTTP, as its clients would. */
export class HttpWriter implements Actor {
  readonly kind = 'write';
  readonly #context: WriterContext;
  readonly #contracts: number[] = [];
  #made = 0;

  constructor(context: WriterContext) {
    this.#context = context;
  }

  async act(): Promise<void> {
    const draw = this.#context.random.unit();
    if (draw < 0.35) await this.#openAccount();
    else if (draw < 0.65) await this.#changeAccount();
    else if (draw < 0.85) await this.#rent();
    else await this.#endContract();
  }

  async #openAccount(): Promise<void> {
    const { journal, random, url } = this.#context;
    const account = {
      email: `${this.#name()}@http.example`,
      name: 'Zoë “HTTP” 🐘',
      balance_cents: random.between(0, 10 ** 9),
    };
    const made = await sendJson('POST', `${url}/accounts`, { body: account, expect: 201 });
    journal.acknowledge({ table: 'accounts', keyColumn: 'id', key: idOf(made), expected: account });
  }

  async #changeAccount(): Promise<void> {
    const { accounts, journal, random, share, url } = this.#context;
    const key =
      1 +
      share.remainder +
      share.of * random.between(0, Math.max(0, Math.floor((accounts - 1 - share.remainder) / share.of)));
    const change = { balance_cents: random.between(0, 10 ** 9), country: random.pick(['SE', 'PT', 'FI']) };
    const row = { table: 'accounts', keyColumn: 'id', key };
    try {
      await sendJson('PATCH', `${url}/accounts/${key}`, { body: change, expect: 200 });
    } catch (error) {
      journal.forget([row]);
      throw error;
    }
    journal.acknowledge({ ...row, expected: change });
    const found = await sendJson('GET', `${url}/accounts/${key}`, { expect: 200 });
    if (found['balance_cents'] !== change.balance_cents) this.#context.tally.stale();
  }

  async #rent(): Promise<void> {
    const { accounts, journal, offerings, random, url } = this.#context;
    const contract = {
      account_id: random.between(1, accounts),
      offering_id: random.between(1, offerings),
      hours: 5,
      total_cents: 500,
    };
    const payment = { amount_cents: 500, currency: 'EUR', method: 'wallet', reference: this.#name() };
    const made = await sendJson('POST', `${url}/contracts`, { body: { ...contract, payment }, expect: 201 });
    this.#contracts.push(idOf(made));
    journal.acknowledge({ table: 'contracts', keyColumn: 'id', key: idOf(made), expected: contract });
  }

  async #endContract(): Promise<void> {
    const key = this.#contracts.shift();
    if (key === undefined) return this.#rent();
    const { journal, url } = this.#context;
    const row = { table: 'contracts', keyColumn: 'id', key };
    try {
      await sendJson('DELETE', `${url}/contracts/${key}`, { expect: 204 });
    } catch (error) {
      journal.forget([row]);
      throw error;
    }
    journal.acknowledge({ ...row, expected: null });
  }

  #name(): string {
    this.#made += 1;
    return `h${this.#context.share.remainder}-${this.#made}`;
  }
}

function idOf(body: Readonly<Record<string, unknown>>): number {
  if (typeof body['id'] === 'number') return body['id'];
  throw new TypeError('the API answered a row without an id');
}
