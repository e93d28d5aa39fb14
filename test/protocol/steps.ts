import type { Action, Model } from './explore.ts';

/*
 * Capture, Mirror and backfill: from the changelog of the primary to the rows of the secondary.
 *
 * Modelled: one table of two keys, or of three, the last of which nobody writes; a backfill in pieces of one key, or of
 * two for a Mirror that is configured otherwise; transactions that set, delete, move and
 * swap rows, each of which records its keys; Mirrors that read a snapshot and send it, with up to two steps on their
 * way; a secondary that compares and sets its state row, refuses rows, and loses in a crash what it has not flushed;
 * pruning. There is no lease: any Mirror may act at any time on what it read any time ago, which is more than a lease
 * that fails could do. A Mirror may forget everything at any time: it was killed, or lost its session. A step may reach
 * the secondary before the one it was read after, and also after a crash of the secondary, on a session opened since.
 *
 * Left out: the write switch (`switch.ts`), PostgreSQL's order of commits (`watermark.ts`), the order of statements
 * within a step (`unique-values.ts`). A step is applied at once, as the state row's lock has it.
 *
 * Bounds: as many transactions as asked for, one or two Mirrors, two steps on their way for each. Crashes, lost sessions
 * and retries are not bounded.
 */

/** What the implementation keeps to. Each may be taken out, to see what it is there for. */
export const STEP_RULES = {
  /** R1: a piece is read from the snapshot that its step's changes are read from. */
  oneSnapshot: true,
  /** R2: a step holds all changes of its snapshot. */
  wholeBacklog: true,
  /** R3: a step with a piece is read when the one before it has ended, so that the cursor it skips by is the reading one. */
  piecesAlone: true,
  /** R9: the step number is compared and set. */
  stepNumber: true,
  /** R9: so is the watermark that the step was read after. */
  watermarkCompared: true,
  /** R9: so is the cursor: one watermark may stand at several, where two Mirrors copy pieces of different sizes. */
  cursorCompared: true,
  /** R9: the watermark is set to that of the step, and not to the higher one. */
  watermarkSet: true,
  /** R14: the secondary is flushed before changes are forgotten. */
  flushBeforePrune: true,
  /** R14: what is forgotten goes by the watermark that the flush itself has found, and not by what the Mirror remembers. */
  pruneWhatWasFlushed: true,
  /** A Mirror finds out that the secondary has lost steps, by the end of its session or at the next flush. */
  noticesLostSteps: true,
  /** R29: a step that touches the table tries its quarantined rows again. */
  retriesQuarantined: true,
  /** A step that knows of a quarantined row is read when the one before it has ended. */
  quarantineAlone: true,
  /** A step that knows of no quarantined row wants none to be there. */
  wantsNoneUnknown: true,
} as const satisfies Record<string, boolean>;

export type StepRules = { readonly [Rule in keyof typeof STEP_RULES]: boolean };

export interface StepBounds {
  readonly transactions: number;
  readonly mirrors: 1 | 2;
  /** How many steps of a Mirror may be on their way at once. */
  readonly flights: 1 | 2;
  /** With three, the last one is never written. */
  readonly keys: 2 | 3;
  /** Whether Mirror B copies two keys in a piece, and Mirror A one: their processes have other settings. */
  readonly piecesDiffer: boolean;
  /** Whether the backfill is still to be done. */
  readonly isFilling: boolean;
  /** Whether the secondary may crash, and the primary forgets changes. */
  readonly mayCrash: boolean;
  /** Whether both rows share a unique index: the secondary must never meet a value twice. */
  readonly isUnique: boolean;
  /** Whether transactions write rows that the secondary refuses; key 1 is refused also while key 0 is not there. */
  readonly mayRefuse: boolean;
  readonly rules?: Partial<StepRules>;
}

/** The value of each key's row, 0 where there is none. */
type Rows = readonly [number, number, ...number[]];

interface Primary {
  /** The transactions so far, which tell everything else. */
  readonly text: string;
  readonly rows: Rows;
  /** The keys that changed, in commit order. */
  readonly log: readonly number[];
  /** Each committed state, with the length of the log at that time. */
  readonly history: readonly { readonly rows: Rows; readonly position: number }[];
  /** So much of the log has been forgotten. */
  readonly pruned: number;
}

