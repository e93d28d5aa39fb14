import { boundAs, boundInteger } from './bound.ts';
import type { BoundUse } from './bound.ts';
import type { CatalogColumn, CatalogTable } from './catalog.ts';
import { convertTo } from './unify.ts';
import { typeParameter } from './convert.ts';
import type { Emission } from './emission.ts';
import { quoteName } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { resultFragment } from './result-fragment.ts';
import { Untranslatable } from './translation.ts';

/** A value as a column takes it. */
export function assignedSql(value: Fragment, column: CatalogColumn, emission: Emission): string {
  if (value.constant?.kind === 'null') return 'NULL';
  if (value.bound !== undefined) {
    const bound = boundFor(value, value.bound, column, emission);
    if (bound !== undefined) return bound;
  }
  if (column.form !== undefined && value.form !== column.form && !isTimeIn(column.form, value)) {
    throw new Untranslatable(
      'native-assignment',
      `column "${column.name}" is of type ${column.postgresType} and gets a value in another form`,
      'keep this column as text or bigint (profile faithful, or its type in the configuration)',
    );
  }
  if (value.parameter !== undefined) return typeParameter(value, column.type, emission).sql;
  return value.type === column.type
    ? convertTo(value, column.type, emission).sql
    : resultFragment(value, emission, column.type).sql;
}

/** A column by its name in any case. */
export function columnOf(table: CatalogTable, name: string): CatalogColumn {
  const wanted = name.toLowerCase();
  const column =
    table.columns.find((one) => one.name.toLowerCase() === wanted) ??
    (['rowid', 'oid', '_rowid_'].includes(wanted) ? table.columns.find((one) => one.isRowid === true) : undefined);
  if (column !== undefined) return column;
  throw new Untranslatable(
    'unknown-column',
    `table ${quoteName(table.name)} has no column ${quoteName(name)}`,
    'check the name',
  );
}

/** Whether the time of day, which SQLite writes as text, is what a column of this form takes it for. */
function isTimeIn(form: string, { clock }: Fragment): boolean {
  return clock === 'datetime' && (form === 'datetime' || form.endsWith(' mixed'));
}

/** What is bound, as a column of its type takes it; undefined where it is like any other expression. */
function boundFor(value: Fragment, bound: BoundUse, column: CatalogColumn, emission: Emission): string | undefined {
  const { type, postgresType, form } = column;
  if (form !== undefined) return emission.bound({ key: bound.key, type, postgresType, form, isAssigned: true });
  const isNumber = bound.holds !== 'text' && bound.holds !== 'blob';
  switch (type) {
    case 'integer':
      return boundInteger(value, emission)?.sql;
    case 'real':
    case 'numeric':
      return isNumber ? boundAs(bound, type, emission).sql : undefined;
    case 'boolean':
      return bound.holds === 'bit' || bound.holds === 'integer' || bound.holds === 'integer-text'
        ? boundAs(bound, type, emission).sql
        : undefined;
    case 'text':
    case 'json':
    case 'jsonb':
    case 'uuid':
      return bound.holds === 'blob' || bound.holds === 'real' ? undefined : boundAs(bound, type, emission).sql;
    default:
      return undefined;
  }
}
