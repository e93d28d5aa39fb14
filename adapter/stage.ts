import type { StoreName } from './spec.ts';
import { CrossfadeError } from './errors.ts';

/**
 * The stages of a cutover as a table of permissions. Routing, gates, the command line's help, the status page
 * and the README all derive from it.
 */
export interface StageRow {
  /** The store that takes the writes: the primary. */
  readonly writes: StoreName;
  /** The store that answers reads when nothing overrides it. */
  readonly reads: StoreName;
  /** The store that the Mirror keeps up to date, or `null` where nothing is captured. */
  readonly mirrorsTo: StoreName | null;
  /** Whether a share of the reads is tried on the store that does not answer them. */
  readonly shadowReads: boolean;
  /** What a write waits for before it resolves. */
  readonly wait: 'primary' | 'mirrored';
  /** One sentence for people. */
  readonly summary: string;
}

export const STAGES = {
  sqlite: {
    writes: 'sqlite',
    reads: 'sqlite',
    mirrorsTo: null,
    shadowReads: false,
    wait: 'primary',
    summary: 'SQLite alone, as before Crossfade',
  },
  dual: {
    writes: 'sqlite',
    reads: 'sqlite',
    mirrorsTo: 'postgres',
    shadowReads: false,
    wait: 'primary',
    summary: 'every write to SQLite reaches PostgreSQL too',
  },
  shadow: {
    writes: 'sqlite',
    reads: 'sqlite',
    mirrorsTo: 'postgres',
    shadowReads: true,
    wait: 'primary',
    summary: 'as dual, with every row in PostgreSQL: compare here before reads move',
  },
  read: {
    writes: 'sqlite',
    reads: 'postgres',
    mirrorsTo: 'postgres',
    shadowReads: true,
    wait: 'mirrored',
    summary: 'PostgreSQL answers reads, SQLite takes the writes',
  },
  write: {
    writes: 'postgres',
    reads: 'postgres',
    mirrorsTo: 'sqlite',
    shadowReads: false,
    wait: 'primary',
    summary: 'PostgreSQL takes the writes, SQLite follows as the way back',
  },
  postgres: {
    writes: 'postgres',
    reads: 'postgres',
    mirrorsTo: null,
    shadowReads: false,
    wait: 'primary',
    summary: 'PostgreSQL alone; SQLite stands still, there is no way back',
  },
} as const satisfies Record<string, StageRow>;

export type Stage = keyof typeof STAGES;

/** The stages in the order in which a cutover walks them. */
export const STAGE_NAMES = Object.keys(STAGES) as readonly Stage[];

/** The permissions of a stage. */
export function stageRow(stage: Stage): StageRow {
  return STAGES[stage];
}

/**
 * Reads a stage's name as a person or a flag gives it.
 *
 * @throws CrossfadeError `STAGE_UNKNOWN`, listing the stages there are.
 */
export function parseStage(value: string): Stage {
  const stage = STAGE_NAMES.find((name) => name === value.trim().toLowerCase());
  if (stage === undefined) {
    throw new CrossfadeError('STAGE_UNKNOWN', `there is no stage "${value}"`, {
      hint: `use one of: ${STAGE_NAMES.join(', ')}`,
    });
  }
  return stage;
}

/** The next stage on the way from one to another, or `undefined` when already there. */
export function nextStage(from: Stage, to: Stage): Stage | undefined {
  const here = STAGE_NAMES.indexOf(from);
  const there = STAGE_NAMES.indexOf(to);
  return here === there ? undefined : STAGE_NAMES[here + Math.sign(there - here)];
}

/** Whether going from one stage to its neighbour moves the writes to the other store. */
export function isWriteSwitch(from: Stage, to: Stage): boolean {
  return stageRow(from).writes !== stageRow(to).writes;
}
