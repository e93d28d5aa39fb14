import { isAscii, isUtf8 } from 'node:buffer';
import type { ColumnSpec, Row, SqlValue } from '../spec.ts';
import { SpelledInteger } from './spelled-integer.ts';
import { LONGEST_SPELLED } from './spelled-sql.ts';
import type { Spelling } from './spelled-sql.ts';
import { bytesOf, NUMBER_BYTES } from './step-rows.ts';

/** How the values of a column are spelled, as far as its types tell what they are. */
export function spellingOf({ type, form, sqliteType }: ColumnSpec): Spelling {
  if (type === 'double' || type === 'real' || type === 'numeric' || /REAL|FLOA|DOUB/i.test(sqliteType)) return 'value';
  if (type === 'blob' || form?.includes('blob') === true) return 'bytes';
  if (type === 'smallint' || type === 'integer' || type === 'bigint' || type === 'boolean') return 'digits';
  return form?.startsWith('epoch') === true ? 'digits' : 'text';
}

/** What a value turned out to be; `odd` when it is not of the class that its spelling asks for, or too long. */
export type Found = 'value' | 'null' | 'odd';

/** The first letters of SQLite's storage classes. */
const BLOB = 98;
const NULL = 110;
const TEXT = 116;

const COLON = 58;
const SEMICOLON = 59;
const ZERO = 48;

/** Bytes that are read from the beginning to the end. */
interface Tape {
  readonly bytes: Buffer;
  /** The same bytes. */
  readonly view: DataView;
  at: number;
  /** Where the row began. */
  rowAt: number;
}

/** Rows as `SpelledPages` reads them. Each column of a row is asked for once, in the order of the columns. */
export class SpelledPage {
  /** How many rows it has. */
  readonly found: number;
  /** The integer that was read last. */
  readonly integer = new SpelledInteger();
  /** Where the text or the blob begins and ends that was read last, in {@link texts} or {@link blobs}. */
  start = 0;
  end = 0;
  /** Whether it has come upon a value that is too long to be spelled. */
  hasLongValue = false;
  /** As {@link bytesOf} all values that the row has given so far. */
  size = 0;
  readonly #spellings: readonly Spelling[];
  readonly #texts: Tape;
  readonly #blobs: Tape;
  readonly #values: readonly (readonly SqlValue[])[];
  #encoding: 'latin1' | 'utf8' | null = null;
  #row = 0;
  #value = 0;

  /** `values`: those that are not spelled, column by column. */
  constructor(
    spellings: readonly Spelling[],
    {
      found,
      texts,
      blobs,
      values,
    }: {
      readonly found: number;
      readonly texts: Buffer | null;
      readonly blobs: Buffer | null;
      readonly values: readonly (readonly SqlValue[])[];
    },
  ) {
    this.#spellings = spellings;
    this.found = found;
    this.#texts = tape(texts);
    this.#blobs = tape(blobs);
    this.#values = values;
  }

  get texts(): Buffer {
    return this.#texts.bytes;
  }

  get blobs(): Buffer {
    return this.#blobs.bytes;
  }

  get textsView(): DataView {
    return this.#texts.view;
  }

  get blobsView(): DataView {
    return this.#blobs.view;
  }

  /** Whether nothing is left of it, as it must be behind its last row. */
  get isAtEnd(): boolean {
    return this.#texts.at === this.texts.length && this.#blobs.at === this.blobs.length;
  }

  /** Whether all its texts are some that PostgreSQL takes, too: without a NUL, and UTF-8. */
  get isText(): boolean {
    return !this.texts.includes(0) && isUtf8(this.texts);
  }

  /** Goes on with a row, which comes after the last one. */
  begin(row: number): void {
    this.#row = row;
    this.#texts.rowAt = this.#texts.at;
    this.#blobs.rowAt = this.#blobs.at;
    this.#value = 0;
    this.size = 0;
  }

  /** Reads an integer. */
  digits(): Found {
    const { bytes, at } = this.#texts;
    this.size += NUMBER_BYTES;
    if (bytes[at] === SEMICOLON) {
      this.#texts.at = at + 1;
      return 'null';
    }
    const end = this.integer.read(bytes, at);
    this.#texts.at = end + 1;
    return end > at && bytes[end] === SEMICOLON ? 'value' : 'odd';
  }

  /** Reads a text. */
  text(): Found {
    return this.#behindLength(this.#texts, TEXT);
  }

  /** Reads a blob. */
  bytes(): Found {
    return this.#behindLength(this.#blobs, BLOB);
  }

  /** Reads a value that is not spelled. */
  value(): SqlValue {
    const value = this.#values[this.#value]?.[this.#row] ?? null;
    this.#value += 1;
    this.size += bytesOf(value);
    return value;
  }

  /** The text that was read last. */
  get lastText(): string {
    this.#encoding ??= isAscii(this.texts) ? 'latin1' : 'utf8';
    return this.texts.toString(this.#encoding, this.start, this.end);
  }

  /** The blob that was read last. */
  get lastBytes(): Buffer {
    return Buffer.from(this.blobs.subarray(this.start, this.end));
  }

  /** Reads the whole row, from its beginning; `null` when one of its values is odd. */
  row(): Row | null {
    this.#texts.at = this.#texts.rowAt;
    this.#blobs.at = this.#blobs.rowAt;
    this.#value = 0;
    this.size = 0;
    const row: SqlValue[] = [];
    for (const spelling of this.#spellings) {
      const value = this.#read(spelling);
      if (value === undefined) return null;
      row.push(value);
    }
    return row;
  }

  #read(spelling: Spelling): SqlValue | undefined {
    if (spelling === 'value') return this.value();
    const found = this[spelling]();
    if (found !== 'value') return found === 'null' ? null : undefined;
    if (spelling === 'digits') return this.integer.value;
    return spelling === 'text' ? this.lastText : this.lastBytes;
  }

  #behindLength(from: Tape, letter: number): Found {
    const { bytes, at } = from;
    const kind = bytes[at];
    if (kind === NULL) {
      from.at = at + 'null:'.length;
      this.size += NUMBER_BYTES;
      return 'null';
    }
    if (kind !== letter) return 'odd';
    let length = 0;
    let digitAt = at + 'text'.length;
    for (let code = bytes[digitAt] ?? COLON; code !== COLON; code = bytes[(digitAt += 1)] ?? COLON) {
      length = length * 10 + code - ZERO;
    }
    if (length > LONGEST_SPELLED) {
      this.hasLongValue = true;
      return 'odd';
    }
    this.start = digitAt + 1;
    this.end = this.start + length;
    from.at = this.end;
    this.size += length;
    return 'value';
  }
}

function tape(bytes: Buffer | null): Tape {
  const held = bytes ?? Buffer.alloc(0);
  return { bytes: held, view: new DataView(held.buffer, held.byteOffset, held.byteLength), at: 0, rowAt: 0 };
}
