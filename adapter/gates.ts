import type { Config } from './config.ts';
import { messageOf } from './errors.ts';
import { backfillStatus } from './backfill-status.ts';
import type { Mirror } from './mirror.ts';
import type { ShadowReads } from './shadow/shadow-reads.ts';
import type { StoreName, TableSpec } from './spec.ts';
import type { Stage } from './stage.ts';
import { STAGE_NAMES } from './stage.ts';
import type { Gate } from './status.ts';
import type { Progress, Records, Store } from './store.ts';

/** What the gates look at. */
export interface GateContext {
  readonly stores: Readonly<Record<StoreName, Store>>;
  readonly records: Records;
  readonly mirror: Mirror;
  readonly config: Pick<Config, 'maxLagSeconds' | 'comparisonMaxAgeMs' | 'minShadowReads' | 'maxShadowMismatches'>;
  readonly shadow: Pick<ShadowReads, 'shapes'>;
  /** Whether a person has said so, for the step that cannot be undone. */
  readonly isConfirmed: boolean;
  /** Whether to wait for the Mirror to catch up (the surest look at the lag), or to take the lag as it is known. */
  readonly waits: boolean;
}

type GateName =
  | 'backfill'
  | 'quarantine'
  | 'lag'
  | 'comparison'
  | 'recent-comparison'
  | 'shadow-reads'
  | 'constraints'
  | 'confirmation'
  | 'way-back';

/** The gates of each step, in the order in which they are looked at. Steps that are not named here have none. */
const GATES: Readonly<Record<string, readonly GateName[]>> = {
  'dual→shadow': ['backfill'],
  'shadow→read': ['backfill', 'quarantine', 'lag', 'comparison', 'shadow-reads'],
  'read→write': ['backfill', 'quarantine', 'lag', 'recent-comparison', 'constraints'],
  'write→read': ['quarantine', 'lag'],
  'write→postgres': ['confirmation'],
  'postgres→write': ['way-back'],
};

/** Gates that open by themselves when one waits. */
export const WAITING_GATES: readonly string[] = ['backfill', 'lag'] satisfies readonly GateName[];

/** Looks at every gate of a step. A gate that cannot be looked at does not pass. */
export async function lookAtGates(from: Stage, to: Stage, context: GateContext): Promise<readonly Gate[]> {
  const names = GATES[`${from}→${to}`] ?? [];
  const gates: Gate[] = [];
  for (const name of names) {
    try {
      gates.push(await LOOKS[name](context, from));
    } catch (error) {
      gates.push(closed(name, `could not be looked at: ${messageOf(error)}`, 'see that both databases answer'));
    }
  }
  return gates;
}

