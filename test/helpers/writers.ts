import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Stage } from '../../adapter/index.ts';
import type { Pair } from './pair.ts';
import { until } from './pair.ts';
import { PAYMENTS } from './writer-reports.ts';
import type { WriterOrder, WriterReport, WriterSettings } from './writer-reports.ts';

const SCRIPT = fileURLToPath(new URL('./writer-process.js', import.meta.url));
/** On a machine with other work a process may need long to start. */
const READY_LIMIT_MS = 60_000;

/** The processes that write in one test, and everything that they have been told is written. */
export class Writers {
  readonly #t: Pick<ExecutionContext, 'teardown'>;
  readonly #settings: Omit<WriterSettings, 'run'>;
  readonly #names = new Set<string>();
  readonly #counters = new Map<string, number>();
  readonly #emails = new Set<string>();
  readonly #failures: string[] = [];
  readonly #retryable: string[] = [];
  #run = 0;

  constructor(
    t: Pick<ExecutionContext, 'teardown'>,
    pair: Pick<Pair, 'path' | 'url'>,
    settings: Pick<WriterSettings, 'lanes' | 'pauseMs'> & { options?: WriterSettings['options'] },
  ) {
    this.#t = t;
    const options = { sqlite: pair.path, postgres: pair.url, refreshMs: 50, leaseMs: 400, ...settings.options };
    this.#settings = { ...settings, options };
  }

  get acknowledged(): number {
    return this.#names.size + this.#emails.size + this.#counters.size;
  }

  /** What failed although trying again would not help. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** The codes of what failed and may be tried again. */
  get retryable(): readonly string[] {
    return this.#retryable;
  }

  /** Starts another one. Killed with the test at the latest. */
  async start(): Promise<Writer> {
    const run = (this.#run += 1);
    const settings: WriterSettings = { ...this.#settings, run };
    const child = fork(SCRIPT, [JSON.stringify(settings)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#t.teardown(() => child.kill('SIGKILL'));
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
    const writer = new Writer(child);
    child.on('message', (report: WriterReport) => {
      writer.reports.push(report);
      this.#note(report);
    });
    const isReady = (): boolean => {
      if (child.exitCode !== null) throw new Error(`the writer ended by itself: ${errors}`);
      return writer.reports.length > 0;
    };
    await until('the writer is ready', isReady, READY_LIMIT_MS);
    return writer;
  }

  /** What is not as acknowledged in one database, or half there. Empty when all is well. */
  missing(database: {
    readonly settings: ReadonlyMap<string, string>;
    readonly payments: ReadonlyMap<string, number>;
  }): readonly string[] {
    const { settings, payments } = database;
    return [
      ...[...this.#names].filter((name) => settings.get(name) !== 'written'),
      ...[...this.#counters].filter(([name, value]) => Number(settings.get(name)) < value).map(([name]) => name),
      ...[...this.#emails].filter((email) => !payments.has(email)),
      ...[...payments]
        .filter(([, count]) => count !== PAYMENTS)
        .map(([email, count]) => `${email} with ${count} payments`),
    ];
  }

  #note(report: WriterReport): void {
    if (report.type === 'inserted') this.#names.add(report.name);
    else if (report.type === 'counted') this.#counters.set(report.name, report.value);
    else if (report.type === 'booked') this.#emails.add(report.email);
    else if (report.type === 'failed') this.#failures.push(report.message);
    else if (report.type === 'retryable') this.#retryable.push(report.code);
  }
}

/** One process that writes. */
export class Writer {
  readonly reports: WriterReport[] = [];
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Waits for so many more writes to be acknowledged. */
  async writes(count: number): Promise<void> {
    const isWrite = ({ type }: WriterReport): boolean => type === 'inserted' || type === 'counted' || type === 'booked';
    const before = this.reports.filter(isWrite).length;
    await until(`${count} more writes`, () => this.reports.filter(isWrite).length >= before + count);
  }

  moveTo(stage: Stage): void {
    this.#child.send({ moveTo: stage } satisfies WriterOrder);
  }

  /** Stops it where it stands, until {@link goOn}. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  /** As `kill -9`. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await until('the writer is gone', () => this.#child.signalCode !== null || this.#child.exitCode !== null);
  }
}
