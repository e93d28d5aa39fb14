import { add31 } from '../codec/hash-value.ts';
import type { Jenkins } from '../codec/jenkins.ts';
import type { DigestColumn, DigestKind, DigestSalt } from '../digest.ts';
import type { SpelledPage } from './spelled-page.ts';
import type { Spelling } from './spelled-sql.ts';

/** Reads the next value of a spelled row and adds it to the row's hash; `false` when it is none that can be hashed so. */
export type SpelledHasher = (page: SpelledPage, hash: Jenkins) => boolean;

/** How SQLite spells the values of a column that are hashed in this way. */
export const SPELLINGS = {
  integer: 'digits',
  text: 'text',
  blob: 'bytes',
  double: 'value',
  binary: 'value',
  other: 'value',
} as const satisfies Record<DigestKind, Spelling>;

/** How the values of a spelled column are hashed. */
export function spelledHasher({ kind, column }: DigestColumn, salt: DigestSalt): SpelledHasher {
  if (kind === 'integer') return integerHasher(salt, column.type === 'boolean');
  return bytesHasher(salt, kind === 'blob');
}

function integerHasher(salt: DigestSalt, isBoolean: boolean): SpelledHasher {
  const absent = [Number(BigInt.asIntN(32, salt.integer >> 32n)), Number(BigInt.asIntN(32, salt.integer))] as const;
  return (page, hash) => {
    const found = page.digits();
    if (found === 'odd') return false;
    if (found === 'null') {
      hash.integer(...absent);
      return true;
    }
    const { high, low } = page.integer;
    if (isBoolean && (high !== 0 || (low !== 0 && low !== 1))) return false;
    hash.integer(high, low);
    return true;
  };
}

function bytesHasher(salt: DigestSalt, isBlob: boolean): SpelledHasher {
  const absent = viewOf(salt.text);
  const isInArray = isBlob && salt.blobsInArrays;
  return (page, hash) => {
    const found = isBlob ? page.bytes() : page.text();
    if (found === 'odd') return false;
    if (found === 'null') hash.bytes(absent, 0, absent.byteLength);
    else hash.bytes(isBlob ? page.blobsView : page.textsView, page.start, page.end);
    if (isInArray) add31(hash);
    return true;
  };
}

function viewOf(text: string): DataView {
  return new DataView(new TextEncoder().encode(text).buffer);
}
