import { messageOf } from '../adapter/errors.ts';
import { decodeKey, encodeKey, formatKey, otherStore } from '../adapter/spec.ts';
import type { Row, StoreName, TableSpec } from '../adapter/spec.ts';
import type { ComparisonRecord, Quarantined, Records } from '../adapter/store.ts';
import { compareDatabases } from './compare.ts';
import type { Comparable, CompareOptions } from './compare.ts';
import { countOf, DIVERGENCE_CLASSES } from './divergence.ts';
import type { Divergence, DivergenceReport, DivergenceTotals } from './divergence.ts';
import { differenceName } from './difference-name.ts';
import { schemaDrift } from './drift.ts';
import type { Drift } from './drift.ts';
import { installedTables } from './installed-tables.ts';
import { byHand, mendOf } from './mend.ts';
import type { ComparisonReport, Difference, ValuesOfBoth } from './report.ts';
import { scopeOf } from './scope.ts';
import { NO_VALUE, shownValue } from './shown-value.ts';

/** What the report needs of a `Crossfade`. */
export interface Reportable extends Comparable {
  readonly records: Comparable['records'] & Pick<Records, 'comparisons'>;
}

/**
 * Compares both databases ({@link compareDatabases}), and says of each difference since when it is known and what would
 * mend it; of the schemas where they drift apart. The run is stored in the history, unless `record` is false.
 *
 * @throws CrossfadeError what {@link compareDatabases} throws.
 */
export async function divergenceReport(opened: Reportable, options: CompareOptions = {}): Promise<DivergenceReport> {
  const { stores, records, mirror } = opened;
  const crossfade: Reportable = { stores, records, mirror, tables: await installedTables(opened) };
  let report: DivergenceReport | undefined;
  const maxDifferences = Math.max(options.maxDifferences ?? LISTED_DIFFERENCES, KNOWN_DIFFERENCES);
  const found = await compareDatabases(crossfade, {
    ...options,
    maxDifferences,
    // The values of those that are listed are read at the end.
    showValues: false,
    store: async (comparison) => {
      report = await complete(crossfade, comparison, options);
      await keep(crossfade, report);
    },
  });
  return report ?? (await complete(crossfade, found, options));
}

/** Differences that are listed by default. */
const LISTED_DIFFERENCES = 100;
/** Differences whose first sight is known, whichever of them are listed. */
const KNOWN_DIFFERENCES = 10_000;
/** Differences that are kept with a run. */
const KEPT_DIFFERENCES = 1_000;

async function keep(crossfade: Reportable, report: DivergenceReport): Promise<void> {
  const differences = report.differences.slice(0, KEPT_DIFFERENCES).map((one) => withoutValues(crossfade, one, report));
  const differencesLeftOff = report.differencesLeftOff + report.differences.length - differences.length;
  const kept: DivergenceReport = { ...report, showsValues: false, differences, differencesLeftOff };
  try {
    await crossfade.records.comparisons.add(recordOf(report), { report: JSON.stringify(kept) });
  } catch (error) {
    // With PostgreSQL gone there is nowhere to keep it; the caller is told all the same.
    if (report.outcome !== 'inconclusive') throw error;
  }
}

/** Values are for the person who asked; what is kept is for everybody who may see the status. */
function withoutValues(
  { tables }: Reportable,
  one: Divergence,
  { primary, showsValues }: DivergenceReport,
): Divergence {
  const { values: _, ...rest } = one;
  const table = tables.find(({ name }) => name === one.table);
  const { class: kind, encodedKey, columns } = one;
  if (!showsValues || table === undefined || (kind !== 'missing' && kind !== 'extra' && kind !== 'differing'))
    return rest;
  return { ...rest, mend: mendOf({ class: kind, encodedKey, columns }, { table, primary }) };
}

function recordOf({ totals, tables, ...report }: DivergenceReport): ComparisonRecord {
  const {
    rowsCompared,
    missing,
    extra,
    differing,
    inconclusive,
    quarantined,
    sequencesBehind,
    schemaDrift: drift,
  } = totals;
  return {
    startedAt: new Date(report.startedAt),
    finishedAt: new Date(report.finishedAt),
    outcome: report.outcome,
    isFull: report.isFull,
    rowsCompared,
    missing,
    extra,
    differing,
    inconclusive,
    quarantined,
    sequencesBehind,
    schemaDrift: drift,
    mode: report.mode,
    tables,
  };
}

