import type { Codec, ColumnCoding } from '../codec.ts';
import type { SqlValue } from '../spec.ts';
import { storageClass } from './storage-class.ts';
import type { Holdable } from './storage-class.ts';
import { Unholdable } from './unholdable.ts';
import { ValueRefused } from './value-refused.ts';

/** One form in which SQLite holds what PostgreSQL has a type for. */
export interface Shape<Meaning> {
  /** What a value says, in whichever form it is itself; `undefined` when it says nothing of the kind. */
  read(value: Holdable): Meaning | undefined;
  /** What SQLite holds for it in this form; `undefined` when the form has no room for all of it. */
  write(meaning: Meaning): Exclude<SqlValue, null> | undefined;
}

/** A PostgreSQL type whose values SQLite holds in one of several forms. */
export interface Family<Meaning> {
  /** What its values are, in messages: `moment`. */
  readonly noun: string;
  readonly shapes: Readonly<Record<string, Shape<Meaning>>>;
  /** The form of a column that declares none. */
  readonly byDefault: Shape<Meaning>;
  /** PostgreSQL's text. @throws ValueRefused when its type cannot hold it. */
  toText(meaning: Meaning, column: ColumnCoding): string;
  /** What PostgreSQL's text says; `undefined` when no form of SQLite's could. */
  fromText(text: string): Meaning | undefined;
}

const MIXED = ' mixed';

/**
 * The codec of a family: a value is taken when the column's form writes what it says as the very same value, or when the
 * column is declared to be mixed and its form can write all that the value says.
 */
export function formed<Meaning>(family: Family<Meaning>): Codec {
  const { noun, shapes, byDefault } = family;
  const shapeOf = (column: ColumnCoding): Shape<Meaning> => {
    const form: string = column.form ?? '';
    return shapes[form.endsWith(MIXED) ? form.slice(0, -MIXED.length) : form] ?? byDefault;
  };
  return {
    toPostgres(value, column) {
      const shape = shapeOf(column);
      const meaning = shape.read(value);
      if (meaning === undefined) {
        throw new ValueRefused(
          `${storageClass(value)} that says no ${noun} in a column of PostgreSQL type ${column.postgresType}`,
        );
      }
      const written = shape.write(meaning);
      const isTaken = written !== undefined && (isMixed(column) || isSame(written, value));
      if (!isTaken) throw new ValueRefused(otherForm(value, noun, column));
      return family.toText(meaning, column);
    },
    fromPostgres(text, column) {
      const meaning = family.fromText(text);
      if (meaning === undefined) return Unholdable.inPostgres(text, `a ${noun} that SQLite has no form for`);
      return (
        shapeOf(column).write(meaning) ??
        Unholdable.inPostgres(text, `a ${noun} that ${described(column)} cannot write without loss`)
      );
    },
  };
}

function isMixed({ form }: ColumnCoding): boolean {
  return form?.endsWith(MIXED) ?? false;
}

/** The same value, an integer in a column that makes a real of it too. */
function isSame(written: Exclude<SqlValue, null>, value: Holdable): boolean {
  if (written instanceof Uint8Array && value instanceof Uint8Array) return Buffer.compare(written, value) === 0;
  if (typeof written === 'bigint' && typeof value === 'number') return Number(written) === value;
  if (typeof written === 'number' && typeof value === 'bigint')
    return BigInt(Number(value)) === value && written === Number(value);
  return written === value;
}

function described({ form }: ColumnCoding): string {
  return form === undefined ? 'the form of a column that declares none' : `the column's form "${form}"`;
}

function otherForm(value: Holdable, noun: string, column: ColumnCoding): string {
  const remedy =
    column.form === undefined ? "; declare the column's form in PostgreSQL: crossfade schema writes such comments" : '';
  return `${storageClass(value)} that would not come back as it is, since ${described(column)} writes such a ${noun} otherwise${remedy}`;
}
