/** What a declared type says beyond its affinity, to the people who wrote it. */
export type DeclaredKind =
  'boolean' | 'decimal' | 'moment' | 'date' | 'time' | 'json' | 'uuid' | 'binary' | 'nothing' | 'affinity';

export interface DeclaredType {
  readonly kind: DeclaredKind;
  /** `DECIMAL(10,2)`: 10. */
  readonly precision: number | null;
  /** `DECIMAL(10,2)`: 2; 0 where only the precision is declared. */
  readonly scale: number | null;
}

const KINDS: readonly (readonly [DeclaredKind, RegExp])[] = [
  ['nothing', /^$/],
  ['boolean', /^bool(ean)?$/],
  ['decimal', /^(decimal|numeric|dec)$/],
  ['moment', /^(small)?datetime2?$|^datetimeoffset$|^timestamp(tz)?$|^timestamp with(out)? time zone$/],
  ['date', /^date$/],
  ['time', /^time$|^time without time zone$/],
  ['json', /^jsonb?$/],
  ['uuid', /^uuid$|^guid$|^uniqueidentifier$/],
  ['binary', /^(var)?binary$|^bytea$|^byte\[\]$|^bytes$/],
];

/**
 * Reads a declared type. To SQLite it is an affinity and no more (https://sqlite.org/datatype3.html#determination_of_column_affinity);
 * `affinity` is the kind of all that say nothing further: `INTEGER`, `varchar(20)`, `FLOATING POINT`, `Number`.
 */
export function readDeclaredType(declared: string): DeclaredType {
  const [, precision, scale] = /\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)/.exec(declared) ?? [];
  const name = declared
    .toLowerCase()
    .replace(/\([^)]*\)/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return {
    kind: KINDS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'affinity',
    precision: precision === undefined ? null : Number(precision),
    scale: scale === undefined ? (precision === undefined ? null : 0) : Number(scale),
  };
}