const LOOKS: Readonly<Record<GateName, (context: GateContext, from: Stage) => Promise<Gate>>> = {
  async backfill(context) {
    const { state, cursors } = await postgresProgress(context);
    const { isDone, phase, isPaused, tables, indexesAside } = backfillStatus(
      cursors,
      await context.records.fill.read(),
    );
    if (state.isReconciling) {
      return closed('backfill', 'a reconciliation has not ended', 'go on with it: crossfade backfill --reconcile');
    }
    if (isDone) return open('backfill', 'every table has been copied');
    const goOn = isPaused
      ? 'it is paused; go on: crossfade backfill --resume'
      : 'wait for it, or run: crossfade backfill';
    if (phase !== 'copying') {
      const left = phase === 'indexes' ? `, ${indexesAside.length} indexes to make again` : '';
      return closed('backfill', `every row has been copied, what comes after is not done (${phase}${left})`, goOn);
    }
    const left = tables
      .filter((table) => !table.isDone)
      .map(({ table, rowsCopied, rowsExpected }) => `${table} (${rowsCopied} ${ofAbout(rowsExpected)})`);
    return closed('backfill', `still to copy: ${left.join(', ')}`, goOn);
  },

  async quarantine(context, from) {
    const secondary = context.stores[from === 'write' ? 'sqlite' : 'postgres'];
    const { quarantine } = await secondary.progress();
    if (quarantine.length === 0) return open('quarantine', 'no row is in quarantine');
    const tables = [...new Set(quarantine.map(({ table }) => table))];
    return closed(
      'quarantine',
      `${quarantine.length} rows that ${secondary.name} cannot hold, in ${tables.join(', ')}; the first: ${quarantine[0]?.reason ?? ''}`,
      'mend these rows at the primary; they leave quarantine by themselves',
    );
  },

  async lag({ mirror, config, waits }) {
    // It passes when everything committed until now is on the other side.
    if (waits) await mirror.caughtUp({ timeoutMs: config.maxLagSeconds * 1000 }).catch(() => {});
    const { lagSeconds, error, runs } = mirror.status();
    if (error === null && lagSeconds <= config.maxLagSeconds && runs !== 'stopped') {
      return open('lag', `${lagSeconds.toFixed(1)} s behind`);
    }
    return closed(
      'lag',
      error ?? `${lagSeconds.toFixed(1)} s behind, ${config.maxLagSeconds} s allowed`,
      'see crossfade status',
    );
  },

  async comparison({ records }) {
    return comparisonGate(records, Infinity);
  },

  async 'recent-comparison'({ records, config }) {
    return comparisonGate(records, config.comparisonMaxAgeMs);
  },

  async 'shadow-reads'({ shadow, config }) {
    const shapes = await shadow.shapes();
    const bad = shapes.filter(({ results }) => results.mismatch + results.error > 0);
    const differing = bad.reduce((sum, { results }) => sum + results.mismatch + results.error, 0);
    const agreeing = shapes.reduce((sum, { results }) => sum + results.match, 0);
    const found = `${differing} shadow reads of ${bad.length} queries differ or were refused, ${agreeing} agree`;
    if (differing > config.maxShadowMismatches) {
      return closed(
        'shadow-reads',
        `${found}; ${config.maxShadowMismatches} may`,
        'see crossfade report; when it is mended: crossfade report --forget',
      );
    }
    if (agreeing >= config.minShadowReads) return open('shadow-reads', found);
    return closed('shadow-reads', `${found}; ${config.minShadowReads} are asked for`, 'wait, or raise shadow.sample');
  },

  async constraints({ stores }) {
    const tables: readonly TableSpec[] = await stores.sqlite.installedTables();
    const broken = await stores.postgres.brokenConstraints(tables);
    if (broken.length === 0) return open('constraints', 'every foreign key holds in PostgreSQL');
    const found = broken.map(({ table, name, orphans, reason }) => `${table}.${name} (${reason ?? `${orphans} rows`})`);
    const orphaned = broken.find(({ orphans }) => orphans > 0);
    return closed(
      'constraints',
      `rows without a parent, or never validated: ${found.join(', ')}`,
      orphaned === undefined
        ? 'have them checked: ALTER TABLE … VALIDATE CONSTRAINT …, as the owner of the table'
        : `SQLite holds rows whose parent is missing (PRAGMA foreign_key_check names them); mend them there. In PostgreSQL they are found by: ${orphaned.statement}`,
    );
  },

  async confirmation({ isConfirmed }) {
    if (isConfirmed) return open('confirmation', 'a person has confirmed it');
    return closed(
      'confirmation',
      'stage postgres is the point of no return: SQLite stands still from then on',
      'say so with --confirm (in the library: { confirm: true })',
    );
  },

  async 'way-back'() {
    return closed(
      'way-back',
      'stage postgres has no way back: SQLite no longer holds what was written since',
      'stay in postgres',
    );
  },
};

function ofAbout(rows: number | null): string {
  return rows === null ? 'rows so far' : `of about ${rows} rows`;
}

async function comparisonGate(records: Records, maxAgeMs: number): Promise<Gate> {
  const last = await records.lastComparison({ onlyFull: true });
  if (last === undefined)
    return closed('comparison', 'the databases have not been compared in full', 'run: crossfade compare');
  const ageMs = Date.now() - last.finishedAt.getTime();
  const when = `the last full comparison, of ${last.finishedAt.toISOString()}`;
  if (last.outcome !== 'match') {
    const besides = [
      last.quarantined ? `, ${last.quarantined} in quarantine` : '',
      last.sequencesBehind ? `, ${last.sequencesBehind} sequences behind` : '',
      last.schemaDrift ? `, ${last.schemaDrift} places in the schema` : '',
    ].join('');
    const found = `${last.missing} rows missing, ${last.extra} extra, ${last.differing} differing, ${last.inconclusive} inconclusive${besides}`;
    return closed(
      'comparison',
      `${when}, says ${last.outcome}: ${found}`,
      'find out why, mend it, and run: crossfade compare',
    );
  }
  if (ageMs > maxAgeMs) {
    return closed(
      'comparison',
      `${when}, is older than ${Math.round(maxAgeMs / 60_000)} minutes`,
      'run: crossfade compare',
    );
  }
  return open('comparison', `${when}, is clean: ${last.rowsCompared} rows`);
}

async function postgresProgress({ stores }: GateContext): Promise<Progress> {
  return stores.postgres.progress();
}

function open(name: GateName, found: string): Gate {
  return { name: name === 'recent-comparison' ? 'comparison' : name, passes: true, found, remedy: '' };
}

function closed(name: GateName, found: string, remedy: string): Gate {
  return { name: name === 'recent-comparison' ? 'comparison' : name, passes: false, found, remedy };
}

/** The stage after this one on the way to PostgreSQL, or `null` at the end. */
export function stageAfter(stage: Stage): Stage | null {
  return STAGE_NAMES[STAGE_NAMES.indexOf(stage) + 1] ?? null;
}
