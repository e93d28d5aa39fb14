import type { Codec } from '../codec.ts';
import { checkedText } from './checked-text.ts';
import { storageClass } from './storage-class.ts';
import { ValueRefused } from './value-refused.ts';

/**
 * `character(n)`: PostgreSQL fills each value up with spaces, and takes no notice of them.
 *
 * In the form `trimmed` SQLite's values end in no space; in the form `padded` all have `n` characters.
 */
export const characters: Codec = {
  toPostgres(value, { form, postgresType }) {
    if (typeof value !== 'string')
      throw new ValueRefused(`${storageClass(value)} in a column of PostgreSQL type ${postgresType}`);
    const width = widthOf(postgresType);
    const length = lengthOf(value, width);
    if (length > width) throw new ValueRefused(`text longer than ${postgresType}`);
    if (form === 'padded' && length < width) {
      throw new ValueRefused(`text shorter than ${postgresType}, whose declared form is padded`);
    }
    if (form !== 'padded' && value.endsWith(' ')) {
      throw new ValueRefused(`text that ends in a space, which ${postgresType} does not tell from its filling`);
    }
    return checkedText(value);
  },
  fromPostgres(text, { form, postgresType }) {
    const trimmed = text.replace(/ +$/, '');
    if (form !== 'padded') return trimmed;
    const width = widthOf(postgresType);
    return trimmed + ' '.repeat(width - lengthOf(trimmed, width));
  },
};

function widthOf(postgresType: string): number {
  return Number(/\((\d+)\)/.exec(postgresType)?.[1] ?? 1);
}

/** In characters, as PostgreSQL counts; the length in UTF-16 is never less. */
function lengthOf(text: string, width: number): number {
  return text.length > width || /[\uD800-\uDBFF]/.test(text) ? [...text].length : text.length;
}
