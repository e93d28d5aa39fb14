/**
 * What `npm run torture` runs: rounds of everything that can go wrong, each from a seed that is printed first, until the
 * time is over. `--seed <n>` begins with that very round; without `--minutes` it is the only one. `--only <scenario>`.
 */
import { parseArgs } from 'node:util';
import { stoppableServer } from '../helpers/postgres.ts';
import type { StoppableServer } from '../helpers/postgres.ts';
import { Random } from '../helpers/random.ts';
import { catchUp } from '../helpers/backlog.ts';
import { makePair } from '../helpers/pair.ts';
import { Scope } from './scope.ts';
import { EVENTS, Storm } from './storm.ts';
import type { StormEvent } from './storm.ts';
import { freshDatabase } from '../helpers/postgres.ts';
import { sleepInStep } from './sleep-in-step.ts';
import { clockJumps } from './clock-jumps.ts';

const MINUTES = 10;
const BACKLOG = 1_000_000;
const MEMORY_LIMIT_MB = 250;

/** What a scenario found wrong, and what it has to tell. */
interface Outcome {
  readonly wrong: readonly string[];
  readonly told: string;
}

type Scenario = (
  scope: Scope,
  surroundings: { readonly random: Random; readonly server: StoppableServer },
) => Promise<Outcome>;

/** Picked anew for each round. */
const ROUNDS: Readonly<Record<string, Scenario>> = {
  kills: storm(['kill the API', 'kill the API', 'write by a script']),
  server: storm(['kill PostgreSQL', 'restart PostgreSQL', 'kill the API', 'write by a script']),
  network: storm(['break the network', 'break the network', 'write by a script', 'move to another stage']),
  switches: storm(['move to another stage', 'move to another stage', 'kill the API', 'stop the API for a while']),
  everything: storm(Object.keys(EVENTS) as StormEvent[]),
};

/** Once each, before the rounds: they take long, and leave nothing to chance. */
const ONCE: Readonly<Record<string, Scenario>> = {
  'backlog-dual': backlog('dual'),
  'backlog-write': backlog('write'),
  'sleep-in-step': sleepInStep,
  'clock-jumps': clockJumps,
};

const KNOWN = [...Object.keys(ONCE), ...Object.keys(ROUNDS)];
const HELP = `Plays everything that can go wrong, on real databases and processes, from seeds that are printed.

  npm run torture -- [options]

  --minutes <n>   for how long to play rounds (default ${MINUTES})
  --seed <n>      begins with this very round; without --minutes it is the only one
  --only <name>   ${KNOWN.join(', ')}

Exit status: 0 nothing went wrong, 1 something did, 2 a mistake in the call.`;

process.exitCode = await main();

async function main(): Promise<0 | 1 | 2> {
  const values = flags();
  if (values === null) return 2;
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { only } = values;
  const minutes = Number(values.minutes ?? (values.seed === undefined ? MINUTES : 0));
  const deadline = performance.now() + minutes * 60_000;
  const all = new Scope();
  const failures: string[] = [];
  const done = new Map<string, number>();
  try {
    const server = await stoppableServer(all);
    const play = async (name: string, scenario: Scenario, seed: number): Promise<void> => {
      done.set(name, (done.get(name) ?? 0) + 1);
      const replay = `npm run torture -- --only ${name} --seed ${seed}`;
      process.stdout.write(`${name} --seed ${seed} … `);
      const startedAt = performance.now();
      const { wrong, told, notes } = await playSafely(scenario, { random: new Random(seed), server });
      console.log(
        `${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${wrong.length === 0 ? 'well' : 'WRONG'}: ${told}`,
      );
      if (wrong.length === 0) return;
      failures.push(replay);
      for (const line of [...notes, ...wrong.slice(0, 20)]) console.log(`    ${line}`);
    };
    let seed = values.seed === undefined ? Random.seedOfRun() : Number(values.seed);
    if (values.seed === undefined || only !== undefined) {
      for (const [name, scenario] of Object.entries(ONCE)) {
        if (only === undefined || only === name) await play(name, scenario, seed);
      }
    }
    const rounds = Object.entries(ROUNDS).filter(([name]) => only === undefined || only === name);
    for (let isFirst = true; rounds.length > 0 && (isFirst || performance.now() < deadline); isFirst = false) {
      const [name, scenario] = new Random(seed + 1).pick(rounds);
      await play(name, scenario, seed);
      seed = new Random(seed).between(0, 2 ** 31 - 1);
    }
  } finally {
    await all.close();
  }
  console.log([...done].map(([name, count]) => `${count} × ${name}`).join(', '));
  for (const replay of failures) console.log(`failed: ${replay}`);
  console.log(failures.length === 0 ? 'nothing went wrong' : `${failures.length} went wrong`);
  return failures.length === 0 ? 0 : 1;
}

/** `null` for a mistake, which has been told then. */
function flags(): { help?: boolean; seed?: string; minutes?: string; only?: string } | null {
  const isNumber = (text: string | undefined): boolean => text === undefined || /^\d+(\.\d+)?$/.test(text);
  try {
    const { values } = parseArgs({
      options: {
        help: { type: 'boolean' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        only: { type: 'string' },
      },
    });
    if (values.only !== undefined && !KNOWN.includes(values.only)) {
      throw new Error(`there is no scenario "${values.only}"; there are: ${KNOWN.join(', ')}`);
    }
    if (!isNumber(values.seed) || !isNumber(values.minutes)) throw new Error('--seed and --minutes take a number');
    return values;
  } catch (error) {
    console.error(
      `error: ${error instanceof Error ? error.message : String(error)}\nhint: see npm run torture -- --help`,
    );
    return null;
  }
}

async function playSafely(
  scenario: Scenario,
  surroundings: { readonly random: Random; readonly server: StoppableServer },
): Promise<Outcome & { readonly notes: readonly string[] }> {
  const scope = new Scope();
  let outcome: Outcome;
  try {
    outcome = await scenario(scope, surroundings);
  } catch (error) {
    outcome = {
      wrong: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
      told: 'it broke off',
    };
  }
  try {
    await scope.close();
  } catch (error) {
    outcome = { ...outcome, wrong: [...outcome.wrong, `cleaning up: ${String(error)}`] };
  }
  return { ...outcome, notes: scope.notes };
}

function storm(events: readonly StormEvent[]): Scenario {
  return async (scope, { random, server }) => {
    const { wrong, events: seen, acknowledged, probes } = await Storm.run(scope, { random, server, events });
    return { wrong, told: `${acknowledged} acknowledged, ${JSON.stringify(seen)}, writes taken ${probes}` };
  };
}

function backlog(stage: 'dual' | 'write'): Scenario {
  return async (scope) => {
    const pair = await makePair(scope, { url: await freshDatabase(scope) });
    const { seconds, steps, before, most } = await catchUp(scope, pair, { stage, changes: BACKLOG });
    const wrong: string[] = [];
    if (steps !== 1) wrong.push(`it took ${steps} steps`);
    if (most - before > MEMORY_LIMIT_MB) wrong.push(`it took ${Math.round(most - before)} MB`);
    const there = [
      Number(pair.sqlite.prepare('SELECT count(*) FROM settings').pluck().get()),
      Number((await pair.postgres.query<{ count: string }>('SELECT count(*) FROM settings')).rows[0]?.count),
    ];
    if (there.some((count) => count !== BACKLOG)) wrong.push(`there are ${there.join(' and ')} rows`);
    const rate = Math.round(BACKLOG / seconds);
    return { wrong, told: `${rate} changes per second, from ${Math.round(before)} to ${Math.round(most)} MB` };
  };
}
