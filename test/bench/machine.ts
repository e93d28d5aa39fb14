import { cpus, loadavg } from 'node:os';
import type { ServerFacts } from './databases.ts';

/** On what it was measured. */
export interface Machine extends ServerFacts {
  readonly cores: number;
  readonly cpu: string;
  readonly node: string;
  /** Of the last minute, at the start and at the end: what else went on. */
  readonly load: readonly [number, number];
}

export function machineOf({ facts, loadAtStart }: { facts: ServerFacts; loadAtStart: number }): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.versions.node,
    ...facts,
    load: [loadAtStart, loadNow()],
  };
}

/** The machine's load of the last minute. */
export function loadNow(): number {
  return loadavg()[0] ?? Number.NaN;
}

export function machineText(machine: Machine): string {
  return (
    `${machine.cores} cores (${machine.cpu}), Node ${machine.node}, PostgreSQL ${machine.postgres} ` +
    `(fsync ${machine.fsync}, synchronous_commit ${machine.synchronousCommit}), SQLite ${machine.sqlite} (WAL)`
  );
}

export function loadText({ load }: Machine): string {
  return `load of the machine ${load.map((each) => each.toFixed(1)).join(' at the start, ')} at the end`;
}
