/**
 * Whether a double is the number that a decimal text says, in the sense that its shortest text says the same number.
 * That is what makes the way back from SQLite end at the very number it began with.
 */
export function isSameDecimal(text: string, double: number): boolean {
  // Up to 15 digits survive in every double (DBL_DIG); the exponents that could spoil that do not fit into as many characters.
  if (text.length <= 15) return true;
  const a = parse(text);
  const b = parse(String(double));
  return a !== undefined && b !== undefined && a.sign === b.sign && a.digits === b.digits && a.exponent === b.exponent;
}

/** How many decimal places a number needs; negative when it ends in zeros before the point. */
export function decimalPlaces(text: string): number {
  const { digits = '', exponent = 0 } = parse(text) ?? {};
  return digits === '' ? 0 : -exponent;
}

/** How many digits a number has before its point, less than none when zeros follow it; infinitely many when it is infinite. */
export function wholeDigits(text: string): number {
  const decimal = parse(text);
  if (decimal === undefined) return Infinity;
  return decimal.digits === '' ? -Infinity : decimal.digits.length + decimal.exponent;
}

interface Decimal {
  readonly sign: string;
  /** Without zeros at either end; empty for zero. */
  readonly digits: string;
  /** The power of ten of the last digit. */
  readonly exponent: number;
}

function parse(text: string): Decimal | undefined {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const all = whole + fraction;
  if (all === '') return undefined;
  let first = 0;
  let end = all.length;
  while (first < end && all[first] === '0') first += 1;
  while (end > first && all[end - 1] === '0') end -= 1;
  const digits = all.slice(first, end);
  if (digits === '') return { sign: '', digits, exponent: 0 };
  return { sign, digits, exponent: Number(power) - fraction.length + (all.length - end) };
}
