/** The style of the report's page: the colours are those of the status page. */
export const REPORT_STYLE = `
:root { --page: #f6f7f9; --card: #fff; --line: #dfe3e8; --ink: #1b2430; --soft: #5b6776; --faint: #eceff3;
  --sqlite: #1f6fb2; --postgres: #7a4fb5; --good: #1d7a46; --warn: #9a6200; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #11161d; --card: #1a212b; --line: #2d3743; --ink: #e6ebf1; --soft: #9aa7b5; --faint: #242d38;
    --sqlite: #6cb4ee; --postgres: #b796ea; --good: #62c58c; --warn: #e0ad4f; --bad: #f2857c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 16px; display: grid; gap: 14px; grid-template-columns: minmax(0, 1fr); }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 14px; }
h1 { font-size: 20px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 13px; margin: 0 0 10px; font-weight: 600; color: var(--soft); }
p { margin: 6px 0 0; }
ul { margin: 8px 0 0; padding-left: 20px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; min-width: 0; overflow-wrap: anywhere; }
.card.match { border-top: 3px solid var(--good); }
.card.mismatch { border-top: 3px solid var(--bad); }
.card.inconclusive { border-top: 3px solid var(--warn); }
.card h2 + p { margin-top: 0; }
.big { font-size: 20px; font-weight: 600; margin: 0; }
.soft { color: var(--soft); font-weight: 400; }
.good { color: var(--good); }
.warn { color: var(--warn); }
.bad { color: var(--bad); }
.sqlite { color: var(--sqlite); }
.postgres { color: var(--postgres); }
.badge { display: inline-block; font-size: 12px; font-weight: 600; border: 1px solid currentColor; border-radius: 999px; padding: 0 9px; white-space: nowrap; }
.match > p > .badge, .badge.match { color: var(--good); }
.mismatch > p > .badge, .badge.mismatch { color: var(--bad); }
.inconclusive > p > .badge, .badge.inconclusive { color: var(--warn); }
.big .badge { font-size: 15px; vertical-align: 2px; margin-right: 4px; padding: 1px 12px; }
.charts { display: grid; gap: 8px 24px; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 13px; margin-bottom: 2px; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 9.5px; }
svg line { stroke: var(--line); }
svg rect.match { fill: var(--good); }
svg rect.mismatch { fill: var(--bad); }
svg rect.inconclusive { fill: var(--warn); }
details { margin-top: 8px; }
summary { cursor: pointer; padding: 4px 0; }
summary b { font-weight: 600; margin-right: 4px; }
.table { border-top: 1px solid var(--faint); margin-top: 4px; padding-top: 4px; }
.table:first-of-type { border-top: 0; margin-top: 0; padding-top: 0; }
.table > .class, .class > details { margin: 2px 0 6px 18px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { font-weight: 500; text-align: left; color: var(--soft); font-size: 12px; padding: 4px 12px 4px 0; white-space: nowrap; }
td { text-align: left; padding: 5px 12px 5px 0; border-top: 1px solid var(--faint); vertical-align: top; font-variant-numeric: tabular-nums; }
td:last-child, th:last-child { padding-right: 0; }
td p { margin: 0; }
.age { white-space: nowrap; }
.runs th:nth-child(n + 4), .runs td:nth-child(n + 4) { text-align: right; }
code { font: 13px/1.45 ui-monospace, monospace; background: var(--faint); border-radius: 4px; padding: 1px 4px; overflow-wrap: anywhere; unicode-bidi: isolate; white-space: pre-wrap; }
code.whole { white-space: nowrap; }
.runs td { white-space: nowrap; }
dl { margin: 4px 0 0; min-width: 220px; }
dt { font-weight: 600; font-size: 13px; margin-top: 4px; }
dd { margin: 0 0 0 12px; font-size: 13px; }
summary .badge { margin-right: 3px; }
.clean li { break-inside: avoid; }
.clean { columns: 220px; list-style: none; padding: 0; font-size: 14px; }
@media (max-width: 720px) { main { padding: 10px; gap: 10px; } .table > .class, .class > details { margin-left: 6px; } }
`;
