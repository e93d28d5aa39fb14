import type { Affinity } from './schema.ts';

/**
 * How a column of this declared type converts what is stored in it: https://sqlite.org/datatype3.html section 3.1. In a
 * STRICT table ANY converts nothing, which is what BLOB means elsewhere.
 */
export function affinityOf(declaredType: string, { strict }: { strict: boolean }): Affinity {
  const type = declaredType.toUpperCase();
  if (strict && type === 'ANY') return 'BLOB';
  if (type.includes('INT')) return 'INTEGER';
  if (['CHAR', 'CLOB', 'TEXT'].some((word) => type.includes(word))) return 'TEXT';
  if (type === '' || type.includes('BLOB')) return 'BLOB';
  if (['REAL', 'FLOA', 'DOUB'].some((word) => type.includes(word))) return 'REAL';
  return 'NUMERIC';
}
