import type { SideReads } from '../router/side-reads.ts';
import { answerRows } from './answer-rows.ts';
import { KnownShapes } from './known-shapes.ts';
import { isRecordedStatement, queriesOf } from './recorded-statement.ts';
import type { RecordedRun, RecordedStatement } from './recorded-statement.ts';
import { SharedLines } from './shared-lines.ts';
import { mergeTallies, tallyOf } from './shape-tally.ts';
import type { ShapeTally } from './shape-tally.ts';
import { tryRead } from './try-read.ts';
import type { TryContext } from './try-read.ts';

export interface ReplayOptions {
  /** A file that option `record` wrote with `bindings: true`. */
  readonly path: string;
  readonly side: SideReads;
  readonly context: Pick<TryContext, 'config' | 'primary' | 'quarantined' | 'caughtUp' | 'signal'>;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** What a replay has shown. */
export interface ReplayOutcome {
  readonly tallies: readonly ShapeTally[];
  /** Reads that could not be compared: SQLite refused them, or their answers are too long. */
  readonly skipped: number;
  /** Statements of the file that were recorded without values. */
  readonly withoutValues: number;
}

/**
 * Runs recorded reads on both databases and compares the answers, as shadow reads do.
 *
 * @throws CrossfadeError `CONFIG_INVALID` for a file that is not there, or of another kind; `POSTGRES_UNREACHABLE`.
 */
export async function replay({ path, side, context, onProgress }: ReplayOptions): Promise<ReplayOutcome> {
  const lines = new SharedLines(path, (value) => (isRecordedStatement(value) ? value : undefined));
  const statements = await lines.existing();
  const reads = statements.filter(hasRun);
  const known = new KnownShapes();
  const suspected = new Set<string>();
  const tallies = new Map<string, ShapeTally>();
  let skipped = 0;
  for (const [index, read] of reads.entries()) {
    context.signal.throwIfAborted();
    onProgress?.(index, reads.length);
    const queries = queriesOf(read);
    const store = context.primary ?? 'sqlite';
    const first = await side.run(store, queries[store]).catch(() => undefined);
    const rows = first === undefined ? undefined : answerRows(first.answer, context.config.maxRows);
    const seen =
      first === undefined || rows === undefined
        ? undefined
        : await tryRead(
            {
              control: { store, seconds: first.seconds, rows },
              query: { ...queries, finish: (answer) => answer },
              queuedAt: performance.now(),
            },
            { ...context, side, suspected, known: known.of(read.sql), sqliteLimitSeconds: Infinity },
          );
    if (seen === undefined || typeof seen === 'string') {
      skipped += 1;
      continue;
    }
    const tally = tallyOf(seen);
    const before = tallies.get(tally.id);
    tallies.set(tally.id, before === undefined ? tally : mergeTallies(before, tally));
  }
  onProgress?.(reads.length, reads.length);
  return { tallies: [...tallies.values()], skipped, withoutValues: statements.length - reads.length };
}

function hasRun(statement: RecordedStatement): statement is RecordedStatement & { readonly run: RecordedRun } {
  return statement.run !== undefined;
}