interface Secondary {
  readonly rows: Rows;
  readonly watermark: number;
  /** Keys below it have been copied. */
  readonly cursor: number;
  readonly step: number;
  /** Bit by key. */
  readonly quarantine: number;
  /** Whether it has met a unique value twice. */
  readonly hasCollided: boolean;
  /** Whether the backfill was ever done. */
  readonly wasFilled: boolean;
}

interface Step {
  readonly number: number;
  readonly after: number;
  readonly watermark: number;
  /** What it writes by key, `null` where it leaves the row alone. */
  readonly rows: readonly (number | null)[];
  /** Where the backfill stood when it was read. */
  readonly from: number;
  readonly cursor: number | null;
  readonly quarantine: number;
}

/** What a Mirror remembers. */
interface Course {
  readonly step: number;
  readonly watermark: number;
  readonly applied: number;
  readonly cursor: number;
  /** Where the next piece begins; ahead of `cursor` only where pieces do not go alone. */
  readonly nextPiece: number;
  readonly quarantine: number;
}

interface Mirror {
  readonly course: Course | null;
  readonly flights: readonly Step[];
}

export interface StepState {
  readonly primary: Primary;
  readonly secondary: Secondary;
  /** What a crash takes the secondary back to. */
  readonly durable: Secondary;
  readonly mirrors: readonly Mirror[];
}

const REFUSED = 100;
const IDLE: Mirror = { course: null, flights: [] };

export function stepModel(bounds: StepBounds): Model<StepState> {
  const rules: StepRules = { ...STEP_RULES, ...bounds.rules };
  const which = bounds.mirrors === 1 ? [0] : [0, 1];
  return {
    initial: initialState(bounds),
    actions: [
      ...writes(bounds),
      ...which.flatMap((index) => mirrorActions(index, bounds, rules)),
      ...(bounds.mayCrash ? crashes : []),
    ],
    invariants: {
      'what has been applied to the end is the same on both sides': isSameAtTheEnd,
      'a filled secondary is some committed state of the primary': isCommittedState,
      'the secondary is the state at its watermark, up to its cursor': isStateAtWatermark,
      'the secondary meets no unique value twice': ({ secondary }) => !secondary.hasCollided,
      'a backfill that is done stays done': ({ secondary }) => !secondary.wasFilled || isFilled(secondary),
      'nothing is forgotten that the secondary needs': ({ primary, secondary, durable }) =>
        Math.min(secondary.watermark, durable.watermark) >= primary.pruned,
      'only what the secondary cannot hold is in quarantine': isQuarantineJust,
    },
    goals: { 'the secondary can still catch up': hasCaughtUp },
    encode,
  };
}

function initialState({ isFilling, keys }: StepBounds): StepState {
  const rows: Rows = keys === 2 ? [9, 8] : [9, 8, 7];
  const secondary: Secondary = {
    rows: isFilling ? (keys === 2 ? [0, 0] : [0, 0, 0]) : rows,
    watermark: 0,
    cursor: isFilling ? 0 : keys,
    step: 0,
    quarantine: 0,
    hasCollided: false,
    wasFilled: false,
  };
  return {
    primary: { text: '', rows, log: [], history: [{ rows, position: 0 }], pruned: 0 },
    secondary,
    durable: secondary,
    mirrors: [IDLE, IDLE],
  };
}

// ── Transactions ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Write {
  readonly name: string;
  readonly change: (rows: Rows, value: number) => readonly [number, number] | null;
  readonly keys: readonly number[];
}

