import type { Random } from './random.ts';

/** A request to the example API, to be made again as it is. */
export interface RecordedRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

type Collection = 'accounts' | 'offerings' | 'contracts';
const COLLECTIONS: readonly Collection[] = ['accounts', 'offerings', 'contracts'];

const NAMES = ['Ada', 'ada', 'Émile', 'Zoë', '日本', "O'Neil", 'a_b%', 'x'.repeat(200), '  spaces ', '😀'];

/** Requests as the clients of a marketplace make them, wrong ones too. Every moment is given, so that no clock counts. */
export class LedgerTraffic {
  readonly #random: Random;
  readonly #ids: Record<Collection, number[]> = {
    accounts: [1, 2, 3],
    offerings: [1, 2, 3, 4],
    contracts: [1, 2, 3, 4],
  };
  readonly #emails: string[] = [];
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes note of what was made. */
  learn({ method, path }: RecordedRequest, { status, body }: { readonly status: number; readonly body: string }): void {
    const [, place, id] = path.split('/');
    if (method === 'DELETE' && status === 204) {
      const ids = this.#ids[place as Collection];
      ids.splice(ids.indexOf(Number(id)), 1);
    }
    if (method !== 'POST' || status !== 201) return;
    const collection = COLLECTIONS.find((name) => path === `/${name}`);
    const made = JSON.parse(body) as { readonly id: number; readonly email?: string };
    if (collection !== undefined) this.#ids[collection].push(made.id);
    if (made.email !== undefined) this.#emails.push(made.email);
  }

  next(): RecordedRequest {
    const random = this.#random;
    const collection = random.pick(COLLECTIONS);
    const one = `/${collection}/${this.#id(collection)}`;
    return random.pick<() => RecordedRequest>([
      () => ({ method: 'GET', path: one }),
      () => ({ method: 'GET', path: one }),
      () => ({ method: 'GET', path: `/${collection}?limit=${random.between(1, 20)}&offset=${random.between(0, 5)}` }),
      () => ({ method: 'GET', path: `/${collection}?limit=${random.pick(['0', 'x', '201', '-1'])}` }),
      () => ({ method: 'GET', path: `/${collection}/${random.pick(['999999', 'x', '0', '1.5'])}` }),
      () => ({ method: 'POST', path: `/${collection}`, body: this.#made(collection) }),
      () => ({ method: 'POST', path: `/${collection}`, body: this.#made(collection) }),
      () => ({ method: 'POST', path: `/${collection}`, body: { nonsense: true } }),
      () => ({ method: 'GET', path: random.pick(['/', `/${collection}`, `/${collection}?offset=100000`, '/nowhere']) }),
      () => ({ method: 'PUT', path: one, body: this.#replaced(collection) }),
      () => ({
        method: 'PUT',
        path: `/${collection}/${random.pick(['999999', '7x'])}`,
        body: this.#replaced(collection),
      }),
      () => ({ method: 'DELETE', path: `/${collection}/999999` }),
      () => ({ method: 'DELETE', path: `/${this.#spare('offerings')}` }),
      // Rows that others need, and some that none does: the database decides.
      () => ({ method: 'DELETE', path: `/${this.#spare('accounts')}` }),
      () => ({ method: 'PATCH', path: one, body: random.pick<unknown>([{}, null, [], 'x', { name: null }]) }),
      () => ({ method: 'PATCH', path: one, body: this.#changes(collection) }),
      () => ({ method: 'PATCH', path: one, body: this.#changes(collection) }),
      // One e-mail address for two accounts: the update is refused by the database.
      () => ({ method: 'PATCH', path: `/accounts/${this.#id('accounts')}`, body: { email: this.#email() } }),
      () => ({ method: 'PATCH', path: one, body: { id: 5 } }),
      () => ({
        method: 'DELETE',
        path: random.pick([`/${this.#spare('offerings')}`, `/${this.#spare('contracts')}`, '/accounts/1']),
      }),
    ])();
  }

  /** Inserts that the database refuses. */
  failing(): readonly RecordedRequest[] {
    return [
      { method: 'POST', path: '/accounts', body: { ...this.#account(), email: this.#emails.at(-1) } },
      { method: 'POST', path: '/offerings', body: { ...this.#offering(), provider_id: 999_999 } },
      { method: 'POST', path: '/contracts', body: { ...this.#contract(), account_id: 999_999 } },
    ];
  }

  /** A row that may go: some stay, so that there are others to refer to. */
  #spare(collection: Collection): string {
    return `${collection}/${this.#ids[collection].length > 2 ? this.#id(collection) : 999_999}`;
  }

  #id(collection: Collection): number {
    return this.#random.pick(this.#ids[collection]);
  }

  #email(): string {
    return this.#emails.length === 0 ? 'nobody@x.example' : this.#random.pick(this.#emails);
  }

  #made(collection: Collection): Readonly<Record<string, unknown>> {
    switch (collection) {
      case 'accounts':
        return this.#account();
      case 'offerings':
        return this.#offering();
      case 'contracts':
        return this.#contract();
    }
  }

  /** All of a row; what a contract is made with besides is no part of it. */
  #replaced(collection: Collection): Readonly<Record<string, unknown>> {
    const { payment: _, ...row } = this.#made(collection);
    return row;
  }

  #account(): Readonly<Record<string, unknown>> {
    const random = this.#random;
    this.#count += 1;
    return {
      email: `${random.pick(['a', 'B', 'é'])}${this.#count}@x.example`,
      name: random.pick(NAMES),
      ...(random.chance(0.5) ? { country: random.pick(['DE', 'NP', 'US']) } : {}),
      is_active: random.chance(0.5),
      balance_cents: random.pick([0, -1, 250, Number.MAX_SAFE_INTEGER]),
      ...(random.chance(0.5) ? { profile: { b: 1, a: [1.5, null, 'é'], '': {} } } : {}),
      ...(random.chance(0.3) ? { avatar: Buffer.from([0, 255, 10, 39]).toString('base64') } : {}),
      created_at: random.pick([1_715_933_350_123, 0]),
      ...(random.chance(0.3) ? { last_login_at: '2025-06-30T12:00:00.000Z' } : {}),
    };
  }

  #offering(): Readonly<Record<string, unknown>> {
    const random = this.#random;
    return {
      provider_id: this.#id('accounts'),
      title: random.pick(NAMES),
      category: random.pick(['compute', 'gpu', 'vehicle']),
      price_cents_per_hour: random.between(0, 5_000),
      ...(random.chance(0.6) ? { reliability: random.pick([0, 1, 0.1, 1 / 3, 5e-324]) } : {}),
      ...(random.chance(0.6) ? { latitude: -33.868_820_123_456_7, longitude: 151.209_295_5 } : {}),
      is_listed: random.chance(0.8),
      created_at: 1_715_933_350_123,
    };
  }

  #contract(): Readonly<Record<string, unknown>> {
    const random = this.#random;
    return {
      account_id: this.#id('accounts'),
      ...(random.chance(0.7) ? { offering_id: this.#id('offerings') } : {}),
      status: random.pick(['draft', 'active']),
      hours: random.between(1, 1_000),
      total_cents: random.between(0, 100_000),
      starts_at: 1_715_933_350_000,
      ...(random.chance(0.3) ? { signed_on: '2024-02-29' } : {}),
      ...(random.chance(0.3) ? { terms: { text: 'ok', list: [] } } : {}),
      payment: {
        amount_cents: random.between(1, 9_999),
        currency: random.pick(['EUR', 'JPY']),
        method: 'card',
        created_at: 1_715_933_350_000,
      },
    };
  }

  #changes(collection: Collection): Readonly<Record<string, unknown>> {
    const random = this.#random;
    switch (collection) {
      case 'accounts':
        return random.pick<Record<string, unknown>>([
          { name: random.pick(NAMES) },
          { is_active: random.chance(0.5), country: null },
          { balance_cents: 1.5 },
          { balance_cents: -Number.MAX_SAFE_INTEGER, profile: [null, { deep: ['é', 1e21, -0.1] }] },
          { avatar: null, last_login_at: '1999-12-31T23:59:59.999Z' },
          { name: 'a\u0000b' },
          { created_at: 8_640_000_000_000_000 },
        ]);
      case 'offerings':
        return random.pick<Record<string, unknown>>([
          { reliability: 0.7 },
          { title: random.pick(NAMES), description: 'é' },
          { latitude: 'north' },
          { latitude: -0, longitude: 1e-300, price_cents_per_hour: 0 },
          { attributes: { list: [1, 2, 3], text: '"\\' }, is_listed: false },
          { provider_id: 999_999 },
        ]);
      case 'contracts':
        return random.pick<Record<string, unknown>>([
          { status: 'ended', ends_at: 1_717_200_000_000 },
          { hours: 7 },
          { offering_id: null, terms: null, signed_on: '2024-02-29' },
          { status: 'nonsense' },
          { account_id: 999_999 },
          { auto_renew: true, total_cents: 0, ends_at: null },
          { hours: 0 },
        ]);
    }
  }
}
