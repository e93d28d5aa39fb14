import { toPostgres } from '../codec.ts';
import { binaryColumn } from './binary.ts';
import { ByteWriter } from './byte-writer.ts';
import type { ColumnType } from '../codec.ts';
import type { DigestColumn, DigestSalt } from '../digest.ts';
import type { SqlValue } from '../spec.ts';
import type { Jenkins } from './jenkins.ts';
import { plainJsonbText } from './plain-jsonb.ts';
import { Unholdable } from './unholdable.ts';
import { ValueRefused } from './value-refused.ts';

/** Adds a value to a row's hash; `false` when PostgreSQL could not hold it, so that its row is like none there. */
export type ValueHasher = (value: SqlValue, hash: Jenkins) => boolean;

/** How the values of a column are hashed, such that equal values have one hash in PostgreSQL, and no other value has. */
export function valueHasher({ column, kind, mark }: DigestColumn, salt: DigestSalt): ValueHasher {
  const { type } = column;
  const text = (value: string, hash: Jenkins): true => {
    const end = writeText(value);
    hash.bytes(scratchView, 0, end);
    return true;
  };
  const orRefused = (hasher: ValueHasher): ValueHasher => {
    return (value, hash) => {
      if (value instanceof Unholdable) return false;
      try {
        return hasher(value, hash);
      } catch (error) {
        if (error instanceof ValueRefused) return false;
        throw error;
      }
    };
  };
  switch (kind) {
    case 'integer': {
      const isHeld = INTEGERS[type];
      return (value, hash) => {
        if (typeof value === 'bigint') hash.bigint(value);
        else if (value === null) hash.bigint(salt.integer);
        else return false;
        return value === null || isHeld === undefined || isHeld(value);
      };
    }
    case 'double':
      return orRefused((value, hash) => {
        // The codec knows which integers the column would keep.
        if (typeof value !== 'number' && toPostgres(column, value) === null) hash.double(salt.double, mark);
        else hash.double(Number(value), mark);
        return true;
      });
    case 'text':
      return (value, hash) => {
        if (value === null) return text(salt.text, hash);
        return typeof value === 'string' && value.isWellFormed() && text(value, hash);
      };
    case 'blob':
      return (value, hash) => {
        const bytes = value === null ? Buffer.from(salt.text) : value;
        if (!(bytes instanceof Uint8Array)) return false;
        hash.bytes(viewOf(bytes), 0, bytes.byteLength);
        if (salt.blobsInArrays) add31(hash);
        return true;
      };
    case 'binary': {
      const write = binaryColumn(column);
      if (write === null) throw new TypeError(`type ${type} has no binary form`);
      return orRefused((value, hash) => {
        if (value === null) text(salt.text, hash);
        else {
          binary.end = 0;
          write(value, binary);
          // The writer takes another buffer when it needs more room.
          if (binaryView.buffer !== binary.bytes.buffer) binaryView = viewOf(binary.bytes);
          hash.bytes(binaryView, LENGTH_BYTES, binary.end);
        }
        if (salt.blobsInArrays) add31(hash);
        return true;
      });
    }
    case 'other':
      return orRefused((value, hash) => {
        const plain = type === 'jsonb' && typeof value === 'string' ? plainJsonbText(value) : undefined;
        // A form in which the text is the value is the codec's to judge.
        const isTaken = plain !== undefined && (column.form !== 'json-exact' || plain === value);
        return text((isTaken ? plain : toPostgres(column, value)) ?? salt.text, hash);
      });
    default: {
      const never: never = kind;
      throw new TypeError(`no such kind: ${String(never)}`);
    }
  }
}

/** What is not refused by being no integer of 64 bits is like no value of PostgreSQL's, and has another hash. */
const INTEGERS: Partial<Record<ColumnType, (value: bigint) => boolean>> = {
  boolean: (value) => value === 0n || value === 1n,
};

/** What `hash_array_extended` adds to the hash of an only element. */
export function add31(hash: Jenkins): void {
  const low = (hash.low >>> 0) + 31;
  hash.low = low | 0;
  if (low > 0xffff_ffff) hash.high = (hash.high + 1) | 0;
}

const binary = new ByteWriter();
let binaryView = viewOf(binary.bytes);
/** Before each value stands its length. */
const LENGTH_BYTES = 4;

let scratch = Buffer.alloc(2 ** 12);
let scratchView = viewOf(scratch);

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Writes the text's UTF-8 to the scratch buffer, and gives its end. */
function writeText(value: string): number {
  const { length } = value;
  if (length * 3 > scratch.length) {
    scratch = Buffer.alloc(length * 3);
    scratchView = viewOf(scratch);
  }
  if (length <= SHORT_TEXT) {
    let end = 0;
    for (; end < length; end += 1) {
      const code = value.charCodeAt(end);
      if (code > 0x7f) break;
      scratch[end] = code;
    }
    if (end === length) return end;
  }
  return scratch.write(value);
}

/** Up to this length a loop over the characters is faster than a call that leaves JavaScript. */
const SHORT_TEXT = 40;
