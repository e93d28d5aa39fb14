import type { StoreName } from '../spec.ts';
import { quantile } from './latency.ts';
import { RESULTS } from './observation.ts';
import type { ShadowResult } from './observation.ts';
import type { ShapeTally } from './shape-tally.ts';

/** What shadow reads have shown, worst shape first. JSON as it stands, and stable: a field's meaning never changes within a `version`. */
export interface ShapeReport {
  readonly version: 1;
  /** `differs`: a mismatch or an error; `agrees`: none; `unknown`: nothing was tried, or nothing that could be told. */
  readonly outcome: 'agrees' | 'differs' | 'unknown';
  readonly totals: Readonly<Record<ShadowResult, number>> & { readonly count: number; readonly shapes: number };
  readonly shapes: readonly ReportedShape[];
}

export interface ReportedShape extends Omit<ShapeTally, 'latency'> {
  readonly latency: Readonly<Record<StoreName, Quantiles>>;
  /** How many times as long PostgreSQL takes as SQLite, at the 95th percentile; `null` when one has not been timed. */
  readonly slowdown: number | null;
}

/** In seconds, at most half too long; `null` without runs. */
export interface Quantiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Puts tallies into a report. */
export function shapeReport(tallies: readonly ShapeTally[]): ShapeReport {
  const shapes = tallies.map(reported).toSorted(worstFirst);
  const totals = { match: 0, mismatch: 0, ignored: 0, inconclusive: 0, error: 0, count: 0, shapes: shapes.length };
  for (const { results, count } of shapes) {
    totals.count += count;
    for (const result of RESULTS) totals[result] += results[result];
  }
  const differs = totals.mismatch + totals.error > 0;
  const agrees = totals.match + totals.ignored > 0;
  return { version: 1, outcome: differs ? 'differs' : agrees ? 'agrees' : 'unknown', totals, shapes };
}

function reported({ latency, ...tally }: ShapeTally): ReportedShape {
  const quantiles = (store: StoreName): Quantiles => ({
    p50: quantile(latency[store], 0.5),
    p95: quantile(latency[store], 0.95),
    p99: quantile(latency[store], 0.99),
  });
  const [sqlite, postgres] = [quantiles('sqlite'), quantiles('postgres')];
  const slowdown = sqlite.p95 === null || postgres.p95 === null ? null : postgres.p95 / sqlite.p95;
  return { ...tally, latency: { sqlite, postgres }, slowdown };
}

/** Below this, in seconds, nobody minds how many times as long it takes. */
const FAST = 0.01;

/** Whether a shape is so much slower on PostgreSQL that a person should look at it. */
export function isSlower({ slowdown, latency }: ReportedShape): boolean {
  return (slowdown ?? 0) >= 2 && (latency.postgres.p95 ?? 0) > FAST;
}

function worstFirst(a: ReportedShape, b: ReportedShape): number {
  return (
    b.results.mismatch - a.results.mismatch ||
    b.results.error - a.results.error ||
    Number(isSlower(b)) - Number(isSlower(a)) ||
    (isSlower(a) ? (b.slowdown ?? 0) - (a.slowdown ?? 0) : 0) ||
    b.results.inconclusive - a.results.inconclusive ||
    b.count - a.count ||
    (a.id < b.id ? -1 : 1)
  );
}

const SQL_LENGTH = 300;

/** The report as a person reads it in a terminal. Shapes in which nothing was found are only counted, unless all are wanted. */
export function shapeReportText(report: ShapeReport, { all }: { all: boolean }): string {
  if (report.totals.count === 0) return 'no shadow read has been recorded';
  const { totals } = report;
  const lines = [
    `${totals.count} shadow reads of ${totals.shapes} shapes: ${RESULTS.map((name) => `${totals[name]} ${name}`).join(', ')}`,
  ];
  const shown = report.shapes.filter((shape) => all || isRemarkable(shape));
  for (const shape of shown) lines.push('', ...shapeLines(shape));
  const rest = report.shapes.length - shown.length;
  if (rest > 0) lines.push('', `${rest} ${rest === 1 ? 'shape' : 'shapes'} without anything to tell`);
  return lines.join('\n');
}

function isRemarkable(shape: ReportedShape): boolean {
  const { mismatch, error, inconclusive } = shape.results;
  return mismatch + error + inconclusive > 0 || isSlower(shape);
}

function shapeLines(shape: ReportedShape): readonly string[] {
  const found = RESULTS.filter((name) => shape.results[name] > 0).map((name) => `${shape.results[name]} ${name}`);
  const sql = shape.sql.length > SQL_LENGTH ? `${shape.sql.slice(0, SQL_LENGTH)}…` : shape.sql;
  return [sql, `  ${shape.id}: ${found.join(', ')}`, ...shapeNotes(shape).map((note) => `  ${note}`)];
}

/** What there is to say of a shape, a sentence each, without values unless they were asked for. */
export function shapeNotes(shape: ReportedShape): readonly string[] {
  const notes: string[] = [];
  const { example } = shape;
  if (example !== null) {
    const { control, candidate, kind, rows, columns } = example;
    const what =
      kind === 'values'
        ? columns.map((one) => `${one.column} (${one.control} / ${one.candidate})`).join(', ')
        : kind === 'rows'
          ? `${rows[0]} / ${rows[1]} rows`
          : 'the same rows, sorted otherwise';
    notes.push(`differs: ${what}; ${control} / ${candidate}, at ${example.at}`);
  }
  for (const [code, { count, message }] of Object.entries(shape.errors))
    notes.push(`refused: ${code} ${message} (${count})`);
  for (const [reason, count] of Object.entries(shape.reasons)) notes.push(`inconclusive: ${reason} (${count})`);
  notes.push(
    `${isSlower(shape) ? 'SLOWER: ' : ''}p50/p95/p99 sqlite ${milliseconds(shape.latency.sqlite)} ms, postgres ${milliseconds(shape.latency.postgres)} ms`,
  );
  return notes;
}

function milliseconds({ p50, p95, p99 }: Quantiles): string {
  return [p50, p95, p99]
    .map((seconds) => (seconds === null ? '–' : String(Number((seconds * 1000).toPrecision(2)))))
    .join('/');
}
