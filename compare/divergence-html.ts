import type { StoreName } from '../adapter/spec.ts';
import type { ComparisonRecord } from '../adapter/store.ts';
import { countOf, DIVERGENCE_CLASSES } from './divergence.ts';
import type { Divergence, DivergenceClass, DivergenceReport } from './divergence.ts';
import { scope, summary } from './divergence-text.ts';
import { REPORT_STYLE } from './divergence-style.ts';
import { differencesOf, historyCharts, secondsOf } from './history-chart.ts';
import { Html, html } from './html.ts';
import { NO_VALUE } from './shown-value.ts';
import { span } from './span.ts';
import { count } from './text-table.ts';

/** Rows shown together; a browser lays out those that are open only. */
const ROWS_TOGETHER = 200;
const RUNS_SHOWN = 60;
/** A key up to this many characters is shown in one line. */
const LONGEST_WHOLE = 40;
/** So many differences in all are shown at once; with more, one opens what one wants to see. */
const OPENED_AT_ONCE = 40;

/**
 * The report as one HTML page that needs nothing from outside and runs no script: a chart of past runs, the counts, and
 * what differs, to be opened table by table.
 */
export function divergenceHtml(
  report: DivergenceReport,
  { history = [] }: { /** Past runs, this one among them. */ readonly history?: readonly ComparisonRecord[] } = {},
): string {
  const runs = history.slice(0, RUNS_SHOWN);
  return page(
    `Comparison of ${when(report.finishedAt)}: ${report.outcome}`,
    html`<header>
        <h1>Crossfade comparison</h1>
        <span class="soft">${when(report.finishedAt)} UTC</span>
      </header>
      ${verdict(report)} ${runs.length === 0 ? null : pastRuns(runs)} ${tableList(report)} ${handwork(report)}`,
  );
}

/** The page for when nothing has been compared yet. */
export function noComparisonHtml(): string {
  const body = html`<header><h1>Crossfade comparison</h1></header>
    <section class="card">
      <p class="big soft">none yet</p>
      <p><code>crossfade compare</code> runs one.</p>
    </section>`;
  return page('No comparison yet', body);
}

