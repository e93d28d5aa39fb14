import type { ComparisonRecord } from '../adapter/store.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { span } from './span.ts';
import { count } from './text-table.ts';

const WIDTH = 320;
const HEIGHT = 96;
const TOP = 14;
const BOTTOM = 16;

interface Chart {
  readonly title: string;
  readonly of: (run: ComparisonRecord) => number;
  readonly shown: (value: number) => string;
}

const CHARTS: readonly Chart[] = [
  { title: 'Rows compared', of: (run) => run.rowsCompared, shown: count },
  { title: 'Differences', of: differencesOf, shown: count },
  { title: 'Duration', of: secondsOf, shown: span },
];

/** Rows that differ, rows in quarantine, sequences behind and broken places of the schema in a stored run. */
export function differencesOf(run: ComparisonRecord): number {
  const { missing, extra, differing, quarantined = 0, sequencesBehind = 0, schemaDrift = 0 } = run;
  return missing + extra + differing + quarantined + sequencesBehind + schemaDrift;
}

/** How long a stored run took. */
export function secondsOf({ startedAt, finishedAt }: ComparisonRecord): number {
  return (finishedAt.getTime() - startedAt.getTime()) / 1000;
}

/** A chart of past runs for each thing that is worth following: a bar a run, the oldest one to the left, coloured by outcome. */
export function historyCharts(runs: readonly ComparisonRecord[]): Html {
  const ordered = runs.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  return html`<div class="charts">${CHARTS.map((chart) => drawn(chart, ordered))}</div>`;
}

function drawn({ title, of, shown }: Chart, runs: readonly ComparisonRecord[]): Html {
  const highest = Math.max(0, ...runs.map(of));
  const slot = WIDTH / Math.max(runs.length, 12);
  const room = HEIGHT - TOP - BOTTOM;
  const bars = runs.map((run, index) => {
    const value = of(run);
    // What is not nothing must be seen, however small beside the highest.
    const height = value === 0 ? 1 : Math.max(2, (value / highest) * room);
    const x = (index * slot).toFixed(1);
    const label = `${run.startedAt.toISOString()} ${run.mode ?? ''} ${run.outcome}: ${shown(value)}`;
    return html`<rect
      class="${run.outcome}"
      x="${x}"
      y="${(HEIGHT - BOTTOM - height).toFixed(1)}"
      width="${Math.max(1, slot - 2).toFixed(1)}"
      height="${height.toFixed(1)}"
      ><title>${label}</title></rect
    >`;
  });
  const [first, last] = [runs[0], runs.at(-1)];
  return html`<figure>
    <figcaption>${title}</figcaption>
    <svg
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      role="img"
      aria-label="${title} of the last ${runs.length} runs, ${shown(highest)} at most"
    >
      <text x="0" y="10">${shown(highest)}</text>
      <line x1="0" x2="${WIDTH}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM}" />
      ${bars}
      <text x="0" y="${HEIGHT - 3}">${first === undefined ? '' : dayOf(first.startedAt)}</text>
      ${
        runs.length < 2 || last === undefined
          ? null
          : html`<text x="${WIDTH}" y="${HEIGHT - 3}" text-anchor="end">${dayOf(last.startedAt)}</text>`
      }
    </svg>
  </figure>`;
}

function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 16).replace('T', ' ');
}
