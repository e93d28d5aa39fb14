import { ValueRefused } from './value-refused.ts';

const FIRST_SIZE = 2 ** 16;
/** Up to this length a loop over the characters is faster than a call that leaves JavaScript. */
const SHORT_TEXT = 40;
/** Up to this length the same is true of bytes. */
const SHORT_PART = 64;
/** From this length on room for the worst case is more than one should ask for. */
const LONG_TEXT = 2 ** 16;
const TWO_TO_32 = 2 ** 32;

/**
 * A buffer that grows with what is written to it, integers with the highest byte first, as PostgreSQL sends them.
 * What was written is `bytes` from 0 to `end`; both may be taken away, or set back, between two values.
 */
export class ByteWriter {
  bytes: Buffer;
  /** Where the next byte will be written. */
  end = 0;
  #view: DataView;

  /** `size`: how many bytes it has room for before it must grow. */
  constructor(size = FIRST_SIZE) {
    this.bytes = Buffer.from(new ArrayBuffer(size));
    this.#view = new DataView(this.bytes.buffer);
  }

  /** What was written so far, in memory of its own: it may be transferred to another thread. Begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#view.buffer.slice(0, this.end) as ArrayBuffer);
    this.end = 0;
    return taken;
  }

  int8(value: number): void {
    this.#reserve(1);
    this.#view.setInt8(this.end, value);
    this.end += 1;
  }

  int16(value: number): void {
    this.#reserve(2);
    this.#view.setInt16(this.end, value);
    this.end += 2;
  }

  int32(value: number): void {
    this.#reserve(4);
    this.#view.setInt32(this.end, value);
    this.end += 4;
  }

  int64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigInt64(this.end, value);
    this.end += 8;
  }

  /** A whole number that a double holds exactly. */
  safeInt64(value: number): void {
    this.#reserve(8);
    const high = Math.floor(value / TWO_TO_32);
    this.#view.setInt32(this.end, high);
    this.#view.setUint32(this.end + 4, value - high * TWO_TO_32);
    this.end += 8;
  }

  /** Some bytes of others. */
  part(from: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.#reserve(count);
    if (count > SHORT_PART) this.bytes.set(from.subarray(start, end), this.end);
    else {
      const { bytes, end: at } = this;
      for (let index = 0; index < count; index += 1) bytes[at + index] = from[start + index] ?? 0;
    }
    this.end += count;
  }

  float32(value: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.end, value);
    this.end += 4;
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.end, value);
    this.end += 8;
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.byteLength);
    this.bytes.set(value, this.end);
    this.end += value.byteLength;
  }

  /**
   * A text that has been checked, in UTF-8, behind its length in bytes as an int32.
   *
   * @throws ValueRefused when it is longer than any message to PostgreSQL.
   */
  text(value: string): void {
    this.#reserve(4 + (value.length > LONG_TEXT ? Buffer.byteLength(value) : value.length * 3));
    const start = this.end + 4;
    const written = this.#shortAscii(value, start) ?? this.bytes.write(value, start);
    this.#view.setInt32(this.end, written);
    this.end = start + written;
  }

  /**
   * As {@link text}, of one that has not been checked. Returns whether it was written: not when it holds what PostgreSQL's
   * text cannot, a NUL or half of a surrogate pair.
   */
  textIfValid(value: string): boolean {
    if (value.length <= SHORT_TEXT) {
      this.#reserve(4 + SHORT_TEXT);
      const written = this.#shortAscii(value, this.end + 4);
      if (written !== undefined) {
        this.#view.setInt32(this.end, written);
        this.end += 4 + written;
        return true;
      }
    }
    if (value.includes('\0') || !value.isWellFormed()) return false;
    this.text(value);
    return true;
  }

  /** How many bytes it wrote; `undefined` when the text is none of those that it can write. */
  #shortAscii(value: string, start: number): number | undefined {
    const { length } = value;
    if (length > SHORT_TEXT) return undefined;
    for (let index = 0; index < length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 0x7f || code === 0) return undefined;
      this.bytes[start + index] = code;
    }
    return length;
  }

  #reserve(count: number): void {
    if (this.end + count > this.bytes.length) this.#grow(count);
  }

  #grow(count: number): void {
    const needed = this.end + count;
    if (needed > MAX_BYTES) throw tooLong();
    const grown = Buffer.from(new ArrayBuffer(Math.min(MAX_BYTES, Math.max(needed, this.bytes.length * 2))));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** PostgreSQL takes no message, and holds no value, of more. */
const MAX_BYTES = 2 ** 30 - 1;

function tooLong(): ValueRefused {
  return new ValueRefused('a value of more bytes than PostgreSQL takes');
}
