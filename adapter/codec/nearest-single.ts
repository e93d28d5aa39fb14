/**
 * The single-precision number nearest to a decimal, as PostgreSQL reads it into a `real`.
 *
 * By way of a double it would be rounded twice. That goes wrong only where the first rounding ends half way between two
 * singles, as in 7.038531e-26; there the decimal itself decides.
 */
export function nearestSingle(text: string): number {
  const double = Number(text);
  const single = Math.fround(double);
  if (single === double || Number.isNaN(double)) return single;
  const other = neighbour(single, double > single);
  if (double - single !== other - double) return single;
  const side = compare(text, double);
  if (side === 0) return single;
  return side > 0 ? Math.max(single, other) : Math.min(single, other);
}

/** The next single above or below. */
function neighbour(single: number, isAbove: boolean): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, single === 0 ? 0 : single);
  // Without its sign a number grows with its bits.
  const isOutwards = isAbove === single >= 0;
  view.setInt32(0, view.getInt32(0) + (isOutwards ? 1 : -1));
  return single === 0 && !isAbove ? -view.getFloat32(0) : view.getFloat32(0);
}

/** Below 0, 0 or above 0, as the decimal is less than, equal to or more than the double. */
function compare(text: string, double: number): number {
  const [, sign, whole = '', fraction = '', power = '0'] = /^(-?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const exponent = Number(power) - fraction.length;
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  const { mantissa, power: binary } = parts(double);
  const decimal = digits * 10n ** BigInt(Math.max(exponent, 0)) * 2n ** BigInt(Math.max(-binary, 0));
  const exact = mantissa * 2n ** BigInt(Math.max(binary, 0)) * 10n ** BigInt(Math.max(-exponent, 0));
  return decimal === exact ? 0 : decimal > exact ? 1 : -1;
}

/** A double as a whole number times a power of two. */
function parts(double: number): { mantissa: bigint; power: number } {
  let mantissa = double;
  let power = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    power -= 1;
  }
  return { mantissa: BigInt(mantissa), power };
}
