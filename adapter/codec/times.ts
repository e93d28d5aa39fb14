import type { Codec } from '../codec.ts';
import type { TimeForm } from './form.ts';
import { formed } from './formed.ts';
import type { Shape } from './formed.ts';
import { readTimeOfDay, writeTimeOfDay } from './moment.ts';
import { assertPrecision } from './precision.ts';

const MINUTE = 60_000_000n;

const SHAPES = {
  time: text(0),
  'time-ms': text(3),
  'time-us': text(6),
  'time-min': {
    read,
    write: (micros) => (micros % MINUTE === 0n ? writeTimeOfDay(micros, 0).slice(0, 5) : undefined),
  },
} as const satisfies Record<TimeForm, Shape<bigint>>;

/** `time without time zone`: microseconds since midnight, up to 24:00. */
export const times: Codec = formed<bigint>({
  noun: 'time of day',
  shapes: SHAPES,
  byDefault: SHAPES.time,
  toText(micros, column) {
    assertPrecision(micros, column);
    return writeTimeOfDay(micros, 6);
  },
  fromText: readTimeOfDay,
});

function text(digits: number): Shape<bigint> {
  const unit = 10n ** BigInt(6 - digits);
  return { read, write: (micros) => (micros % unit === 0n ? writeTimeOfDay(micros, digits) : undefined) };
}

function read(value: unknown): bigint | undefined {
  return typeof value === 'string' ? readTimeOfDay(value) : undefined;
}
