import type { Command } from 'commander';
import { WAITING_GATES } from '../../adapter/gates.ts';
import type { Crossfade, StepOutcome } from '../../adapter/index.ts';
import { nextStage, parseStage, STAGE_NAMES, STAGES } from '../../adapter/stage.ts';
import type { Stage } from '../../adapter/stage.ts';
import { runOn, runGuarded, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags, Session } from './connection.ts';
import { EXIT } from './exit-status.ts';
import type { ExitStatus } from './exit-status.ts';
import { gateLines } from './gate-lines.ts';
import { Terminal } from './terminal.ts';

interface StageFlags extends ConnectionFlags {
  readonly confirm?: true;
  readonly force?: true;
}

/** `crossfade stage <name>`: walks there step by step. */
export function addStageCommand(program: Command): void {
  const command = program
    .command('stage')
    .argument('<name>', STAGE_NAMES.join(', '))
    .description('walk to a stage, forward or back, step by step, waiting for what passes by waiting')
    .option('--confirm', "a person's explicit word, needed for stage postgres: from there is no way back")
    .option('--force', 'pass by the gates that refuse; logged')
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
  await runOn({ flags, mirror: 'auto' }, async (session) => await moveTo(session, stage, flags));
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