/** Each writes values that no other does, so that states can be told apart. */
const WRITES: readonly Write[] = [
  { name: 'sets row 0', change: ([, b], value) => [value, b], keys: [0] },
  { name: 'sets row 1', change: ([a], value) => [a, value], keys: [1] },
  { name: 'sets both rows', change: (_, value) => [value, value + 10], keys: [0, 1] },
  { name: 'moves row 1 to key 0', change: ([a, b]) => (a === 0 && b !== 0 ? [b, 0] : null), keys: [0, 1] },
  { name: 'moves row 0 to key 1', change: ([a, b]) => (a !== 0 && b === 0 ? [0, a] : null), keys: [0, 1] },
  { name: 'deletes row 0', change: ([a, b]) => (a === 0 ? null : [0, b]), keys: [0] },
  { name: 'deletes row 1', change: ([a, b]) => (b === 0 ? null : [a, 0]), keys: [1] },
  { name: 'swaps the rows', change: ([a, b]) => (a === b ? null : [b, a]), keys: [0, 1] },
];
const REFUSABLE_WRITES: readonly Write[] = [
  { name: 'sets row 0 to what is refused', change: ([, b], value) => [REFUSED + value, b], keys: [0] },
  { name: 'sets both rows, row 0 to what is refused', change: (_, value) => [REFUSED + value, value], keys: [0, 1] },
];

function writes({ transactions, mayRefuse }: StepBounds): readonly Action<StepState>[] {
  return [...WRITES, ...(mayRefuse ? REFUSABLE_WRITES : [])].map(({ name, change, keys }, index) => ({
    name: `a transaction ${name}`,
    next: (state) => {
      const { primary } = state;
      const value = primary.history.length;
      const written = value > transactions ? null : change(primary.rows, value);
      if (written === null) return null;
      const rows: Rows = [...written, ...primary.rows.slice(2)];
      const log = [...primary.log, ...keys];
      const history = [...primary.history, { rows, position: log.length }];
      const text = primary.text + String.fromCodePoint(97 + index);
      return { ...state, primary: { ...primary, text, rows, log, history } };
    },
  }));
}

// ── Mirrors ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function mirrorActions(index: number, bounds: StepBounds, rules: StepRules): readonly Action<StepState>[] {
  const name = bounds.mirrors === 1 ? 'the Mirror' : `Mirror ${'AB'[index]}`;
  const acting =
    (act: (state: StepState, mirror: Mirror) => StepState | null) =>
    (state: StepState): StepState | null => {
      const mirror = state.mirrors[index];
      return mirror === undefined ? null : act(state, mirror);
    };
  const having = (state: StepState, mirror: Mirror): StepState => ({
    ...state,
    mirrors: state.mirrors.map((other, at) => (at === index ? mirror : other)),
  });
  const parts = rules.oneSnapshot
    ? [{ what: 'the next step', part: 'all' as const }]
    : [
        { what: 'changes only', part: 'changes' as const },
        { what: 'a piece only', part: 'piece' as const },
      ];
  return [
    {
      name: `${name} reads where the secondary stands`,
      next: acting((state, mirror) =>
        mirror.course === null && mirror.flights.length === 0
          ? having(state, { course: plot(state.secondary), flights: [] })
          : null,
      ),
    },
    ...parts.map(({ what, part }) => ({
      name: `${name} reads ${what} and sends it`,
      next: acting((state, mirror) => {
        const read = readStep(state.primary, mirror, {
          part,
          rules,
          flights: bounds.flights,
          size: bounds.piecesDiffer ? index + 1 : 1,
        });
        return read === null ? null : having(state, read);
      }),
    })),
    ...[0, 1].map((at) => ({
      name: `the ${at === 0 ? 'first' : 'second'} step that ${name} has on its way arrives`,
      next: acting((state, mirror) => {
        const step = mirror.flights[at];
        if (step === undefined) return null;
        const flights = mirror.flights.filter((other) => other !== step);
        const secondary = apply(state.secondary, step, { rules, bounds });
        if (secondary === null) return having(state, { course: null, flights });
        const course = mirror.course === null ? null : landed(mirror.course, { step, secondary });
        const durable = bounds.mayCrash ? state.durable : secondary;
        return having({ ...state, secondary, durable }, { course, flights });
      }),
    })),
    ...(bounds.mayCrash
      ? [
          {
            name: `${name} has the primary forget changes`,
            next: acting((state, { course }) => (course === null ? null : prune(state, course, rules))),
          },
        ]
      : []),
    ...(rules.noticesLostSteps
      ? [
          {
            name: `${name} loses its session and forgets everything`,
            next: acting((state, mirror) => (mirror.course === null ? null : having(state, IDLE))),
          },
        ]
      : []),
  ];
}