function page(title: string, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${new Html(`<style>${REPORT_STYLE}</style>`)}
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `.text;
}

function when(moment: string): string {
  return moment.slice(0, 19).replace('T', ' ');
}

function verdict(report: DivergenceReport): Html {
  const { outcome, totals, reasons } = report;
  const says = {
    match: totals.schemaWarnings === 0 ? 'no difference' : 'no difference in rows',
    mismatch: summary(totals),
    inconclusive: 'no difference for certain, but not everything could be told',
  }[outcome];
  const warnings =
    totals.schemaWarnings === 0
      ? null
      : html`<p class="warn">
          ${count(totals.schemaWarnings)} ${totals.schemaWarnings === 1 ? 'warning' : 'warnings'} about the schema
        </p>`;
  return html`<section class="card ${outcome}">
    <p class="big"><span class="badge">${outcome}</span> ${says}</p>
    <p class="soft">${scope(report)}</p>
    ${warnings}
    ${
      reasons.length === 0
        ? null
        : html`<ul>
            ${reasons.map((reason) => html`<li>could not tell: ${reason}</li>`)}
          </ul>`
    }
  </section>`;
}

function pastRuns(runs: readonly ComparisonRecord[]): Html {
  const rows = runs.map(
    (run) =>
      html`<tr>
        <td>${when(run.startedAt.toISOString())}</td>
        <td><span class="badge ${run.outcome}">${run.outcome}</span></td>
        <td>${run.mode ?? (run.isFull ? 'full' : 'part')}</td>
        <td>${count(run.rowsCompared)}</td>
        <td>${count(differencesOf(run))}</td>
        <td>${count(run.inconclusive)}</td>
        <td>${span(secondsOf(run))}</td>
      </tr>`,
  );
  return html`<section class="card">
    <h2>The last ${runs.length === 1 ? 'run' : `${runs.length} runs`}</h2>
    ${historyCharts(runs)}
    <details>
      <summary>As a table</summary>
      <div class="scroll">
        <table class="runs">
          <thead>
            <tr>
              <th>began (UTC)</th>
              <th>outcome</th>
              <th>mode</th>
              <th>rows</th>
              <th>differences</th>
              <th>inconclusive</th>
              <th>took</th>
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </div>
    </details>
  </section>`;
}

interface Section {
  readonly table: string;
  readonly counts: DivergenceReport['tables'][number] | undefined;
  readonly differences: readonly Shown[];
}

interface Shown extends Divergence {
  /** Whether this very run saw it first. */
  readonly isNew: boolean;
}

/** Tables with differences first; then the clean ones, which have nothing to open. */
function tableList(report: DivergenceReport): Html {
  const byTable = new Map<string, Shown[]>();
  for (const difference of report.differences) {
    const one = { ...difference, isNew: difference.firstSeenAt >= report.startedAt };
    const own = byTable.get(one.table);
    if (own === undefined) byTable.set(one.table, [one]);
    else own.push(one);
  }
  const names = new Set([...byTable.keys(), ...report.tables.map(({ table }) => table)]);
  const sections = [...names].map((table): Section => ({
    table,
    counts: report.tables.find((one) => one.table === table),
    differences: byTable.get(table) ?? [],
  }));
  const isClean = ({ differences, counts }: Section): boolean =>
    differences.length === 0 &&
    (counts === undefined || (counts.inconclusive === 0 && counts.isComplete && differing(counts) === 0));
  const worst = sections.filter((one) => !isClean(one));
  const leftOff = report.differencesLeftOff;
  return html`<section class="card">
    <h2>Tables</h2>
    ${worst.map((one) => tableSection(one, worst.length === 1 || report.differences.length <= OPENED_AT_ONCE))}
    ${leftOff === 0 ? null : html`<p class="soft">${count(leftOff)} more differences are counted, and not listed.</p>`}
    ${cleanTables(sections.filter(isClean))}
  </section>`;
}

function differing(counts: NonNullable<Section['counts']>): number {
  return counts.missing + counts.extra + counts.differing + counts.quarantined + counts.sequencesBehind;
}

function tableSection({ table, counts, differences }: Section, isOpen: boolean): Html {
  const chips = DIVERGENCE_CLASSES.flatMap((kind) => {
    const all = countInTable(kind, { table, counts, differences });
    const isMild =
      !differences.some((one) => one.class === kind && one.severity === 'mismatch') && kind === 'schema drift';
    return all === 0 ? [] : [html`<span class="badge ${isMild ? 'warn' : 'bad'}">${count(all)} ${kind}</span> `];
  });
  const unsettled =
    counts === undefined || counts.inconclusive === 0
      ? null
      : html`<span class="badge warn">${count(counts.inconclusive)} inconclusive</span>`;
  const unfinished =
    counts === undefined || counts.isComplete ? null : html`<span class="badge warn">not finished</span>`;
  const rows = counts === undefined ? null : html`<span class="soft">${count(counts.rowsCompared)} rows</span>`;
  const classes = DIVERGENCE_CLASSES.map((kind) => {
    const own = differences.filter((one) => one.class === kind);
    return own.length === 0 ? html`` : classSection(kind, own, countInTable(kind, { table, counts, differences }));
  });
  return html`<details class="table" ${isOpen ? html`open` : null}>
    <summary><b>${table}</b> ${rows} ${chips} ${unsettled} ${unfinished}</summary>
    ${classes}
  </details>`;
}

function countInTable(kind: DivergenceClass, { counts, differences }: Section): number {
  const listed = differences.filter((one) => one.class === kind).length;
  if (counts === undefined || kind === 'schema drift') return listed;
  return Math.max(listed, countOf({ ...counts, schemaDrift: 0, schemaWarnings: 0 }, kind));
}

function classSection(kind: DivergenceClass, own: readonly Shown[], all: number): Html {
  const chunks: Shown[][] = [];
  for (let from = 0; from < own.length; from += ROWS_TOGETHER) chunks.push(own.slice(from, from + ROWS_TOGETHER));
  const more = all > own.length ? html`<p class="soft">${count(all - own.length)} more are not listed.</p>` : null;
  const [only] = chunks.length === 1 ? chunks : [];
  const rows =
    only === undefined
      ? chunks.map(
          (chunk, index) =>
            html`<details>
              <summary>
                ${count(index * ROWS_TOGETHER + 1)} to ${count(index * ROWS_TOGETHER + chunk.length)}:
                <bdi>${chunk[0]?.key ?? ''}</bdi> …
              </summary>
              ${rowTable(chunk)}
            </details>`,
        )
      : [rowTable(only)];
  return html`<details class="class" ${own.length <= ROWS_TOGETHER ? html`open` : null}>
    <summary>${kind} <span class="soft">${count(all)}</span></summary>
    ${rows} ${more}
  </details>`;
}

function rowTable(rows: readonly Shown[]): Html {
  const hasKeys = rows.some(({ key }) => key !== null);
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${hasKeys ? html`<th>key</th>` : null}
          <th>columns</th>
          <th>known for</th>
          <th>what to do</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map((one) => rowOf(one, hasKeys))}
      </tbody>
    </table>
  </div>`;
}

