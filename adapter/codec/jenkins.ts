/**
 * The 64-bit hash functions of PostgreSQL (`hashint8extended`, `hashfloat8extended`, `hashtextextended` and their kind),
 * which are Bob Jenkins' lookup3 (https://burtleburtle.net/bob/c/lookup3.c) with a seed. One after the other, each taking
 * the result of the one before it as its seed, they make the hash of a row.
 *
 * The hash so far is in `high` and `low`, two integers of 32 bits with a sign.
 */
export class Jenkins {
  high = 0;
  low = 0;

  /** `hashint8extended(value, seed # value)`. By itself that function folds the value's halves, and 1 is 2^32 to it. */
  integer(high: number, low: number): void {
    this.high ^= high;
    this.low ^= low;
    this.#mixWord(low ^ (high >= 0 ? high : ~high));
  }

  /** The same of a whole number that a double holds exactly. */
  safeInteger(value: number): void {
    this.integer(Math.floor(value / TWO_TO_32) | 0, value | 0);
  }

  /** The same of any integer of 64 bits. */
  bigint(value: bigint): void {
    this.integer(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
  }

  /** `hashfloat8extended(value, seed # mark)`. That function gives the seed itself for 0, so each column needs a mark of its own. */
  double(value: number, mark: number): void {
    this.high ^= mark;
    this.low ^= mark;
    if (value === 0) return;
    DOUBLE[0] = value;
    this.#begin(8);
    const a = (this.#a + (WORDS[0] ?? 0)) | 0;
    const b = (this.#b + (WORDS[1] ?? 0)) | 0;
    this.#end(a, b, this.#c);
  }

  /** `hashtextextended(value, seed)` in a collation that goes by the bytes, and `hashbyteaextended`: these bytes. */
  bytes(from: DataView, start: number, end: number): void {
    this.#begin(end - start);
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let at = start;
    for (; end - at >= 12; at += 12) {
      a = (a + from.getInt32(at, true)) | 0;
      b = (b + from.getInt32(at + 4, true)) | 0;
      c = (c + from.getInt32(at + 8, true)) | 0;
      a = (a - c) ^ ((c << 4) | (c >>> 28));
      c = (c + b) | 0;
      b = (b - a) ^ ((a << 6) | (a >>> 26));
      a = (a + c) | 0;
      c = (c - b) ^ ((b << 8) | (b >>> 24));
      b = (b + a) | 0;
      a = (a - c) ^ ((c << 16) | (c >>> 16));
      c = (c + b) | 0;
      b = (b - a) ^ ((a << 19) | (a >>> 13));
      a = (a + c) | 0;
      c = (c - b) ^ ((b << 4) | (b >>> 28));
      b = (b + a) | 0;
    }
    const rest = end - at;
    // The lowest byte of the last word is left to the length.
    if (rest > 8) c = (c + (firstBytes(from, at + 8, rest - 8) << 8)) | 0;
    if (rest > 4) b = (b + firstBytes(from, at + 4, rest - 4)) | 0;
    if (rest > 0) a = (a + firstBytes(from, at, rest)) | 0;
    this.#end(a, b, c);
  }

  /** `hashint8extended(1, seed)`: what comes last, since not every one of the others stirs the seed. */
  finish(): void {
    this.#mixWord(1);
  }

  // What #begin leaves to its callers.
  #a = 0;
  #b = 0;
  #c = 0;

  #mixWord(word: number): void {
    this.#begin(4);
    this.#end((this.#a + word) | 0, this.#b, this.#c);
  }

  #begin(length: number): void {
    const start = (0x9e37_79b9 + length + 3_923_095) | 0;
    this.#a = start;
    this.#b = start;
    this.#c = start;
    if (this.high === 0 && this.low === 0) return;
    let c = start;
    let a = (start + this.high) | 0;
    let b = (start + this.low) | 0;
    a = (a - c) ^ ((c << 4) | (c >>> 28));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 6) | (a >>> 26));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 8) | (b >>> 24));
    b = (b + a) | 0;
    a = (a - c) ^ ((c << 16) | (c >>> 16));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 19) | (a >>> 13));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 4) | (b >>> 28));
    b = (b + a) | 0;
    this.#a = a;
    this.#b = b;
    this.#c = c;
  }

  #end(first: number, second: number, third: number): void {
    let a = first;
    let b = second;
    let c = third;
    c = ((c ^ b) - ((b << 14) | (b >>> 18))) | 0;
    a = ((a ^ c) - ((c << 11) | (c >>> 21))) | 0;
    b = ((b ^ a) - ((a << 25) | (a >>> 7))) | 0;
    c = ((c ^ b) - ((b << 16) | (b >>> 16))) | 0;
    a = ((a ^ c) - ((c << 4) | (c >>> 28))) | 0;
    b = ((b ^ a) - ((a << 14) | (a >>> 18))) | 0;
    c = ((c ^ b) - ((b << 24) | (b >>> 8))) | 0;
    this.high = b;
    this.low = c;
  }
}

const TWO_TO_32 = 2 ** 32;
const DOUBLE = new Float64Array(1);
/** The same memory, word by word: PostgreSQL's servers on such machines take it in the same order. */
const WORDS = new Int32Array(DOUBLE.buffer);

/** A word of so many bytes at most; those that it lacks are 0. */
function firstBytes(from: DataView, at: number, count: number): number {
  if (count >= 4) return from.getInt32(at, true);
  // To read a whole word and cut it costs less than to put one together.
  if (at + 4 <= from.byteLength) return from.getInt32(at, true) & ((1 << (8 * count)) - 1);
  let word = 0;
  for (let place = count - 1; place >= 0; place -= 1) word = (word << 8) | from.getUint8(at + place);
  return word;
}
