import { Router } from 'express';
import type { Request } from 'express';
import type { Repository } from '../../adapter/repository.ts';
import type { Cell, Fields } from './fields.ts';
import { HttpError, fieldInvalid } from './http-error.ts';
import { readBody, showRow } from './read-body.ts';

/** A row of any of the ledger's tables, as the repositories give it. */
export interface LedgerRow extends Readonly<Record<string, Cell>> {
  readonly id: number;
}

/** What a collection of the API is made from. */
export interface Resource {
  /** The collection's path, without a slash. */
  readonly path: string;
  readonly rows: Repository<LedgerRow>;
  /** What one row is called, for messages. */
  readonly noun: string;
  readonly fields: Fields;
  /** Makes a row from a request's body, instead of a plain insert. */
  readonly create?: (body: unknown) => Promise<LedgerRow>;
}

const PAGE_LIMIT = 200;
const PAGE_DEFAULT = 50;

/**
 * The routes of a collection:
 * `GET /` with `limit` and `offset`, `GET /:id`, `POST /`, `PATCH /:id`, `PUT /:id`, `DELETE /:id`.
 */
export function resourceRoutes(resource: Resource): Router {
  const { path, rows, fields } = resource;
  const router = Router();
  const create = resource.create ?? ((body) => rows.insert(readBody(fields, body, { for: 'create' })));

  router.get('/', async (request, response) => {
    const limit = pageNumber(request, 'limit', { min: 1, max: PAGE_LIMIT, byDefault: PAGE_DEFAULT });
    const offset = pageNumber(request, 'offset', { min: 0, max: Number.MAX_SAFE_INTEGER, byDefault: 0 });
    const items = await rows.list({ limit, offset });
    response.json({ items: items.map((row) => showRow(fields, row)), limit, offset });
  });

  router.get('/:id', async (request, response) => {
    const id = idOf(request, resource);
    response.json(showRow(fields, found(resource, id, await rows.find(id))));
  });

  router.post('/', async (request, response) => {
    const row = await create(request.body);
    response.status(201).location(`/${path}/${row.id}`).json(showRow(fields, row));
  });

  router.patch('/:id', async (request, response) => {
    const id = idOf(request, resource);
    const changes = readBody(fields, request.body, { for: 'change' });
    response.json(showRow(fields, found(resource, id, await rows.update(id, changes))));
  });

  router.put('/:id', async (request, response) => {
    const id = idOf(request, resource);
    const row = readBody(fields, request.body, { for: 'replace' });
    response.json(showRow(fields, found(resource, id, await rows.update(id, row))));
  });

  router.delete('/:id', async (request, response) => {
    const id = idOf(request, resource);
    if (!(await rows.delete(id))) throw notFound(resource, id);
    response.status(204).end();
  });

  return router;
}

function found(resource: Resource, id: number, row: LedgerRow | undefined): LedgerRow {
  if (row === undefined) throw notFound(resource, id);
  return row;
}

/** The id in the path. What cannot be an id names no row. */
function idOf(request: Request, resource: Resource): number {
  const text = String(request.params['id']);
  const id = Number(text);
  if (!/^[1-9]\d*$/.test(text) || !Number.isSafeInteger(id)) throw notFound(resource, text);
  return id;
}

function pageNumber(request: Request, name: string, range: { min: number; max: number; byDefault: number }): number {
  const given = request.query[name];
  if (given === undefined) return range.byDefault;
  const value = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : NaN;
  if (Number.isSafeInteger(value) && value >= range.min && value <= range.max) return value;
  throw fieldInvalid(name, `a whole number from ${range.min} to ${range.max}`, given);
}

function notFound({ path, noun }: Resource, id: number | string): HttpError {
  return new HttpError(404, 'NOT_FOUND', `there is no ${noun} ${String(id).slice(0, 40)}`, {
    hint: `GET /${path} lists those there are`,
  });
}
