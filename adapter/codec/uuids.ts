import type { Codec } from '../codec.ts';
import type { UuidForm } from './form.ts';
import { formed } from './formed.ts';
import type { Shape } from './formed.ts';
import type { Holdable } from './storage-class.ts';

/** With or without hyphens, and in braces or not. */
const UUID = /^\{?([\da-f]{8})(-?)([\da-f]{4})\2([\da-f]{4})\2([\da-f]{4})\2([\da-f]{12})\}?$/i;

const SHAPES = {
  uuid: { read, write: hyphenated },
  'uuid-upper': { read, write: (digits) => hyphenated(digits).toUpperCase() },
  'uuid-hex': { read, write: (digits) => digits },
  'uuid-blob': { read, write: (digits) => Buffer.from(digits, 'hex') },
} as const satisfies Record<UuidForm, Shape<string>>;

/** `uuid`: 32 hexadecimal digits in lower case. */
export const uuids: Codec = formed<string>({
  noun: 'UUID',
  shapes: SHAPES,
  byDefault: SHAPES.uuid,
  toText: hyphenated,
  fromText: read,
});

function read(value: Holdable): string | undefined {
  if (value instanceof Uint8Array) return value.length === 16 ? Buffer.from(value).toString('hex') : undefined;
  const parts = typeof value === 'string' ? UUID.exec(value) : null;
  if (parts === null) return undefined;
  const [, first = '', , ...rest] = parts;
  return (first + rest.join('')).toLowerCase();
}

function hyphenated(digits: string): string {
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  );
}
