import { plainSql } from '../../adapter/compat/native-text.ts';
import { valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { Untranslatable } from './translation.ts';

/** What SQLite holds in place of a value of a type that it does not have, by the column's form. */
export function plainOfNative({ sql, type, form, isNotNull }: Fragment): Fragment {
  const plain = plainSql(sql, type, form);
  if (plain === undefined) {
    throw new Untranslatable(
      'native-value',
      `a column of type ${type}, which SQLite holds in the form ${form ?? '?'}, is used as a value`,
      'keep this column as text or bigint (profile faithful, or its type in the configuration)',
    );
  }
  return valueOf(plain.sql, plain.kind, {
    ...(isNotNull === true ? { isNotNull } : {}),
    ...(plain.kind === 'integer' ? { isWide: true } : {}),
    ...(plain.kind === 'text' && form !== undefined && !/^(json|uuid-hex)/.test(form) ? { isNeverNumber: true } : {}),
  });
}
