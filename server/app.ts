import express from 'express';
import type { Express } from 'express';
import type { Crossfade } from '../adapter/crossfade.ts';
import type { Repository } from '../adapter/repository.ts';
import type { ComparisonSchedule } from './comparison-schedule.ts';
import { crossfadeRoutes } from './express.ts';
import { answerError, answerUnknownPath } from './ledger/answer-error.ts';
import type { Cell } from './ledger/fields.ts';
import { fieldInvalid } from './ledger/http-error.ts';
import { readBody } from './ledger/read-body.ts';
import { resourceRoutes } from './ledger/resource.ts';
import type { LedgerRow, Resource } from './ledger/resource.ts';
import { ACCOUNT, CONTRACT, OFFERING, PAYMENT } from './ledger/resources.ts';

export interface AppOptions {
  /** Where unforeseen errors are told, without SQL. @default console.error */
  readonly log?: (message: string) => void;
  /** The schedule of comparisons, to be shown in the status. */
  readonly comparisons?: ComparisonSchedule;
}

/**
 * The example API: a marketplace's ledger, as an API that uses Crossfade looks. What it knows of Crossfade is where its
 * Knex instance comes from, and the operator's routes.
 *
 * Errors are answered as `{ error: { code, message, hint } }`: 400 names the field, 404, 409 for a value that must be
 * unique or a row that others need, 503 with Retry-After when a retry can help.
 */
export function createApp(crossfade: Crossfade, options: AppOptions = {}): Express {
  const accounts = crossfade.repository<LedgerRow>('accounts');
  const offerings = crossfade.repository<LedgerRow>('offerings');
  const contracts = crossfade.repository<LedgerRow>('contracts');
  const app = express();
  app.disable('x-powered-by');
  app.use(crossfadeRoutes(crossfade, options.comparisons === undefined ? {} : { comparisons: options.comparisons }));
  app.use(express.json({ limit: '256kb' }));
  app.get('/', (_request, response) => {
    response.json({
      name: 'example ledger',
      collections: ['/accounts', '/offerings', '/contracts'],
      operations: ['/crossfade', '/crossfade/status', '/crossfade/comparison', '/metrics', '/healthz', '/readyz'],
    });
  });
  const resources: readonly Resource[] = [
    { path: 'accounts', noun: 'account', fields: ACCOUNT, rows: accounts },
    { path: 'offerings', noun: 'offering', fields: OFFERING, rows: offerings },
    { path: 'contracts', noun: 'contract', fields: CONTRACT, rows: contracts, create: (body) => sign(contracts, body) },
  ];
  for (const resource of resources) app.use(`/${resource.path}`, resourceRoutes(resource));
  app.use(answerUnknownPath);
  app.use(answerError(options.log ?? console.error));
  return app;
}

/** A contract and its first payment: both, or neither. */
async function sign(contracts: Repository<LedgerRow>, body: unknown): Promise<LedgerRow> {
  const { contract, payment } = readContract(body);
  return await contracts.transaction(async (within, trx) => {
    const made = await within.insert(contract);
    await trx('payments').insert({ ...payment, contract_id: made.id });
    return made;
  });
}

/** The body of POST /contracts: the contract's fields, and `payment` with those of the first payment. */
function readContract(body: unknown): { contract: Record<string, Cell>; payment: Record<string, Cell> } {
  if (typeof body !== 'object' || body === null || !('payment' in body)) {
    throw fieldInvalid('payment', `an object with the first payment: ${Object.keys(PAYMENT).join(', ')}`, undefined);
  }
  const { payment, ...contract } = body;
  return {
    contract: readBody(CONTRACT, contract, { for: 'create' }),
    payment: readBody(PAYMENT, payment, { for: 'create', under: 'payment' }),
  };
}