function plot({ step, watermark, cursor, quarantine }: Secondary): Course {
  return { step, watermark, applied: watermark, cursor, nextPiece: cursor, quarantine };
}

function readStep(
  primary: Primary,
  { course, flights }: Mirror,
  {
    part,
    rules,
    flights: most,
    size,
  }: { part: 'all' | 'changes' | 'piece'; rules: StepRules; flights: number; size: number },
): Mirror | null {
  if (course === null || flights.length >= most || course.watermark < primary.pruned) return null;
  const keys = primary.rows.length;
  const piece =
    part !== 'changes' && course.nextPiece < keys
      ? { from: course.nextPiece, end: Math.min(course.nextPiece + size, keys) }
      : null;
  const isAlone = (piece !== null && rules.piecesAlone) || (course.quarantine !== 0 && rules.quarantineAlone);
  const isBehindOneAlone = flights.some(
    ({ cursor, quarantine }) => (cursor !== null && rules.piecesAlone) || (quarantine !== 0 && rules.quarantineAlone),
  );
  if (isBehindOneAlone || (isAlone && flights.length > 0)) return null;
  const end = rules.wholeBacklog ? primary.log.length : Math.min(primary.log.length, course.watermark + 1);
  const watermark = part === 'piece' ? course.watermark : end;
  if (piece === null && watermark === course.watermark) return null;
  const changed = primary.log.slice(course.watermark, watermark).filter((key) => key < course.cursor);
  const isTouched = changed.length > 0 || piece !== null;
  const isRead = (key: number): boolean =>
    changed.includes(key) ||
    (piece !== null && key >= piece.from && key < piece.end) ||
    (isTouched && rules.retriesQuarantined && isBitSet(course.quarantine, key));
  const step: Step = {
    number: course.step,
    after: course.watermark,
    watermark,
    rows: primary.rows.map((row, key) => (isRead(key) ? row : null)),
    from: course.cursor,
    cursor: piece === null ? null : piece.end,
    quarantine: course.quarantine,
  };
  const nextPiece = piece === null ? course.nextPiece : piece.end;
  return { course: { ...course, step: course.step + 1, watermark, nextPiece }, flights: [...flights, step] };
}

function landed(course: Course, { step, secondary }: { step: Step; secondary: Secondary }): Course {
  return {
    ...course,
    applied: step.watermark,
    cursor: step.cursor ?? course.cursor,
    quarantine: secondary.quarantine,
  };
}

function prune(state: StepState, course: Course, rules: StepRules): StepState | null {
  const { primary, secondary } = state;
  const durable = rules.flushBeforePrune ? secondary : state.durable;
  const pruned = rules.pruneWhatWasFlushed ? durable.watermark : course.applied;
  if (pruned <= primary.pruned && durable === state.durable) return null;
  return { ...state, durable, primary: { ...primary, pruned: Math.max(primary.pruned, pruned) } };
}

// ── The secondary ───────────────────────────────────────────────────────────────────────────────────────────────────

function apply(
  before: Secondary,
  step: Step,
  { rules, bounds }: { rules: StepRules; bounds: StepBounds },
): Secondary | null {
  if (rules.stepNumber && step.number !== before.step) return null;
  if (rules.watermarkCompared && step.after !== before.watermark) return null;
  if (rules.cursorCompared && step.from !== before.cursor) return null;
  if (rules.wantsNoneUnknown && step.quarantine === 0 && before.quarantine !== 0) return null;
  const [a, b, ...others] = before.rows;
  const rows: [number, number, ...number[]] = [
    step.rows[0] ?? a,
    step.rows[1] ?? b,
    ...others.map((row, index) => step.rows[index + 2] ?? row),
  ];
  let { quarantine } = before;
  const isRefused = (key: number): boolean =>
    step.rows[key] !== null && (rows[key] ?? 0) !== 0 && ((rows[key] ?? 0) > REFUSED || (key === 1 && rows[0] === 0));
  if (bounds.mayRefuse) {
    // Only the careful way, taken when there is something in quarantine or something is refused, looks after the quarantine.
    const isCareful = step.quarantine !== 0 || (rows[0] > REFUSED && step.rows[0] !== null) || isRefused(1);
    for (const key of [0, 1]) {
      if (step.rows[key] === null || !isCareful) continue;
      quarantine &= ~(1 << key);
      if (!isRefused(key)) continue;
      rows[key] = 0;
      quarantine |= 1 << key;
    }
  }
  const cursor = step.cursor ?? before.cursor;
  return {
    rows,
    watermark: rules.watermarkSet ? step.watermark : Math.max(before.watermark, step.watermark),
    cursor,
    step: before.step + 1,
    quarantine,
    hasCollided: before.hasCollided || (bounds.isUnique && rows[0] !== 0 && rows[0] === rows[1]),
    wasFilled: before.wasFilled || cursor === rows.length,
  };
}

