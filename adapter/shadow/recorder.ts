import { setTimeout as sleep } from 'node:timers/promises';
import { isPlainRead } from './query-facts.ts';
import type { QueryObserver, Statement } from '../router/query-observer.ts';
import { Gathering } from './gathering.ts';
import { KnownShapes } from './known-shapes.ts';
import type { RecordOptions } from './record-options.ts';
import { isRecordedStatement, recordedRun } from './recorded-statement.ts';
import type { RecordedStatement } from './recorded-statement.ts';
import { SharedLines } from './shared-lines.ts';

const HELD_STATEMENTS = 2_000;
/** The most lines of the file: those recorded last. */
const KEPT_STATEMENTS = 10_000;
const CLOSE_LIMIT_MS = 2_000;

/** Records the queries of the application into a file, each once, with how often it ran. */
export class Recorder {
  readonly #observer: QueryObserver;
  readonly #known = new KnownShapes();
  readonly #bindings: boolean;
  readonly #statements: Gathering<RecordedStatement>;

  constructor(options: {
    record: RecordOptions;
    observer: QueryObserver;
    /** Hears of trouble with the file. */
    onFailure: (error: unknown) => void;
  }) {
    const { record, observer, onFailure } = options;
    const lines = new SharedLines(record.path, (value) => (isRecordedStatement(value) ? value : undefined));
    this.#observer = observer;
    this.#bindings = record.bindings ?? false;
    this.#statements = new Gathering({
      keyOf,
      merge: mergeStatements,
      write: (added) => lines.change((before) => addStatements(before, added)),
      holds: HELD_STATEMENTS,
      onFailure,
    });
    observer.onStatement = (statement) => this.#note(statement);
  }

  /** Writes what has been recorded to the file. */
  async flush(): Promise<void> {
    await this.#statements.flush();
  }

  async close(): Promise<void> {
    this.#observer.onStatement = undefined;
    const timer = new AbortController();
    const limit = sleep(CLOSE_LIMIT_MS, undefined, { signal: timer.signal }).catch(() => {});
    await Promise.race([this.flush().catch(() => {}), limit]);
    timer.abort();
  }

  #note({ kind, compile, authorship }: Statement): void {
    if (kind !== 'read' && kind !== 'write') return;
    const sqlite = compile('sqlite');
    if (sqlite === undefined || sqlite.sql === '') return;
    const { sql } = sqlite;
    const postgres = kind === 'read' && this.#bindings && isPlainRead(sql) ? compile('postgres') : undefined;
    const author = authorship();
    const by = author === 'raw' ? {} : { author };
    this.#statements.add(
      postgres === undefined
        ? { sql: this.#known.of(sql).shape.sql, count: 1, ...by }
        : { sql, count: 1, ...by, run: recordedRun(sqlite, postgres) },
    );
  }
}

function keyOf({ sql, run }: RecordedStatement): string {
  return run === undefined ? sql : `${sql}\0${JSON.stringify(run.bindings)}\0${run.method ?? ''}`;
}

function mergeStatements(before: RecordedStatement, added: RecordedStatement): RecordedStatement {
  return { ...added, count: before.count + added.count };
}

function addStatements(before: readonly RecordedStatement[], added: readonly RecordedStatement[]) {
  const statements = new Map(before.map((statement) => [keyOf(statement), statement]));
  for (const statement of added) {
    const known = statements.get(keyOf(statement));
    statements.delete(keyOf(statement));
    statements.set(keyOf(statement), known === undefined ? statement : mergeStatements(known, statement));
  }
  return [...statements.values()].slice(-KEPT_STATEMENTS);
}
