import type { Actor, WriterContext } from './load.ts';
import { sendJson } from './send-json.ts';

/** A reader: rows by key, lists, joins and sums, through Knex and over HTTP. */
export class Reader implements Actor {
  readonly kind = 'read';
  readonly #context: WriterContext;

  constructor(context: WriterContext) {
    this.#context = context;
  }

  async act(): Promise<void> {
    const { accounts, crossfade, offerings, random, url } = this.#context;
    const account = random.between(1, accounts);
    const offering = random.between(1, offerings);
    const draw = random.between(1, 6);
    if (draw === 1) await this.#mustFind(crossfade.knex('accounts').where({ id: account }));
    else if (draw === 2) await crossfade.knex('contracts').where({ account_id: account }).orderBy('id').limit(20);
    else if (draw === 3) {
      await crossfade
        .knex('contracts as c')
        .join('offerings as o', 'o.id', 'c.offering_id')
        .where('o.id', offering)
        .select('c.id', 'o.title', 'c.total_cents')
        .orderBy('c.id');
    } else if (draw === 4) {
      await crossfade.knex.raw('select count(*) as n, sum(amount_cents) as cents from payments where contract_id = ?', [
        offering,
      ]);
    } else if (draw === 5) await sendJson('GET', `${url}/offerings/${offering}`, { expect: 200 });
    else await sendJson('GET', `${url}/accounts?limit=20&offset=${account}`, { expect: 200 });
  }

  async #mustFind(query: PromiseLike<unknown[]>): Promise<void> {
    const rows = await query;
    if (rows.length !== 1) throw new Error(`a row that is there was answered ${rows.length} times`);
  }
}
