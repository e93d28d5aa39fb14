import type { Actor, WriterContext } from './load.ts';
import type { Entry, Expected } from './journal.ts';

interface OwnContract {
  readonly id: number;
  readonly payments: number[];
}

/**
 * A writer that uses the router as an API's code would: the query builder, raw SQL, transactions over several tables.
 * What was acknowledged goes into the journal, and is read back now and then.
 */
export class KnexWriter implements Actor {
  readonly kind = 'write';
  readonly #context: WriterContext;
  readonly #contracts: OwnContract[] = [];
  readonly #emails: number[] = [];
  #made = 0;

  constructor(context: WriterContext) {
    this.#context = context;
  }

  async act(): Promise<void> {
    const draw = this.#context.random.unit();
    if (draw < 0.2) await this.#openAccount();
    else if (draw < 0.4) await this.#changeAccount();
    else if (draw < 0.55) await this.#rent();
    else if (draw < 0.65) await this.#changeOffering();
    else if (draw < 0.75) await this.#set();
    else if (draw < 0.8) await this.#endContract();
    else if (draw < 0.9) await this.#queueEmail();
    else if (draw < 0.95) await this.#sendEmail();
    else await this.#giveUp();
  }

  async #openAccount(): Promise<void> {
    const { crossfade, random } = this.#context;
    const row = {
      email: `${this.#name()}@demo.example`,
      name: `Ämne ${this.#name()}`,
      is_active: 1,
      is_provider: 0,
      balance_cents: random.between(0, 10 ** 12),
      profile: '{"from":  "demo"}',
      avatar: random.bytes(16),
      created_at: Date.now(),
    };
    const [id] = await crossfade.knex('accounts').insert(row);
    const { email, name, balance_cents } = row;
    this.#acknowledge('accounts', numberOf(id), { email, name, balance_cents, is_active: 1 });
  }

  async #changeAccount(): Promise<void> {
    const { crossfade, random } = this.#context;
    const id = this.#ownId(this.#context.accounts);
    const change = { balance_cents: random.between(-50_000, 10 ** 9), last_login_at: new Date().toISOString() };
    await this.#certainly({ table: 'accounts', key: id }, async () => {
      await crossfade.knex('accounts').where({ id }).update(change);
    });
    this.#acknowledge('accounts', id, change);
    if (!random.chance(0.3)) return;
    const found: unknown = await crossfade.knex('accounts').where({ id }).first('balance_cents', 'last_login_at');
    if (JSON.stringify(found) !== JSON.stringify(change)) this.#context.tally.stale();
  }

  /** A contract, its first payments and the account's new balance: all or nothing. */
  async #rent(): Promise<void> {
    const { crossfade, random } = this.#context;
    const accountId = this.#ownId(this.#context.accounts);
    const contract = {
      account_id: accountId,
      offering_id: random.between(1, this.#context.offerings),
      status: 'active',
      hours: random.between(1, 100),
      total_cents: random.between(100, 100_000),
      starts_at: Date.now(),
      auto_renew: 0,
    };
    const balance = { balance_cents: random.between(0, 10 ** 9) };
    const references = [this.#name(), this.#name()];
    const own: OwnContract = { id: 0, payments: [] };
    const made = await this.#certainly({ table: 'accounts', key: accountId }, () =>
      crossfade.knex.transaction(async (trx) => {
        const [id] = await trx('contracts').insert(contract);
        const payments: number[] = [];
        for (const reference of references) {
          const payment = { contract_id: numberOf(id), amount_cents: contract.total_cents, currency: 'EUR', reference };
          const [paymentId] = await trx('payments').insert({
            ...payment,
            method: 'card',
            is_refund: 0,
            created_at: Date.now(),
          });
          payments.push(numberOf(paymentId));
        }
        await trx('accounts').where({ id: accountId }).update(balance);
        return { ...own, id: numberOf(id), payments };
      }),
    );
    this.#contracts.push(made);
    const { account_id, offering_id, total_cents } = contract;
    this.#acknowledge('contracts', made.id, { account_id, offering_id, total_cents });
    made.payments.forEach((id, index) => {
      this.#acknowledge('payments', id, { contract_id: made.id, reference: references[index] ?? null });
    });
    this.#acknowledge('accounts', accountId, balance);
  }

  async #changeOffering(): Promise<void> {
    const { crossfade, random } = this.#context;
    const id = this.#ownId(this.#context.offerings);
    const change = { title: `as changed by ${this.#name()}`, price_cents_per_hour: random.between(0, 20_000) };
    await this.#certainly({ table: 'offerings', key: id }, async () => {
      const sql = 'update offerings set title = ?, price_cents_per_hour = ? where id = ?';
      await crossfade.knex.raw(sql, [change.title, change.price_cents_per_hour, id]);
    });
    this.#acknowledge('offerings', id, change);
  }

  /** A table whose key is text, written by an upsert in raw SQL that both databases understand. */
  async #set(): Promise<void> {
    const { crossfade, random, share } = this.#context;
    const key = `demo.${share.remainder}.Größe.${random.between(1, 20)}`;
    const updatedAt = Date.now() * 1_000 + random.between(0, 999);
    await this.#certainly({ table: 'settings', key, keyColumn: 'key' }, async () => {
      await crossfade.knex.raw(
        'insert into settings (key, value, updated_at) values (?, ?, ?) on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at',
        [key, '{"by": "demo"}', updatedAt],
      );
    });
    this.#acknowledge('settings', key, { updated_at: updatedAt });
  }

  /** Deletes a contract of its own; the database deletes its payments with it. */
  async #endContract(): Promise<void> {
    const contract = this.#contracts.shift();
    if (contract === undefined) return this.#rent();
    await this.#certainly({ table: 'contracts', key: contract.id }, async () => {
      await this.#context.crossfade.knex('contracts').where({ id: contract.id }).delete();
    });
    this.#acknowledge('contracts', contract.id, null);
    for (const id of contract.payments) this.#acknowledge('payments', id, null);
  }

  async #queueEmail(): Promise<void> {
    const subject = `Your invoice №${this.#name()}`;
    const row = { recipient: 'someone@demo.example', subject, attempts: 0, send_after: Date.now() };
    const [id] = await this.#context.crossfade.knex('email_queue').insert(row);
    this.#emails.push(numberOf(id));
    this.#acknowledge('email_queue', numberOf(id), { subject, attempts: 0 });
  }

  async #sendEmail(): Promise<void> {
    const id = this.#emails.shift();
    if (id === undefined) return this.#queueEmail();
    await this.#certainly({ table: 'email_queue', key: id }, async () => {
      await this.#context.crossfade.knex('email_queue').where({ id }).delete();
    });
    this.#acknowledge('email_queue', id, null);
  }

  /** A transaction that rolls itself back: nothing of it may be found anywhere. */
  async #giveUp(): Promise<void> {
    const { crossfade, random } = this.#context;
    const key = `rolled-back.${this.#name()}`;
    const reason = new Error('changed its mind');
    try {
      await crossfade.knex.transaction(async (trx) => {
        await trx('settings').insert({ key, value: null, updated_at: 1 });
        await trx('accounts')
          .where({ id: random.between(1, this.#context.accounts) })
          .update({ name: 'must not be seen' });
        throw reason;
      });
    } catch (error) {
      if (error !== reason) throw error;
    }
    this.#acknowledge('settings', key, null);
  }

  /** Runs a write. When it fails, nobody knows whether it was done, so the row is no longer checked. */
  async #certainly<T>(
    row: { table: string; key: number | string; keyColumn?: string },
    write: () => Promise<T>,
  ): Promise<T> {
    try {
      return await write();
    } catch (error) {
      this.#context.journal.forget([{ keyColumn: 'id', ...row }]);
      throw error;
    }
  }

  #acknowledge(table: string, key: number | string, expected: Expected): void {
    const entry: Entry = { table, keyColumn: table === 'settings' ? 'key' : 'id', key, expected };
    this.#context.journal.acknowledge(entry);
  }

  /** One of the seeded ids that only this writer writes. */
  #ownId(highest: number): number {
    const { random, share } = this.#context;
    const last = Math.floor((highest - 1 - share.remainder) / share.of);
    return 1 + share.remainder + share.of * random.between(0, Math.max(0, last));
  }

  /** A name that is given once: `w3-17`. */
  #name(): string {
    this.#made += 1;
    return `w${this.#context.share.remainder}-${this.#made}`;
  }
}

function numberOf(id: unknown): number {
  if (typeof id === 'number' && Number.isSafeInteger(id)) return id;
  throw new TypeError(`an insert resolved to an id of type ${typeof id}`);
}
