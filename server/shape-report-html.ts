import { RESULTS } from '../adapter/shadow/observation.ts';
import { isSlower, shapeNotes } from '../adapter/shadow/shape-report.ts';
import type { ReportedShape, ShapeReport } from '../adapter/shadow/shape-report.ts';

const STYLE = `
  body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color-scheme: light dark }
  td, th { text-align: left; vertical-align: top; padding: .4rem .8rem; border-bottom: 1px solid #8884 }
  td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
  code { overflow-wrap: anywhere } li { opacity: .8 } ul { margin: .3rem 0 0; padding-left: 1.1rem; font-size: 13px }
  tr.bad td:first-child { border-left: 4px solid #c0392b } tr.slow td:first-child { border-left: 4px solid #b9770e }`;

/** The report as one page that needs nothing from outside. */
export function shapeReportHtml(report: ShapeReport, writtenAt: Date): string {
  const head = RESULTS.map((name) => `<th class="n">${name}</th>`).join('');
  const { totals } = report;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Crossfade: shadow reads</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${STYLE}</style></head><body>
<h1>Shadow reads: ${report.outcome}</h1>
<p>${totals.count} reads of ${totals.shapes} shapes, worst first. Written ${writtenAt.toISOString()}.</p>
<table><thead><tr><th>shape</th><th class="n">reads</th>${head}</tr></thead>
<tbody>
${report.shapes.map(row).join('\n')}
</tbody></table></body></html>
`;
}

function row(shape: ReportedShape): string {
  const { results } = shape;
  const kind = results.mismatch + results.error > 0 ? 'bad' : isSlower(shape) ? 'slow' : 'good';
  const notes = shapeNotes(shape).map((note) => `<li>${escape(note)}</li>`);
  const counts = RESULTS.map((name) => `<td class="n">${results[name] || ''}</td>`);
  return `<tr class="${kind}"><td><code>${escape(shape.sql)}</code><ul>${notes.join('')}</ul></td><td class="n">${shape.count}</td>${counts.join('')}</tr>`;
}

const ESCAPED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(text: string): string {
  return text.replaceAll(/[&<>"]/g, (sign) => ESCAPED[sign] ?? sign);
}