function rowOf(one: Shown, hasKeys: boolean): Html {
  const { mend, values = [] } = one;
  const shown = values.map(
    ({ column, sqlite, postgres }) =>
      html`<dt><bdi>${column}</bdi></dt>
        ${valueIn('sqlite', sqlite)} ${valueIn('postgres', postgres)}`,
  );
  return html`<tr>
    ${hasKeys ? html`<td><code class="${(one.key ?? '').length > LONGEST_WHOLE ? '' : 'whole'}">${one.key ?? ''}</code></td>` : null}
    <td>
      ${one.severity === 'warning' ? html`<span class="badge warn">warning</span> ` : null}<bdi
        >${one.columns.join(', ') || '–'}</bdi
      >
      ${one.reason === null ? null : html`<p>${one.reason}</p>`} ${shown.length === 0 ? null : html`<dl>${shown}</dl>`}
    </td>
    <td class="age" title="${one.firstSeenAt}">${one.isNew ? 'new' : span(one.ageSeconds)}</td>
    <td>
      ${mend.statement === null ? null : html`<code>${mend.statement}</code>`}
      ${mend.advice === null ? null : html`<p>${mend.advice}</p>`}
    </td>
  </tr>`;
}

/** Of a missing or extra row one side shows nothing. */
function valueIn(store: StoreName, value: string): Html | null {
  if (value === NO_VALUE) return null;
  return html`<dd><span class="${store}">${store}</span> <code>${value}</code></dd>`;
}

function cleanTables(clean: readonly Section[]): Html {
  if (clean.length === 0) return html``;
  const items = clean.map(
    ({ table, counts }) =>
      html`<li><bdi>${table}</bdi> <span class="soft">${count(counts?.rowsCompared ?? 0)}</span></li>`,
  );
  return html`<details class="table" ${clean.length <= 40 ? html`open` : null}>
    <summary><b class="good">${count(clean.length)} without a difference</b></summary>
    <ul class="clean">
      ${items}
    </ul>
  </details>`;
}

function handwork({ byHand, differences }: DivergenceReport): Html | null {
  if (byHand === null || !differences.some(({ mend }) => mend.command !== null)) return null;
  return html`<section class="card">
    <h2>To mend rows</h2>
    <p>
      <code>crossfade compare --repair</code> says what it would do; with <code>--yes</code> the Mirror copies the rows
      of the primary again, or removes what the primary does not have, and they are looked at once more.
    </p>
    <p class="soft">
      By hand, ${byHand.database} takes the statements above between <code>${byHand.before}</code> and
      <code>${byHand.after}</code>.
    </p>
  </section>`;
}