const crashes: readonly Action<StepState>[] = [
  {
    name: 'the secondary flushes what it has committed',
    next: (state) => (state.durable === state.secondary ? null : { ...state, durable: state.secondary }),
  },
  {
    name: 'the secondary crashes and comes back',
    next: (state) => (state.durable === state.secondary ? null : { ...state, secondary: state.durable }),
  },
];

// ── What must be true ───────────────────────────────────────────────────────────────────────────────────────────────

function isFilled({ rows, cursor }: Secondary): boolean {
  return cursor === rows.length;
}

function isEqual({ rows, quarantine }: Secondary, other: Rows): boolean {
  return rows.every((row, key) => row === other[key] || isBitSet(quarantine, key));
}

function isSameAtTheEnd({ primary, secondary }: StepState): boolean {
  const isAtEnd = isFilled(secondary) && secondary.watermark === primary.log.length;
  return !isAtEnd || isEqual(secondary, primary.rows);
}

function isCommittedState({ primary, secondary }: StepState): boolean {
  return !isFilled(secondary) || primary.history.some(({ rows }) => isEqual(secondary, rows));
}

function rowsAtWatermark({ primary, secondary }: StepState): Rows | undefined {
  return primary.history.find(({ position }) => position === secondary.watermark)?.rows;
}

function isStateAtWatermark(state: StepState): boolean {
  const { secondary } = state;
  const rows = rowsAtWatermark(state);
  return (
    rows !== undefined &&
    secondary.rows.every(
      (row, key) => isBitSet(secondary.quarantine, key) || row === (key < secondary.cursor ? rows[key] : 0),
    )
  );
}

function isQuarantineJust(state: StepState): boolean {
  const { quarantine } = state.secondary;
  if (quarantine === 0) return true;
  const [a, b] = rowsAtWatermark(state) ?? [0, 0];
  if (isBitSet(quarantine, 0) && a < REFUSED) return false;
  return !isBitSet(quarantine, 1) || b > REFUSED || (b !== 0 && (a === 0 || a > REFUSED));
}

function hasCaughtUp({ primary, secondary }: StepState): boolean {
  return isFilled(secondary) && secondary.watermark === primary.log.length && isEqual(secondary, primary.rows);
}

// ── Text ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function encode({ primary, secondary, durable, mirrors }: StepState): string {
  const lost = durable === secondary ? '' : secondaryText(durable);
  // Which Mirror is which makes no difference.
  const texts = mirrors.map(mirrorText).sort();
  return `${primary.text}${primary.pruned}|${secondaryText(secondary)}|${lost}|${texts.join('|')}`;
}

function secondaryText(of: Secondary): string {
  const flags = (of.hasCollided ? 1 : 0) + (of.wasFilled ? 2 : 0);
  return `${of.rows.join()},${of.watermark},${of.cursor},${of.step},${of.quarantine},${flags}`;
}

function mirrorText({ course, flights }: Mirror): string {
  const steps = flights.map(
    (step) =>
      `${step.number},${step.after},${step.watermark},${step.rows.join()},${step.from},${step.cursor ?? ''},${step.quarantine}`,
  );
  if (course === null) return steps.join(';');
  const { step, watermark, applied, cursor, nextPiece, quarantine } = course;
  return `${step},${watermark},${applied},${cursor},${nextPiece},${quarantine}:${steps.join(';')}`;
}

function isBitSet(bits: number, bit: number): boolean {
  return ((bits >> bit) & 1) === 1;
}
