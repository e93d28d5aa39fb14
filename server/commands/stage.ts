import type { Command } from 'commander';
import { WAITING_GATES } from '../../adapter/gates.ts';
import { isCrossfadeError } from '../../adapter/errors.ts';
import type { Crossfade, StepOutcome } from '../../adapter/index.ts';
import { nextStage, parseStage, STAGE_NAMES, STAGES } from '../../adapter/stage.ts';
import type { Stage } from '../../adapter/stage.ts';
import { runOn, runGuarded, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags, Session } from './connection.ts';
import { EXIT } from './exit-status.ts';
import type { ExitStatus } from './exit-status.ts';
import { gateLines } from './gate-lines.ts';
import { Terminal, UsageError } from './terminal.ts';

interface StageFlags extends ConnectionFlags {
  readonly confirm?: true;
  readonly force?: true;
  readonly forceFailover?: true;
}

/** `crossfade stage <name>`: walks there step by step. */
export function addStageCommand(program: Command): void {
  const command = program
    .command('stage')
    .argument('<name>', STAGE_NAMES.join(', '))
    .description('walk to a stage, forward or back, step by step, waiting for what passes by waiting')
    .option('--confirm', "a person's explicit word, needed for stage postgres: from there is no way back")
    .option('--force', 'pass by the gates that refuse; logged')
    .option(
      '--force-failover',
      'stage read, from write, when PostgreSQL is gone for good: SQLite takes the writes with what it holds; needs --confirm',
    )
    .addHelpText(
      'after',
      ['', 'Stages:', ...STAGE_NAMES.map((name) => `  ${name.padEnd(9)} ${STAGES[name].summary}`)].join('\n'),
    );
  withConnectionFlags(command).action(async (name: string, flags: StageFlags) => {
    await runToStage(name, flags);
  });
}

async function runToStage(name: string, flags: StageFlags): Promise<void> {
  let stage: Stage;
  try {
    stage = parseStage(name);
  } catch (error) {
    await runGuarded(new Terminal({ isJson: flags.json ?? false }), () => Promise.reject(error));
    return;
  }
  await runOn({ flags, mirror: 'auto', worksWithoutPostgres: flags.forceFailover ?? false }, async (session) => {
    if (!flags.forceFailover) return await moveTo(session, stage, flags);
    if (stage !== 'read') {
      throw new UsageError(`--force-failover was given with stage ${stage}`, 'it goes to stage read only');
    }
    return await failOver(session, flags);
  });
}

async function failOver({ crossfade, terminal }: Session, flags: StageFlags): Promise<ExitStatus> {
  try {
    const { watermark } = await crossfade.cutover.failOver({ confirm: flags.confirm ?? false });
    const lines = [
      'SQLite takes the writes; PostgreSQL was given up',
      `  SQLite holds what PostgreSQL had committed up to ${watermark ?? 'the switch'}; what came after is not there`,
      '  when PostgreSQL is back, or another one in its place: crossfade backfill --reconcile',
    ];
    terminal.result(lines.join('\n'), { outcome: 'moved', stage: 'read', watermark });
    return EXIT.done;
  } catch (error) {
    if (!isCrossfadeError(error, 'GATE_REFUSED')) throw error;
    const gates = [{ name: 'failover', passes: false, found: error.message, remedy: error.hint }];
    terminal.result([`refused`, ...gateLines(gates)].join('\n'), {
      outcome: 'refused',
      stage: crossfade.cutover.stage,
      gates,
    });
    return EXIT.no;
  }
}

async function moveTo({ crossfade, terminal, signal }: Session, to: Stage, flags: StageFlags): Promise<ExitStatus> {
  const reached: Stage[] = [];
  const refusal = flags.force ? undefined : await refusalAhead(crossfade.cutover, to, flags);
  const outcome =
    refusal ??
    (await crossfade.cutover.moveTo(to, {
      confirm: flags.confirm ?? false,
      force: flags.force ?? false,
      signal,
      onStage: (stage) => {
        reached.push(stage);
        terminal.note(`stage ${stage}: ${STAGES[stage].summary}`);
      },
      onGate: (gate) => terminal.note(`waiting for ${gate.name}: ${gate.found}`),
    }));
  if (outcome.outcome === 'moved') {
    const text = reached.length === 0 ? `already at stage ${outcome.stage}` : `arrived at stage ${outcome.stage}`;
    terminal.result(text, { outcome: 'moved', stage: outcome.stage, reached });
    return EXIT.done;
  }
  terminal.result([`refused at stage ${outcome.stage}, on the way to ${to}`, ...gateLines(outcome.gates)].join('\n'), {
    outcome: 'refused',
    stage: outcome.stage,
    reached,
    gates: outcome.gates,
  });
  return EXIT.no;
}

/**
 * What only a person can mend is looked at for the whole way before the first step, so that a refused walk has changed
 * nothing. Gates that open by waiting are left to the walk.
 */
async function refusalAhead(
  cutover: Crossfade['cutover'],
  to: Stage,
  flags: StageFlags,
): Promise<(StepOutcome & { outcome: 'refused' }) | undefined> {
  const start = cutover.stage;
  let from = start;
  for (let next = nextStage(from, to); next !== undefined; next = nextStage(from, to)) {
    const gates = await cutover.gates(next, { from, confirm: flags.confirm ?? false });
    const refused = gates.filter((gate) => !gate.passes && !WAITING_GATES.includes(gate.name));
    if (refused.length > 0) return { outcome: 'refused', stage: start, gates: refused };
    from = next;
  }
  return undefined;
}
