import type { ByteWriter } from './byte-writer.ts';

const POSITIVE = 0x0000;
const NEGATIVE = 0x4000;
/** Each with the number of decimals that PostgreSQL reads out of it. */
const SPECIAL: ReadonlyMap<string, { readonly sign: number; readonly scale: number }> = new Map([
  ['NaN', { sign: 0xc000, scale: 0 }],
  ['Infinity', { sign: 0xd000, scale: 32 }],
  ['-Infinity', { sign: 0xf000, scale: 32 }],
]);

const ZERO = 48;

/**
 * Writes a decimal text as PostgreSQL sends the `numeric` that it makes of it, behind its length: four decimal digits in
 * each int16. `scale` is what the column declares; without one a number has as many decimals as its text.
 */
export function writeNumeric(text: string, scale: number | null, out: ByteWriter): void {
  const special = SPECIAL.get(text);
  if (special !== undefined) {
    writeHeader(out, { digits: 0, weight: 0, ...special });
    return;
  }
  const { isNegative, whole, fraction } = partsOf(text);
  const start = out.end;
  writeHeader(out, { digits: 0, weight: 0, sign: POSITIVE, scale: scale ?? fraction.length });
  const first = out.end;
  // The groups of four are counted from the point.
  let weight = Math.ceil(whole.length / 4) - 1;
  let end = first;
  for (let place = whole.length - (weight + 1) * 4; place < whole.length; place += 4) {
    const group = groupAt(whole, place);
    if (group === 0 && out.end === first) weight -= 1;
    else out.int16(group);
    if (group !== 0) end = out.end;
  }
  for (let place = 0; place < fraction.length; place += 4) {
    const group = groupAt(fraction, place);
    if (group === 0 && out.end === first) weight -= 1;
    else out.int16(group);
    if (group !== 0) end = out.end;
  }
  out.end = start;
  const digits = (end - first) / 2;
  if (digits === 0) writeHeader(out, { digits, weight: 0, sign: POSITIVE, scale: scale ?? fraction.length });
  else {
    const sign = isNegative ? NEGATIVE : POSITIVE;
    writeHeader(out, { digits, weight, sign, scale: scale ?? fraction.length });
  }
  out.end = end;
}

interface Header {
  readonly digits: number;
  /** The power of 10,000 of the first digit. */
  readonly weight: number;
  readonly sign: number;
  readonly scale: number;
}

function writeHeader(out: ByteWriter, { digits, weight, sign, scale }: Header): void {
  out.int32(8 + digits * 2);
  out.int16(digits);
  out.int16(weight);
  out.int16(sign);
  out.int16(scale);
}

/** Four digits of a text from a place on; those before its beginning and after its end are zeros. */
function groupAt(digits: string, place: number): number {
  let group = 0;
  for (let index = place; index < place + 4; index += 1) {
    group = group * 10 + (index >= 0 && index < digits.length ? digits.charCodeAt(index) - ZERO : 0);
  }
  return group;
}

interface Parts {
  readonly isNegative: boolean;
  readonly whole: string;
  readonly fraction: string;
}

function partsOf(text: string): Parts {
  const isNegative = text.startsWith('-');
  const from = isNegative || text.startsWith('+') ? 1 : 0;
  const point = text.indexOf('.');
  const power = text.search(/e/i);
  const end = power < 0 ? text.length : power;
  const whole = text.slice(from, point < 0 ? end : point);
  const fraction = point < 0 ? '' : text.slice(point + 1, end);
  return power < 0
    ? { isNegative, whole, fraction }
    : moved({ isNegative, whole, fraction }, Number(text.slice(power + 1)));
}

/** The point so many places further to the right. */
function moved({ isNegative, whole, fraction }: Parts, places: number): Parts {
  if (places >= 0) {
    return {
      isNegative,
      whole: whole + fraction.slice(0, places).padEnd(places, '0'),
      fraction: fraction.slice(places),
    };
  }
  const padded = whole.padStart(-places, '0');
  return {
    isNegative,
    whole: padded.slice(0, padded.length + places),
    fraction: padded.slice(padded.length + places) + fraction,
  };
}
