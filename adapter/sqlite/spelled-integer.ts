/** An integer of 64 bits, read from its decimal digits without a BigInt, which would cost more than all else of a row. */
export class SpelledInteger {
  /** Its halves, as integers of 32 bits with a sign. */
  high = 0;
  low = 0;

  get value(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
  }

  /** Reads what begins at a place, and gives the place behind it: of the first byte that is no digit. */
  read(bytes: Uint8Array, start: number): number {
    const isNegative = bytes[start] === MINUS;
    let at = isNegative ? start + 1 : start;
    this.high = 0;
    this.low = 0;
    for (;;) {
      let value = 0;
      const from = at;
      const limit = at + CHUNK_DIGITS;
      for (; at < limit; at += 1) {
        const digit = (bytes[at] ?? 0) - ZERO;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
      }
      this.#append(at - from, value);
      if (at < limit) break;
    }
    if (isNegative) this.#negate();
    return at;
  }

  /** Appends so many digits. Each part of a product is below 2^53, and so exact. */
  #append(digits: number, value: number): void {
    if (this.high === 0 && this.low === 0) {
      this.low = value;
      return;
    }
    const factor = POWERS[digits] ?? 1;
    const low = this.low >>> 0;
    const upper = (low >>> 16) * factor;
    const carried = Math.floor(upper / 0x1_0000);
    const lower = (low & 0xffff) * factor + (upper - carried * 0x1_0000) * 0x1_0000 + value;
    this.low = lower | 0;
    this.high = (this.high * factor + carried + Math.floor(lower / TWO_TO_32)) | 0;
  }

  #negate(): void {
    this.low = -this.low | 0;
    this.high = this.low === 0 ? -this.high | 0 : ~this.high;
  }
}

const MINUS = 45;
const ZERO = 48;
const TWO_TO_32 = 2 ** 32;
/** So many digits are a number of 31 bits. */
const CHUNK_DIGITS = 9;
const POWERS = Array.from({ length: CHUNK_DIGITS + 1 }, (_, digits) => 10 ** digits);
