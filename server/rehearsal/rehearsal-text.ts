import { placeText } from '../../migrations/finding.ts';
import type { Finding } from '../../migrations/finding.ts';
import { bytesText, durationText } from '../commands/quantity.ts';
import type { Phase, Rehearsal } from './rehearsal.ts';

const VERDICTS = {
  clean: 'the rehearsal went through: every row arrived, and both databases hold the same',
  findings: 'THE REHEARSAL FOUND what must be mended first',
  inconclusive: 'the rehearsal could not tell whether both databases hold the same',
} as const satisfies Record<Rehearsal['outcome'], string>;

/** A rehearsal as a person reads it. */
export function rehearsalText(rehearsal: Rehearsal): string {
  return [
    VERDICTS[rehearsal.outcome],
    '',
    ...numbers(rehearsal).map(([name, text]) => `${name.padEnd(11)} ${text}`),
    ...section('mend before the move', obstacles(rehearsal)),
    ...section('deserve a look', rehearsal.findings.filter((finding) => !isObstacle(finding)).map(findingText)),
    ...expectation(rehearsal),
  ].join('\n');
}

function numbers({ sqlite, postgres, seconds, backfill, comparison }: Rehearsal): [string, string][] {
  const took = (phase: Phase, what: string): [string, string][] => {
    const time = seconds[phase];
    return time === undefined ? [] : [[phase, `${durationText(time).padStart(7)}  ${what}`.trimEnd()]];
  };
  return [
    ['sqlite', `${bytesText(sqlite.bytes)}; the snapshot ${bytesText(sqlite.snapshotBytes)}`],
    ['postgres', `${bytesText(postgres.bytes)}; version ${postgres.version}, ${KINDS[postgres.kind]}`],
    ...took('snapshot', ''),
    ...took('audit', ''),
    ...took('schema', ''),
    ...took(
      'backfill',
      backfill === null
        ? ''
        : `${backfill.rows} rows of ${backfill.tables.length} tables, ${Math.round(backfill.rowsPerSecond)} rows/s, ${bytesText(backfill.bytesPerSecond)}/s`,
    ),
    ...took('comparison', comparison === null ? '' : `${comparison.outcome}, ${comparison.totals.rowsCompared} rows`),
  ];
}

const KINDS = { embedded: 'embedded', database: 'a database that was dropped again' } as const;

function obstacles({ findings, backfill, comparison }: Rehearsal): string[] {
  const rejected = findings.filter(isObstacle).map(findingText);
  const refused = (backfill?.quarantined ?? []).map(
    ({ table, rows, reason }) => `table "${table}": PostgreSQL refuses ${rows} rows: ${reason}`,
  );
  const broken = (backfill?.brokenForeignKeys ?? []).map(
    ({ table, name, parent, orphans, reason }) =>
      `table "${table}": foreign key ${name}: ${orphans} rows have no row in "${parent}"${reason === null ? '' : ` (${reason})`}`,
  );
  const { missing = 0, extra = 0, differing = 0 } = comparison?.totals ?? {};
  const differences =
    missing + extra + differing === 0
      ? []
      : [`the databases differ: ${missing} rows missing, ${extra} extra, ${differing} differing`];
  return [...rejected, ...refused, ...broken, ...differences, ...(comparison?.reasons ?? [])];
}

/** Without a key a table cannot be mirrored. */
function isObstacle({ severity, code }: Finding): boolean {
  return severity === 'rejection' || code === 'no-key';
}

function findingText({ place, message, count, remedy }: Finding): string {
  const where = placeText(place);
  const rows = count === undefined ? '' : ` (${count})`;
  return `${where === '' ? '' : `${where}: `}${message}${rows}${remedy === undefined ? '' : `\n    ${remedy}`}`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function expectation({ expected, backfill }: Rehearsal): string[] {
  if (expected === null) return ['', 'nothing was copied: the schema must be accepted first'];
  return [
    '',
    `the real run: about ${durationText(expected.seconds)}, if`,
    ...expected.assumptions.map((assumption) => `  - ${assumption}`),
    ...(backfill?.notes ?? []),
  ];
}