async function complete(
  crossfade: Reportable,
  found: ComparisonReport,
  options: CompareOptions,
): Promise<DivergenceReport> {
  const reasons = [...found.reasons];
  const drift = await driftOf(crossfade, options).catch((error: unknown) => {
    reasons.push(`the schemas could not be compared: ${messageOf(error)}`);
    return [];
  });
  const showsValues = options.showValues ?? false;
  const limit = options.maxDifferences ?? LISTED_DIFFERENCES;
  const known = found.differences.toSorted(byPlace);
  const shown = someOfEach(known, limit);
  const rows = showsValues ? await rowsOf(crossfade, shown) : new Map<Difference, RowsOfBoth>();
  const listed = [
    ...shown.map((difference) => rowDivergence(crossfade, found, { difference, rows: rows.get(difference) })),
    ...(await quarantineOf(crossfade, found).catch(() => [])).slice(0, limit).map(quarantineDivergence),
    ...drift.map(driftDivergence),
  ];
  const totals: DivergenceTotals = {
    ...found.totals,
    schemaDrift: drift.filter(({ severity }) => severity === 'mismatch').length,
    schemaWarnings: drift.filter(({ severity }) => severity === 'warning').length,
  };
  const leftOff = DIVERGENCE_CLASSES.reduce((sum, kind) => sum + countOf(totals, kind), 0) - listed.length;
  const seen = { known, isWhole: leftOff <= known.length - shown.length, record: options.record ?? true };
  const dated = await withAges(crossfade, listed, found, seen);
  const durationSeconds = (Date.parse(found.finishedAt) - Date.parse(found.startedAt)) / 1000;
  return {
    ...found,
    // A difference is certain; that something else could not be told takes nothing from it.
    outcome:
      totals.schemaDrift > 0
        ? 'mismatch'
        : found.outcome === 'match' && reasons.length > 0
          ? 'inconclusive'
          : found.outcome,
    isFull: found.isFull && reasons.length === 0,
    reasons,
    durationSeconds,
    rowsPerSecond: Math.round(found.totals.rowsCompared / Math.max(durationSeconds, 0.001)),
    totals,
    differences: DIVERGENCE_CLASSES.flatMap((kind) => dated.filter((one) => one.class === kind).toSorted(byPlace)),
    differencesLeftOff: Math.max(0, leftOff),
    showsValues,
    byHand: byHand(found.primary),
  };
}

/** The first ones of each class, by turns, until there are so many. */
function someOfEach(differences: readonly Difference[], limit: number): readonly Difference[] {
  const ofClass = new Map(DIVERGENCE_CLASSES.map((kind) => [kind, [] as Difference[]] as const));
  for (const one of differences) ofClass.get(one.class)?.push(one);
  const classes = [...ofClass.values()];
  const longest = Math.max(0, ...classes.map(({ length }) => length));
  const some: Difference[] = [];
  for (let place = 0; place < longest && some.length < limit; place += 1) {
    some.push(...classes.flatMap((own) => own.slice(place, place + 1)));
  }
  return some.slice(0, limit);
}

const ORDER = new Intl.Collator('en', { numeric: true });

/** By table, and then by key, as far as people see an order in it: ranges are compared in any. */
function byPlace(a: Pick<Divergence, 'table' | 'key'>, b: typeof a): number {
  return ORDER.compare(a.table, b.table) || ORDER.compare(a.key ?? '', b.key ?? '');
}

async function driftOf({ tables, stores }: Reportable, options: CompareOptions): Promise<readonly Drift[]> {
  const compared = new Set(scopeOf(tables, options).tables.map(({ name }) => name));
  const drift = await schemaDrift({ tables, stores });
  return drift.filter(({ table }) => compared.has(table));
}

type Undated = Omit<Divergence, 'ageSeconds'>;

function rowDivergence(
  { tables }: Reportable,
  { primary }: ComparisonReport,
  { difference, rows }: { readonly difference: Difference; readonly rows: RowsOfBoth | undefined },
): Undated {
  const table = tables.find(({ name }) => name === difference.table);
  const values = table === undefined || rows === undefined ? undefined : valuesOf(table, difference, rows);
  const { values: _, ...rest } = difference;
  return {
    ...rest,
    severity: 'mismatch',
    reason: null,
    mend:
      table === undefined
        ? { database: null, statement: null, command: null, advice: null }
        : mendOf(difference, { table, primary, row: primary === null ? undefined : rows?.[primary] }),
    ...(values === undefined ? {} : { values }),
  };
}

type RowsOfBoth = Partial<Record<StoreName, Row>>;

