import { Router } from 'express';
import type { Request } from 'express';
import type { Crossfade } from '../../adapter/crossfade.ts';
import type { Cell, Fields } from './fields.ts';
import { HttpError, fieldInvalid } from './http-error.ts';
import { readBody, showRow } from './read-body.ts';

/** A row of any of the ledger's tables, as the repositories give it. */
export type LedgerRow = Record<string, Cell> & { id: number };

/** What a collection of the API is made from. */
export interface Resource {
  /** The table, and the collection's path. */
  readonly table: string;
  /** What one row is called, for messages. */
  readonly noun: string;
  readonly fields: Fields;
  /** Makes a row from a request's body, instead of a plain insert. Resolves to its id. */
  readonly create?: (body: unknown) => Promise<number>;
}

const PAGE_LIMIT = 200;
const PAGE_DEFAULT = 50;

/**
 * The routes of a collection:
 * `GET /` with `limit` and `offset`, `GET /:id`, `POST /`, `PATCH /:id`, `PUT /:id`, `DELETE /:id`.
 */
export function resourceRoutes(crossfade: Crossfade, resource: Resource): Router {
  const { table, fields } = resource;
  const router = Router();
  const rows = crossfade.repository<LedgerRow>(table);
  const create = resource.create ?? ((body) => insert(readBody(fields, body, { for: 'create' })));

  async function insert(row: Record<string, Cell>): Promise<number> {
    const [id] = await crossfade.knex(table).insert(row);
    return Number(id);
  }

  async function find(id: number): Promise<Record<string, unknown>> {
    const row = await rows.get(id);
    if (row === undefined) throw notFound(resource, id);
    return showRow(fields, row);
  }

  async function change(id: number, row: Record<string, Cell>): Promise<Record<string, unknown>> {
    const changed = await crossfade.knex(table).where({ id }).update(row);
    if (changed === 0) throw notFound(resource, id);
    return await find(id);
  }

  router.get('/', async (request, response) => {
    const limit = pageNumber(request, 'limit', { min: 1, max: PAGE_LIMIT, byDefault: PAGE_DEFAULT });
    const offset = pageNumber(request, 'offset', { min: 0, max: Number.MAX_SAFE_INTEGER, byDefault: 0 });
    const items = await rows.list({ orderBy: 'id', limit, offset });
    response.json({ items: items.map((row) => showRow(fields, row)), limit, offset });
  });

  router.get('/:id', async (request, response) => {
    response.json(await find(idOf(request, resource)));
  });

  router.post('/', async (request, response) => {
    const id = await create(request.body);
    response
      .status(201)
      .location(`/${table}/${id}`)
      .json(await find(id));
  });

  router.patch('/:id', async (request, response) => {
    const id = idOf(request, resource);
    response.json(await change(id, readBody(fields, request.body, { for: 'change' })));
  });

  router.put('/:id', async (request, response) => {
    const id = idOf(request, resource);
    response.json(await change(id, readBody(fields, request.body, { for: 'replace' })));
  });

  router.delete('/:id', async (request, response) => {
    const id = idOf(request, resource);
    const deleted = await crossfade.knex(table).where({ id }).delete();
    if (deleted === 0) throw notFound(resource, id);
    response.status(204).end();
  });

  return router;
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

function notFound({ table, noun }: Resource, id: number | string): HttpError {
  return new HttpError(404, 'NOT_FOUND', `there is no ${noun} ${String(id).slice(0, 40)}`, {
    hint: `GET /${table} lists those there are`,
  });
}
