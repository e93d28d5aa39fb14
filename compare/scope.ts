import type { KeyRange } from '../adapter/digest.ts';
import { CrossfadeError } from '../adapter/errors.ts';
import type { TableSpec } from '../adapter/spec.ts';
import type { CompareOptions } from './options.ts';
import { parseWhere } from './where.ts';

/** What a comparison looks at. */
export interface Scope {
  readonly tables: readonly TableSpec[];
  /** Of these tables only the rows in a range. */
  readonly ranges: ReadonlyMap<string, KeyRange>;
}

/** @throws CrossfadeError `TABLE_MISSING`, `CONFIG_INVALID`. */
export function scopeOf(all: readonly TableSpec[], options: CompareOptions): Scope {
  const { tables: names, where = [], sample, incremental } = options;
  if (sample !== undefined && !(sample > 0 && sample <= 1)) {
    throw invalid(`a sample of ${sample}`, 'give a share above 0 and up to 1, such as 0.05');
  }
  if (where.length + Number(sample !== undefined) + Number(incremental === true) > 1 && !isOnlyWhere(options)) {
    throw invalid('more than one of where, sample and incremental', 'choose one of them');
  }
  const tables = chosenTables(all, names);
  const ranges = new Map<string, KeyRange>();
  for (const text of where) {
    const { table, range } = parseWhere(text, tables);
    if (ranges.has(table.name))
      throw invalid(`two ranges of table "${table.name}"`, 'compare one range after the other');
    ranges.set(table.name, range);
  }
  return { tables: ranges.size === 0 ? tables : tables.filter(({ name }) => ranges.has(name)), ranges };
}

function isOnlyWhere({ sample, incremental }: CompareOptions): boolean {
  return sample === undefined && incremental !== true;
}

function invalid(found: string, hint: string): CrossfadeError {
  return new CrossfadeError('CONFIG_INVALID', `cannot compare ${found}`, { hint });
}

function chosenTables(all: readonly TableSpec[], names: readonly string[] | undefined): readonly TableSpec[] {
  const unknown = names?.find((name) => !all.some((table) => table.name === name));
  if (unknown !== undefined) {
    throw new CrossfadeError('TABLE_MISSING', `there is no mirrored table "${unknown}" to compare`, {
      hint: `use one of: ${all.map((table) => table.name).join(', ')}`,
    });
  }
  return all.filter((table) => names?.includes(table.name) ?? true);
}
