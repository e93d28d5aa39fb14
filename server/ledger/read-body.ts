import type { Cell, Field, Fields } from './fields.ts';
import { fieldInvalid } from './http-error.ts';

/**
 * Reads a request's body into a row.
 *
 * `create` and `replace` want every required field and fill in the others; `change` takes the fields that are given.
 *
 * @param under Where in the body the fields are, for messages: `payment` makes `payment.currency`.
 * @throws HttpError 400, naming the field.
 */
export function readBody(
  fields: Fields,
  body: unknown,
  options: { for: 'create' | 'replace' | 'change'; under?: string },
): Record<string, Cell> {
  const path = (name: string): string => (options.under === undefined ? name : `${options.under}.${name}`);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw fieldInvalid(
      options.under ?? 'body',
      `a JSON object with the fields ${Object.keys(fields).join(', ')}`,
      body,
    );
  }
  const given = new Map<string, unknown>(Object.entries(body));
  const row: Record<string, Cell> = {};
  for (const [name, value] of given) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined)
      throw fieldInvalid(path(name), `left out; there are ${Object.keys(fields).join(', ')}`, value);
    row[name] = readField(field, path(name), value);
  }
  if (options.for === 'change') {
    if (given.size === 0)
      throw fieldInvalid('body', `an object with at least one of ${Object.keys(fields).join(', ')}`, body);
    return row;
  }
  for (const [name, field] of Object.entries(fields)) {
    if (given.has(name)) continue;
    if (field.isRequired) throw fieldInvalid(path(name), field.expected, undefined);
    row[name] = field.byDefault();
  }
  return row;
}

function readField(field: Field, path: string, value: unknown): Cell {
  if (value === null) {
    if (field.isNullable) return null;
    throw fieldInvalid(path, field.expected, value);
  }
  const cell = field.parse(value);
  if (cell === undefined) throw fieldInvalid(path, field.expected, value);
  return cell;
}

/** A row as the API answers it: `id` and its fields. */
export function showRow(fields: Fields, row: Readonly<Record<string, Cell>>): Record<string, unknown> {
  const shown: Record<string, unknown> = { id: row['id'] };
  for (const [name, field] of Object.entries(fields)) {
    const cell = row[name] ?? null;
    shown[name] = cell === null ? null : field.show(cell);
  }
  return shown;
}