/** A row that is missing or extra is shown as a whole: the other side has nothing. */
function valuesOf(table: TableSpec, { class: kind, columns }: Difference, rows: RowsOfBoth): readonly ValuesOfBoth[] {
  return table.columns.flatMap(({ name }, position) => {
    if (kind === 'differing' && !columns.includes(name)) return [];
    const shown = (row: Row | undefined): string => (row === undefined ? NO_VALUE : shownValue(row[position] ?? null));
    return [{ column: name, sqlite: shown(rows.sqlite), postgres: shown(rows.postgres) }];
  });
}

const KEYS_AT_ONCE = 500;

/** Both sides of every row that is listed, as they are now. */
async function rowsOf(
  { tables, stores }: Reportable,
  differences: readonly Difference[],
): Promise<ReadonlyMap<Difference, RowsOfBoth>> {
  const rows = new Map<Difference, RowsOfBoth>();
  for (const table of tables) {
    const own = differences.filter((one) => one.table === table.name && one.encodedKey !== null);
    for (let from = 0; from < own.length; from += KEYS_AT_ONCE) {
      const part = own.slice(from, from + KEYS_AT_ONCE);
      const keys = part.map(({ encodedKey }) => decodeKey(encodedKey ?? '[]'));
      const [sqlite, postgres] = await Promise.all([
        stores.sqlite.rowsByKey(table, keys).catch(() => []),
        stores.postgres.rowsByKey(table, keys).catch(() => []),
      ]);
      for (const [index, difference] of part.entries()) {
        const [ours, theirs] = [sqlite[index], postgres[index]];
        rows.set(difference, { ...(ours ? { sqlite: ours } : {}), ...(theirs ? { postgres: theirs } : {}) });
      }
    }
  }
  return rows;
}

async function quarantineOf({ stores }: Reportable, found: ComparisonReport): Promise<readonly Quarantined[]> {
  if (found.primary === null || found.totals.quarantined === 0) return [];
  const { quarantine } = await stores[otherStore(found.primary)].progress();
  const compared = new Set(found.tables.map(({ table }) => table));
  return quarantine.filter(({ table }) => compared.has(table)).slice(0, found.totals.quarantined);
}

function quarantineDivergence({ table, key, reason, since }: Quarantined): Undated {
  return {
    table,
    key: formatKey(key),
    encodedKey: encodeKey(key),
    class: 'quarantined',
    severity: 'mismatch',
    columns: [],
    reason,
    firstSeenAt: since.toISOString(),
    mend: {
      database: null,
      statement: null,
      command: null,
      advice: 'mend the row at the primary; it leaves quarantine by itself',
    },
  };
}

function driftDivergence({ table, columns, severity, found, remedy }: Drift): Undated {
  return {
    table,
    key: null,
    encodedKey: null,
    class: 'schema drift',
    severity,
    columns,
    reason: found,
    firstSeenAt: new Date().toISOString(),
    mend: { database: null, statement: null, command: null, advice: remedy },
  };
}

/** A difference that an earlier recorded comparison has seen is older than this one. */
async function withAges(
  { records }: Reportable,
  listed: readonly Undated[],
  found: ComparisonReport,
  {
    known,
    isWhole,
    record,
  }: { readonly known: readonly Difference[]; readonly isWhole: boolean; readonly record: boolean },
): Promise<readonly Divergence[]> {
  // Those that are not listed are noted too: another time they may be.
  const drift = listed.filter(({ class: kind }) => kind === 'schema drift');
  const names = [...known, ...drift].map(differenceName);
  const wholeTables =
    isWhole && found.mode === 'full'
      ? found.tables.filter(({ isComplete }) => isComplete).map(({ table }) => table)
      : [];
  const at = new Date(found.finishedAt);
  const firstSeen = record
    ? await records.comparisons.firstSeen({ found: names, wholeTables, at }).catch(() => [])
    : [];
  const dates = new Map(names.map(({ table, name }, index) => [`${table} ${name}`, firstSeen[index]]));
  return listed.map((one) => {
    const { table, name } = differenceName(one);
    const seenAt = one.class === 'quarantined' ? undefined : dates.get(`${table} ${name}`);
    const firstSeenAt =
      seenAt !== undefined && seenAt < new Date(one.firstSeenAt) ? seenAt.toISOString() : one.firstSeenAt;
    return { ...one, firstSeenAt, ageSeconds: Math.max(0, (at.getTime() - Date.parse(firstSeenAt)) / 1000) };
  });
}
