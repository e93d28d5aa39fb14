import type { DigestColumn, DigestSalt } from '../digest.ts';
import type { Jenkins } from '../codec/jenkins.ts';
import { add31 } from '../codec/hash-value.ts';
import { SpelledInteger } from './spelled-integer.ts';

/** Reads a column of a spelled row and adds it to the row's hash; `false` when it is nothing that it knows. */
export type SpelledReader = (from: SpelledRows, hash: Jenkins) => boolean;

/** What `spelledRows` selects, while it is read. */
export class SpelledRows {
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }
}

/** The first letters of SQLite's storage classes. */
const BLOB = 98;
const INTEGER = 105;
const NULL = 110;
const TEXT = 116;

const COLON = 58;
const ZERO = 48;

/** How a column of this kind is read, whose values must be of the one storage class or NULL. */
export function spelledReader({ kind, column }: DigestColumn, salt: DigestSalt): SpelledReader {
  if (kind === 'integer') return integerReader(salt, column.type === 'boolean');
  return kind === 'blob' ? blobReader(salt) : textReader(salt);
}

function integerReader(salt: DigestSalt, isBoolean: boolean): SpelledReader {
  const absent = [Number(BigInt.asIntN(32, salt.integer >> 32n)), Number(BigInt.asIntN(32, salt.integer))] as const;
  const integer = new SpelledInteger();
  return (from, hash) => {
    const { bytes } = from;
    const kind = bytes[from.at];
    if (kind === NULL) {
      from.at += 5;
      hash.integer(...absent);
      return bytes[from.at - 1] === 0;
    }
    if (kind !== INTEGER) return false;
    const end = integer.read(bytes, from.at + 7);
    if (bytes[end] !== 0) return false;
    from.at = end + 1;
    const { high, low } = integer;
    if (isBoolean && (high !== 0 || (low !== 0 && low !== 1))) return false;
    hash.integer(high, low);
    return true;
  };
}

function textReader(salt: DigestSalt): SpelledReader {
  const absent = new DataView(new TextEncoder().encode(salt.text).buffer);
  return (from, hash) => {
    const { bytes } = from;
    const kind = bytes[from.at];
    if (kind === NULL) {
      from.at += 5;
      hash.bytes(absent, 0, absent.byteLength);
      return bytes[from.at - 1] === 0;
    }
    if (kind !== TEXT) return false;
    const start = from.at + 4;
    let end = start;
    while (bytes[end] !== 0) {
      if (end >= bytes.length) return false;
      end += 1;
    }
    hash.bytes(from.view, start, end);
    from.at = end + 1;
    return true;
  };
}

function blobReader(salt: DigestSalt): SpelledReader {
  const absent = new DataView(new TextEncoder().encode(salt.text).buffer);
  return (from, hash) => {
    const { bytes } = from;
    const kind = bytes[from.at];
    if (kind !== NULL && kind !== BLOB) return false;
    let at = from.at + 4;
    let length = 0;
    for (let code = bytes[at]; code !== COLON; code = bytes[(at += 1)]) {
      if (code === undefined) return false;
      length = length * 10 + code - ZERO;
    }
    const start = at + 1;
    from.at = start + length;
    if (!(from.at <= bytes.length)) return false;
    if (kind === NULL) hash.bytes(absent, 0, absent.byteLength);
    else hash.bytes(from.view, start, from.at);
    if (salt.blobsInArrays) add31(hash);
    return true;
  };
}
