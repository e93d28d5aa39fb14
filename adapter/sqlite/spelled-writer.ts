import { copyColumn } from '../codec/binary.ts';
import type { ByteWriter } from '../codec/byte-writer.ts';
import type { ColumnSpec } from '../spec.ts';
import { spellingOf } from './spelled-page.ts';
import type { SpelledPage } from './spelled-page.ts';

/** Writes the next value of a spelled row as PostgreSQL takes it; `false` when it is none that can be written so. */
export type SpelledWriter = (page: SpelledPage, out: ByteWriter) => boolean;

/** How the values of a column are written. @throws ValueRefused as the writer of `copyColumn`. */
export function spelledWriter(column: ColumnSpec, { isKey }: { readonly isKey: boolean }): SpelledWriter | null {
  const write = copyColumn(column);
  if (write === null) return null;
  const absent = (out: ByteWriter): boolean => {
    out.int32(-1);
    return !isKey;
  };
  switch (spellingOf(column)) {
    case 'digits':
      return (page, out) => {
        const found = page.digits();
        if (found !== 'value') return found === 'null' && absent(out);
        if (column.type !== 'bigint') write(page.integer.value, out);
        else {
          out.int32(8);
          out.int32(page.integer.high);
          out.int32(page.integer.low);
        }
        return true;
      };
    case 'text': {
      const longest = column.type === 'text' ? Number(/\((\d+)\)/.exec(column.postgresType)?.[1] ?? Infinity) : -1;
      return (page, out) => {
        const found = page.text();
        if (found !== 'value') return found === 'null' && absent(out);
        const length = page.end - page.start;
        // A text has no more characters than bytes.
        if (length > longest) write(page.lastText, out);
        else {
          out.int32(length);
          out.part(page.texts, page.start, page.end);
        }
        return true;
      };
    }
    case 'bytes':
      return (page, out) => {
        const found = page.bytes();
        if (found !== 'value') return found === 'null' && absent(out);
        if (column.type !== 'blob') write(page.lastBytes, out);
        else {
          out.int32(page.end - page.start);
          out.part(page.blobs, page.start, page.end);
        }
        return true;
      };
    case 'value':
      return (page, out) => {
        const value = page.value();
        if (value === null) return absent(out);
        write(value, out);
        return true;
      };
    default:
      throw new TypeError(`no such spelling: ${column.name}`);
  }
}
