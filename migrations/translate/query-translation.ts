import { untypedParameter } from './convert.ts';
import type { Emission } from './emission.ts';
import { UNTYPED } from './fragment.ts';
import type { Query } from './query.ts';
import type { QueryTranslation } from './translation.ts';

/** A finished query with what was noted on the way. */
export function queryTranslation({ sql, columns }: Query, emission: Emission): QueryTranslation {
  if (sql.includes(UNTYPED)) throw untypedParameter();
  const numbered = emission.numbered(sql);
  return {
    sql: numbered.sql,
    ...(emission.running === undefined ? {} : { bound: numbered.parameters }),
    columns: columns.map(({ name, fragment }) => ({
      name,
      type: fragment.type === 'any' ? 'text' : fragment.type,
      origin: fragment,
    })),
    parameters: emission.parameters,
    usesPack: emission.usesPack,
    remarks: emission.remarks,
  };
}
