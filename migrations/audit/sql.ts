import { createHash } from 'node:crypto';
import type { Finding, Place } from '../finding.ts';
import { placeText } from '../finding.ts';
import { tokensOf } from '../sqlite/parser.ts';
import { StatementJudge } from './sql/statement-judge.ts';
import type { JudgeSettings } from './sql/statement-judge.ts';
import type { SqlUse } from './sql/sql-use.ts';

export type { SqlUse } from './sql/sql-use.ts';

export interface SqlAuditOptions {
  readonly onProgress?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Judges pieces of SQL, each once however often it occurs: its findings have the first place, and all others besides.
 *
 * What a migration did has been done, and what it brought comes with the data: its findings are notes.
 */
export async function* auditSql(
  uses: readonly SqlUse[],
  settings: JudgeSettings,
  { onProgress, signal }: SqlAuditOptions = {},
): AsyncGenerator<Finding, void, undefined> {
  const judge = new StatementJudge(settings);
  const groups = grouped(uses);
  let done = 0;
  for (const { use, places } of groups) {
    signal?.throwIfAborted();
    const [place = {}, ...others] = places;
    for (const judgement of await judge.judge(use)) {
      const severity = use.origin === 'migration' ? 'note' : judgement.severity;
      const extent = { statement: oneLine(use.sql), count: places.length };
      yield { ...judgement, severity, place, ...extent, ...(others.length === 0 ? {} : { places: others }) };
    }
    onProgress?.((done += 1), groups.length);
  }
}

interface Group {
  readonly use: SqlUse;
  readonly places: Place[];
}

function grouped(uses: readonly SqlUse[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const use of uses) {
    const text = tokensOf(use.sql)
      .map((token) => token.text)
      .join(' ');
    const key = createHash('sha256')
      .update(JSON.stringify([use.origin, use.role, use.tables, text]))
      .digest('hex');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { use, places: [use.place] });
    else if (!group.places.some((place) => placeText(place) === placeText(use.place))) group.places.push(use.place);
  }
  return [...groups.values()];
}

function oneLine(sql: string): string {
  return sql.replace(/\s+/g, ' ').trim();
}
