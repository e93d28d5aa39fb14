import type { StoreName } from '../../adapter/spec.ts';
import type { Stage } from '../../adapter/stage.ts';

/** What happened, in numbers. JSON as it stands, stable. */
export interface DemoResult {
  /** Nothing was lost, no write failed, nothing differs: the demo's exit status is 0 only then. */
  readonly isClean: boolean;
  /** The stages in the order in which they were reached. */
  readonly stages: readonly Stage[];
  readonly seconds: number;
  readonly rowsCopied: number;
  readonly backfillSeconds: number;
  /** Writes (statements, transactions, requests) that were acknowledged, and reads that were answered. */
  readonly writes: number;
  readonly reads: number;
  readonly writesFailed: number;
  readonly readsFailed: number;
  /** Reads of a writer's own last write that answered something older. */
  readonly staleReads: number;
  /** The longest that one write took, as its caller saw it, in ms: the switches are in it. */
  readonly longestWriteMs: number;
  /** What the demo was doing then. */
  readonly longestWriteDuring: string;
  readonly longestReadMs: number;
  /** Each write switch, and how long writes were held for it, in ms. */
  readonly switches: readonly { readonly to: StoreName; readonly pauseMs: number }[];
  /** Rows of which the last acknowledged state was looked up in both databases. */
  readonly acknowledgedRows: number;
  readonly acknowledgedWritesLost: number;
  /** Rows that differ between the databases in the final comparison. */
  readonly divergentRows: number;
  readonly comparison: 'match' | 'mismatch' | 'inconclusive';
  readonly rowsCompared: number;
  /** What did not go well, in words; empty when the demo is clean. */
  readonly problems: readonly string[];
}

/** The result as a person reads it. */
export function demoText(result: DemoResult): string {
  const number = (value: number): string => value.toLocaleString('en');
  const pauses = result.switches.map(({ to, pauseMs }) => `${pauseMs} ms (to ${to})`).join(', ');
  const lines = [
    result.isClean
      ? 'Nothing was lost, no write failed, both databases hold the same rows.'
      : 'This did not go as it should:',
    ...result.problems.map((problem) => `  ✗ ${problem}`),
    '',
    `  road                         ${result.stages.join(' → ')}`,
    `  rows copied                  ${number(result.rowsCopied)} in ${result.backfillSeconds} s`,
    `  writes served meanwhile      ${number(result.writes)}, ${number(result.writesFailed)} failed`,
    `  reads served meanwhile       ${number(result.reads)}, ${number(result.readsFailed)} failed, ${number(result.staleReads)} stale`,
    `  longest write                ${result.longestWriteMs} ms (${result.longestWriteDuring})`,
    `  writes held by a switch      ${pauses || 'no switch was made'}`,
    `  acknowledged writes lost     ${number(result.acknowledgedWritesLost)} of ${number(result.acknowledgedRows)} rows looked up in both databases`,
    `  divergent rows               ${number(result.divergentRows)} of ${number(result.rowsCompared)} compared`,
    `  all of it took               ${result.seconds} s`,
  ];
  return lines.join('\n');
}
