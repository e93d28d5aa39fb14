import { toPostgres, ValueRefused } from '../../../adapter/codec.ts';
import type { ColumnCoding, ColumnType } from '../../../adapter/codec.ts';
import type { Form } from '../../../adapter/codec/form.ts';
import { Unholdable } from '../../../adapter/codec/unholdable.ts';
import type { SqlValue } from '../../../adapter/spec.ts';
import type { Affinity } from '../../sqlite/schema.ts';
import { jsonTrouble } from '../../types/json-trouble.ts';
import { textForm } from '../../types/text-form.ts';

/** Why a value cannot go where its column goes: the finding's code, and what the value is, after "holds". */
export interface ValueRefusal {
  readonly code: string;
  readonly what: string;
}

/** A column on its way to PostgreSQL. */
export interface AuditedColumn {
  readonly coding: ColumnCoding;
  readonly affinity: Affinity;
}

/**
 * Why a value of SQLite's cannot be carried to PostgreSQL and back unchanged; `null` if it can. What the codec refuses is
 * refused here, and besides what only PostgreSQL itself refuses, and what would come back as another storage class.
 */
export function valueRefusal(column: AuditedColumn, value: SqlValue): ValueRefusal | null {
  if (value === null || isPlainlyHeld(column.coding, value)) return null;
  if (value instanceof Unholdable) return { code: 'invalid-utf8', what: 'text that is not valid UTF-8' };
  const encoded = encode(column.coding, value);
  if (encoded instanceof ValueRefused) return named(column.coding, value, encoded.message);
  return refusedByPostgres(column.coding, value, encoded) ?? changedOnReturn(column, value);
}

/** The most usual values, for which no text need be made: what the codec takes, and gives back, without a condition. */
function isPlainlyHeld({ type, postgresType }: ColumnCoding, value: SqlValue): boolean {
  if (type === 'bigint') return typeof value === 'bigint';
  if (type === 'double') return typeof value === 'number';
  if (type === 'boolean') return value === 0n || value === 1n;
  return postgresType === 'text' && typeof value === 'string' && value.isWellFormed() && !value.includes('\0');
}

type Value = Exclude<SqlValue, null | Unholdable>;

function encode(coding: ColumnCoding, value: Value): string | ValueRefused {
  try {
    return toPostgres(coding, value) ?? '';
  } catch (error) {
    if (error instanceof ValueRefused) return error;
    throw error;
  }
}

/** The codec's message says what it refused, and never the value. */
function named({ type }: ColumnCoding, value: Value, message: string): ValueRefusal {
  const isNumber = ['smallint', 'integer', 'bigint', 'double', 'numeric', 'real', 'boolean'].includes(type);
  if (value instanceof Uint8Array) return { code: 'unexpected-blob', what: `blobs (${message})` };
  if (typeof value === 'string') {
    if (value.includes('\0')) return { code: 'nul-in-text', what: message };
    if (isNumber) return { code: 'text-in-number', what: message };
    if (type === 'blob') return { code: 'text-in-blob', what: message };
    if (type === 'json' || type === 'jsonb')
      return { code: jsonTrouble(value) === 'invalid' ? 'invalid-json' : 'json-beyond-jsonb', what: message };
    if (type === 'text' || type === 'character') return { code: 'text-too-long', what: message };
    return { code: textForm(value) === 'impossible-date' ? 'impossible-date' : 'mixed-forms', what: message };
  }
  if (type === 'boolean' && typeof value === 'bigint') return { code: 'not-zero-or-one', what: message };
  if (type === 'numeric') return { code: 'beyond-decimal', what: message };
  if (typeof value === 'number')
    return { code: isNumber && type !== 'real' ? 'real-in-integer' : 'unexpected-real', what: message };
  if (type === 'double' || type === 'real') return { code: 'integer-beyond-double', what: message };
  return { code: isNumber ? 'integer-out-of-range' : 'unexpected-integer', what: message };
}

function refusedByPostgres({ type, postgresType }: ColumnCoding, value: Value, encoded: string): ValueRefusal | null {
  if (type === 'json' && typeof value === 'string' && jsonTrouble(value) === 'invalid')
    return { code: 'invalid-json', what: 'text that is not valid JSON' };
  if (type !== 'numeric' || !postgresType.includes('(')) return null;
  const [precision = 0, scale = 0] = (/\((.*)\)/.exec(postgresType)?.[1] ?? '').split(',').map(Number);
  return wholeDigits(encoded) > precision - scale
    ? { code: 'beyond-decimal', what: `numbers of more digits than ${postgresType} holds` }
    : null;
}

/** How many digits a number has before its point, zeros in front left out; past all limits for an infinity. */
function wholeDigits(encoded: string): number {
  if (encoded.endsWith('Infinity')) return Infinity;
  const [, whole = '', fraction = '', power = '0'] = /^-?(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(encoded) ?? [];
  const digits = whole + fraction;
  const first = digits.search(/[1-9]/);
  return first < 0 ? 0 : whole.length + Number(power) - first;
}

/** SQLite turns a whole number into what it was only where the column's affinity does so for every value. */
function changedOnReturn({ coding: { type, form }, affinity }: AuditedColumn, value: Value): ValueRefusal | null {
  // A mixture comes back in the form that is declared for it, and whoever declared it knows.
  if ((typeof value !== 'bigint' && typeof value !== 'number') || form?.endsWith(' mixed') === true) return null;
  const isRestored = affinity === 'INTEGER' || affinity === 'NUMERIC' || affinity === 'REAL';
  const comesBackAs = storageOnReturn(type, form, value);
  if (typeof value === 'bigint' && comesBackAs === 'real' && (!isRestored || value === LOWEST))
    return { code: 'integer-beside-reals', what: 'integers, which would come back as reals' };
  if (typeof value === 'number' && comesBackAs === 'integer' && !isRestored)
    return {
      code: 'whole-real-beside-integers',
      what: 'whole numbers stored as REAL, which would come back as integers',
    };
  return null;
}

function storageOnReturn(type: ColumnType, form: Form | undefined, value: bigint | number): 'integer' | 'real' {
  if (type === 'double' || type === 'real' || form === 'epoch-s-real' || form === 'julian-day') return 'real';
  const isWhole = typeof value === 'bigint' || (Number.isInteger(value) && Math.abs(value) < 2 ** 63);
  return isWhole ? 'integer' : 'real';
}

/** The one integer of SQLite's that equals a double and that no affinity makes an integer of. */
const LOWEST = -(2n ** 63n);
