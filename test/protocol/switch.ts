import type { Action, Model } from './explore.ts';

/*
 * The write switch, forth and back.
 *
 * Modelled: both stores with their state rows; one row, which each write sets to its own number, so that a lost write
 * shows; coordinators that fence, drain, flush, release, unfence and record, and may die between any two; anybody who
 * cancels a switch that is only fenced (its time may be over at any moment) or finishes one that is released; Mirrors
 * that remember where the secondary stood, read steps that overlap, and send them at any later time; repairs, which name a
 * row in the changelog without changing it; a write, or a repaired row, that the secondary refuses; either store crashing, which loses the steps that it has not flushed; one that waits for
 * the Mirror; an older copy of SQLite put back.
 *
 * Left out: the backfill (`steps.ts`); what the fence itself is made of, so writers in flight are over when it is up;
 * sequences. What a coordinator reads of one store at once is one action. A Mirror knows of a crash at once, which is more
 * than it does: until its next flush it may tell one that waits of a step that was lost.
 *
 * Bounds: as many writes and fences as asked for, two coordinators and one or two Mirrors at most.
 */

/** What the implementation keeps to. Each may be taken out, to see what it is there for. */
export const SWITCH_RULES = {
  /** R17: a switch is given up by a compare-and-set in the old primary, which a release excludes. */
  oldPrimaryDecides: true,
  /** R18: release and cancel compare the number of the attempt. */
  attemptCompared: true,
  /** R9: a step compares the epoch and the role. */
  epochCompared: true,
  /** R9: a step compares the watermark that it was read after. */
  watermarkCompared: true,
  /** R9: a step compares and sets the step number. */
  stepNumber: true,
  /** R19: the quarantine is looked at after the fence and before the release. */
  quarantineBeforeRelease: true,
  /** R19: and asserted when the new primary is unfenced. */
  quarantineAtUnfence: true,
  /** R19: the watermark is compared with the fence's final position when the new primary is unfenced. */
  watermarkAtUnfence: true,
  /** R20: a fence and a release are on disk before the next step of the switch. */
  switchDurable: true,
  /** The new primary's last steps are flushed before the release. */
  flushBeforeRelease: true,
  /** What the flush has made durable is what the release goes by, not what was seen before it. */
  releaseWhatWasFlushed: true,
  /** A store that has released the writes, or is of another epoch, gives no steps, not even an empty one. */
  releasedGivesNothing: true,
  /** Anybody may cancel a switch that is only fenced when its time is over. */
  anybodyCancels: true,
  /** Anybody may finish a switch that is released. */
  anybodyFinishes: true,
  /** A repair is an entry in the primary's changelog, which a fenced store refuses like any write: the drain waits for it. */
  repairsMeetFence: true,
  /** R24: of two stores that claim to be primary, the one with the lower epoch is fenced. */
  lowerEpochIsFenced: true,
} as const satisfies Record<string, boolean>;

export type SwitchRules = { readonly [Rule in keyof typeof SWITCH_RULES]: boolean };

export interface SwitchBounds {
  readonly writes: number;
  /** How often a store may be fenced, cancelled attempts included. */
  readonly fences: number;
  readonly coordinators: 1 | 2;
  readonly mirrors: 1 | 2;
  /** How many steps of a Mirror may be on their way at once. */
  readonly flights: 1 | 2;
  /** The number of the write that the other store refuses, 0 for none. */
  readonly refused: number;
  /** How many repairs are asked for. */
  readonly repairs: number;
  /** Whether the other store refuses what is repaired. */
  readonly isRepairRefused: boolean;
  /** Whether a secondary may crash. */
  readonly mayCrash: boolean;
  /** Whether an older copy of the SQLite file may be put back, once it is no longer primary. */
  readonly mayBePutBack: boolean;
  readonly rules?: Partial<SwitchRules>;
}

type Intent = 'none' | 'fenced' | 'released';

interface Store {
  readonly role: 'primary' | 'secondary';
  readonly isFenced: boolean;
  readonly isFencedForGood: boolean;
  readonly epoch: number;
  readonly intent: Intent;
  readonly attempt: number;
  readonly final: number;
  /** How many changes it has captured. */
  readonly changes: number;
  /** Which of them was the last repair, 0 for none. */
  readonly repaired: number;
  /** The number of the write that its row shows. */
  readonly row: number;
  readonly watermark: number;
  readonly step: number;
  readonly hasQuarantine: boolean;
  readonly handover: number;
}

interface Step {
  readonly to: number;
  readonly epoch: number;
  readonly number: number;
  readonly after: number;
  readonly watermark: number;
  readonly row: number;
  readonly isRepair: boolean;
  readonly knowsQuarantine: boolean;
}

interface Course {
  readonly to: number;
  readonly epoch: number;
  readonly step: number;
  readonly watermark: number;
  readonly knowsQuarantine: boolean;
}

interface Mirror {
  readonly course: Course | null;
  readonly flights: readonly Step[];
}

/** How far a coordinator has come, as far as it knows. */
type Progress = 'idle' | 'fenced' | 'drained' | 'flushed' | 'released' | 'unfenced' | 'undoing' | 'cancelling';

interface Coordinator {
  readonly progress: Progress;
  readonly from: number;
  readonly epoch: number;
  readonly attempt: number;
  readonly final: number;
}

export interface SwitchState {
  readonly stores: readonly [Store, Store];
  /** What a crash takes each store back to. */
  readonly durable: readonly [Store, Store];
  readonly coordinators: readonly Coordinator[];
  readonly mirrors: readonly Mirror[];
  /** The last write that was acknowledged. */
  readonly acknowledged: number;
  readonly fences: number;
  readonly repairs: number;
  readonly wasPutBack: boolean;
  /** Whether anybody was told that the other store has a write that it has not. */
  readonly wasServedEarly: boolean;
}

const NAMES = ['SQLite', 'PostgreSQL'] as const;
const NOBODY: Coordinator = { progress: 'idle', from: 0, epoch: 0, attempt: 0, final: 0 };
const IDLE: Mirror = { course: null, flights: [] };

export function switchModel(bounds: SwitchBounds): Model<SwitchState> {
  const rules: SwitchRules = { ...SWITCH_RULES, ...bounds.rules };
  const coordinators = bounds.coordinators === 1 ? [0] : [0, 1];
  const mirrors = bounds.mirrors === 1 ? [0] : [0, 1];
  return {
    initial: initialState(bounds),
    actions: [
      ...storeActions(bounds, rules),
      ...mirrors.flatMap((index) => mirrorActions(index, bounds, rules)),
      ...coordinators.flatMap((index) => coordinatorActions(index, bounds, rules)),
      ...(rules.lowerEpochIsFenced && bounds.mayBePutBack ? [fencesImpostor] : []),
    ],
    invariants: {
      'there are never two primaries': (state) => writable(state).length < 2,
      'the primary holds the last acknowledged write': (state) =>
        writable(state).every(({ row }) => row === state.acknowledged),
      'nobody is told of a write in the other store that is not there': (state) => !state.wasServedEarly,
    },
    goals: { 'one primary can take the writes': (state) => writable(state).length === 1 },
    encode,
  };
}

function initialState({ coordinators, mirrors }: SwitchBounds): SwitchState {
  const primary: Store = {
    role: 'primary',
    isFenced: false,
    isFencedForGood: false,
    epoch: 1,
    intent: 'none',
    attempt: 0,
    final: 0,
    changes: 0,
    repaired: 0,
    row: 0,
    watermark: 0,
    step: 0,
    hasQuarantine: false,
    handover: 0,
  };
  const stores = [primary, { ...primary, role: 'secondary', isFenced: true }] as const;
  return {
    stores,
    durable: stores,
    coordinators: Array.from({ length: coordinators }, () => NOBODY),
    mirrors: Array.from({ length: mirrors }, () => IDLE),
    acknowledged: 0,
    fences: 0,
    repairs: 0,
    wasPutBack: false,
    wasServedEarly: false,
  };
}

function writable({ stores }: SwitchState): readonly Store[] {
  return stores.filter(({ isFenced }) => !isFenced);
}

function storeAt({ stores }: SwitchState, index: number): Store {
  return index === 0 ? stores[0] : stores[1];
}

function replaced<T>([a, b]: readonly [T, T], index: number, by: T): readonly [T, T] {
  return index === 0 ? [by, b] : [a, by];
}

/** A transaction in one store. A durable one takes everything before it to the disk too. */
function changed(
  state: SwitchState,
  index: number,
  { isDurable = true, ...change }: Partial<Store> & { isDurable?: boolean },
): SwitchState {
  const store = { ...storeAt(state, index), ...change };
  return {
    ...state,
    stores: replaced(state.stores, index, store),
    durable: isDurable ? replaced(state.durable, index, store) : state.durable,
  };
}

// ── Stores ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function storeActions(bounds: SwitchBounds, rules: SwitchRules): readonly Action<SwitchState>[] {
  return [0, 1].flatMap((index): readonly Action<SwitchState>[] => [
    {
      name: `${NAMES[index]} acknowledges a write`,
      next: (state) => {
        const store = storeAt(state, index);
        if (store.isFenced || state.acknowledged >= bounds.writes) return null;
        const row = state.acknowledged + 1;
        return { ...changed(state, index, { row, changes: store.changes + 1 }), acknowledged: row };
      },
    },
    ...(bounds.repairs === 0
      ? []
      : [
          {
            name: `${NAMES[index]} is asked to have its row repaired`,
            next: (state: SwitchState) => {
              const { role, intent, changes } = storeAt(state, index);
              const isTaken = role === 'primary' && (intent === 'none' || !rules.repairsMeetFence);
              if (!isTaken || state.repairs >= bounds.repairs) return null;
              const asked = changed(state, index, { changes: changes + 1, repaired: changes + 1 });
              return { ...asked, repairs: state.repairs + 1 };
            },
          },
        ]),
    ...(bounds.mayCrash ? crashesOf(index) : []),
    ...(bounds.mayBePutBack && index === 0
      ? [
          {
            name: 'an older copy of SQLite, from before the switch, is put back',
            next: (state: SwitchState) =>
              state.wasPutBack || state.stores[0].role === 'primary'
                ? null
                : { ...changed(state, 0, initialState(bounds).stores[0]), wasPutBack: true },
          },
        ]
      : []),
  ]);
}

function crashesOf(index: number): readonly Action<SwitchState>[] {
  const isFlushed = ({ stores, durable }: SwitchState): boolean => stores[index] === durable[index];
  return [
    {
      name: `${NAMES[index]} crashes and comes back`,
      next: (state) => {
        if (isFlushed(state)) return null;
        const before = index === 0 ? state.durable[0] : state.durable[1];
        // Sessions end with it. What was read may still be sent on a new one.
        const mirrors = state.mirrors.map(({ flights }) => ({ course: null, flights }));
        return { ...state, stores: replaced(state.stores, index, before), mirrors };
      },
    },
    { name: `${NAMES[index]} flushes`, next: (state) => (isFlushed(state) ? null : changed(state, index, {})) },
  ];
}

// ── Mirrors ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function mirrorActions(index: number, bounds: SwitchBounds, rules: SwitchRules): readonly Action<SwitchState>[] {
  const name = bounds.mirrors === 1 ? 'the Mirror' : `Mirror ${'AB'[index]}`;
  const acting =
    (act: (state: SwitchState, mirror: Mirror) => SwitchState | null) =>
    (state: SwitchState): SwitchState | null => {
      const mirror = state.mirrors[index];
      return mirror === undefined ? null : act(state, mirror);
    };
  const having = (state: SwitchState, mirror: Mirror): SwitchState => ({
    ...state,
    mirrors: state.mirrors.map((other, at) => (at === index ? mirror : other)),
  });
  const reading = acting((state, mirror) => {
    const { course, flights } = mirror;
    if (course === null || !givesSteps(storeAt(state, 1 - course.to), course, rules)) return null;
    const primary = storeAt(state, 1 - course.to);
    const isBlocked = flights.some((step) => step.knowsQuarantine) || (course.knowsQuarantine && flights.length > 0);
    if (flights.length >= bounds.flights || isBlocked || primary.changes === course.watermark) return null;
    const step: Step = {
      to: course.to,
      epoch: course.epoch,
      number: course.step,
      after: course.watermark,
      watermark: primary.changes,
      row: primary.row,
      isRepair: primary.repaired > course.watermark,
      knowsQuarantine: course.knowsQuarantine,
    };
    const ahead = { ...course, step: course.step + 1, watermark: primary.changes };
    return having(state, { course: ahead, flights: [...flights, step] });
  });
  return [
    ...[0, 1].map((to) => ({
      name: `${name} reads where ${NAMES[to]} stands`,
      next: acting((state, { course, flights }) => {
        const [primary, secondary] = [storeAt(state, 1 - to), storeAt(state, to)];
        const isAgreed =
          primary.role === 'primary' && secondary.role === 'secondary' && primary.epoch === secondary.epoch;
        if (course !== null || flights.length > 0 || !isAgreed) return null;
        const { epoch, step, watermark, hasQuarantine } = secondary;
        return having(state, {
          course: { to, epoch, step, watermark, knowsQuarantine: hasQuarantine },
          flights: [],
        });
      }),
    })),
    { name: `${name} reads the next step and sends it`, next: reading },
    {
      name: `${name} finds nothing new and tells those who wait`,
      next: acting((state, { course, flights }) => {
        if (course === null || flights.length > 0) return null;
        const primary = storeAt(state, 1 - course.to);
        if (!givesSteps(primary, course, rules) || primary.changes !== course.watermark) return null;
        const isThere = state.stores.every(({ row, hasQuarantine }) => row === state.acknowledged || hasQuarantine);
        return isThere || state.wasServedEarly ? null : { ...state, wasServedEarly: true };
      }),
    },
    ...[0, 1].map((at) => ({
      name: `the ${at === 0 ? 'first' : 'second'} step that ${name} has on its way arrives`,
      next: acting((state, mirror) => {
        const step = mirror.flights[at];
        if (step === undefined) return null;
        const flights = mirror.flights.filter((other) => other !== step);
        const after = apply(storeAt(state, step.to), step, { rules, bounds });
        if (after === null) return having(state, { course: null, flights });
        const { course } = mirror;
        const next = changed(state, step.to, { ...after, isDurable: !bounds.mayCrash });
        return having(next, {
          course: course === null ? null : { ...course, knowsQuarantine: after.hasQuarantine },
          flights,
        });
      }),
    })),
    {
      name: `${name} forgets everything`,
      next: acting((state, { course }) => (course === null ? null : having(state, IDLE))),
    },
  ];
}

function givesSteps(primary: Store, course: Course, rules: SwitchRules): boolean {
  if (!rules.releasedGivesNothing) return true;
  return primary.role === 'primary' && primary.epoch === course.epoch && primary.intent !== 'released';
}

function apply(
  store: Store,
  step: Step,
  { rules, bounds }: { rules: SwitchRules; bounds: SwitchBounds },
): Pick<Store, 'watermark' | 'step' | 'row' | 'hasQuarantine'> | null {
  if (rules.epochCompared && (store.role !== 'secondary' || store.epoch !== step.epoch)) return null;
  if (rules.stepNumber && store.step !== step.number) return null;
  if (rules.watermarkCompared && store.watermark !== step.after) return null;
  if (store.hasQuarantine && !step.knowsQuarantine) return null;
  const isRefused = (step.row === bounds.refused && bounds.refused > 0) || (bounds.isRepairRefused && step.isRepair);
  return {
    watermark: step.watermark,
    step: store.step + 1,
    row: isRefused ? 0 : step.row,
    hasQuarantine: isRefused,
  };
}

// ── Coordinators ────────────────────────────────────────────────────────────────────────────────────────────────────

function coordinatorActions(index: number, bounds: SwitchBounds, rules: SwitchRules): readonly Action<SwitchState>[] {
  const name = bounds.coordinators === 1 ? 'the coordinator' : `coordinator ${index + 1}`;
  const having = (state: SwitchState, coordinator: Partial<Coordinator>): SwitchState => ({
    ...state,
    coordinators: state.coordinators.map((other, at) => (at === index ? { ...other, ...coordinator } : other)),
  });
  const from = (
    progress: readonly Progress[],
    act: (state: SwitchState, my: Coordinator) => SwitchState | null,
  ): ((state: SwitchState) => SwitchState | null) => {
    return (state) => {
      const my = state.coordinators[index];
      return my === undefined || !progress.includes(my.progress) ? null : act(state, my);
    };
  };
  const lost = (state: SwitchState): SwitchState => having(state, NOBODY);
  const isMine = (store: Store, my: Coordinator): boolean =>
    store.intent === 'fenced' && store.epoch === my.epoch && (!rules.attemptCompared || store.attempt === my.attempt);
  const unfenced = { intent: 'none', isFenced: false, final: 0 } as const;
  const isReached = (store: Store, my: Coordinator): boolean =>
    store.watermark >= my.final && !(store.hasQuarantine && rules.quarantineBeforeRelease);

  return [
    ...[0, 1].flatMap((at): readonly Action<SwitchState>[] => [
      {
        name: `${name} fences ${NAMES[at]}`,
        next: from(['idle'], (state) => {
          const [old, next] = [storeAt(state, at), storeAt(state, 1 - at)];
          if (old.role !== 'primary' || old.intent !== 'none' || old.isFenced || state.fences >= bounds.fences)
            return null;
          if (next.role !== 'secondary' || next.epoch !== old.epoch) return null;
          const [attempt, final] = [old.attempt + 1, old.changes];
          const isDurable = rules.switchDurable;
          const fenced = changed(state, at, { intent: 'fenced', isFenced: true, attempt, final, isDurable });
          const my = { progress: 'fenced', from: at, epoch: old.epoch, attempt, final } as const;
          return { ...having(fenced, my), fences: state.fences + 1 };
        }),
      },
      {
        name: `${name} finds ${NAMES[at]} fenced, and its time over`,
        next: from(['idle'], (state) => {
          const { intent, isFencedForGood, epoch, attempt, final } = storeAt(state, at);
          if (intent !== 'fenced' || isFencedForGood || !rules.anybodyCancels) return null;
          return having(state, { progress: 'cancelling', from: at, epoch, attempt, final });
        }),
      },
      {
        name: `${name} finds ${NAMES[at]} released`,
        next: from(['idle'], (state) => {
          const { intent, epoch, attempt, final } = storeAt(state, at);
          if (intent !== 'released' || !rules.anybodyFinishes) return null;
          return having(state, { progress: 'released', from: at, epoch, attempt, final });
        }),
      },
    ]),
    {
      name: `${name} sees that the last write has arrived`,
      next: from(['fenced'], (state, my) =>
        isReached(storeAt(state, 1 - my.from), my) ? having(state, { progress: 'drained' }) : null,
      ),
    },
    {
      name: `${name} has the last steps flushed`,
      next: from(['drained'], (state, my) => {
        const flushed = rules.flushBeforeRelease ? changed(state, 1 - my.from, {}) : state;
        const next = storeAt(flushed, 1 - my.from);
        const isGood = !rules.releaseWhatWasFlushed || isReached(next, my);
        if (!isGood) return having(flushed, { progress: 'fenced' });
        return having(flushed, { progress: 'flushed' });
      }),
    },
    {
      name: `${name} cancels`,
      next: from(['fenced', 'drained', 'flushed', 'cancelling'], (state, my) => {
        if (!rules.oldPrimaryDecides) {
          const { role, epoch } = storeAt(state, 1 - my.from);
          return role === 'secondary' && epoch === my.epoch ? having(state, { progress: 'undoing' }) : lost(state);
        }
        return lost(isMine(storeAt(state, my.from), my) ? changed(state, my.from, unfenced) : state);
      }),
    },
    {
      name: `${name} undoes the fence, having seen that nobody was unfenced`,
      next: from(['undoing'], (state, my) =>
        lost(storeAt(state, my.from).epoch === my.epoch ? changed(state, my.from, unfenced) : state),
      ),
    },
    {
      name: `${name} releases`,
      next: from(['flushed'], (state, my) => {
        if (!rules.oldPrimaryDecides) return having(state, { progress: 'released' });
        if (!isMine(storeAt(state, my.from), my)) return lost(state);
        const released = changed(state, my.from, { intent: 'released', isDurable: rules.switchDurable });
        return having(released, { progress: 'released' });
      }),
    },
    {
      name: `${name} unfences the new primary`,
      next: from(['released'], (state, my) => {
        const next = storeAt(state, 1 - my.from);
        if (next.role === 'primary' && next.epoch === my.epoch + 1) return having(state, { progress: 'unfenced' });
        const isReady =
          (next.watermark >= my.final || !rules.watermarkAtUnfence) &&
          !(next.hasQuarantine && rules.quarantineAtUnfence);
        if (next.role !== 'secondary' || next.epoch !== my.epoch || !isReady) return lost(state);
        const primary = { role: 'primary', epoch: my.epoch + 1, isFenced: false, handover: next.changes } as const;
        return having(changed(state, 1 - my.from, primary), { progress: 'unfenced' });
      }),
    },
    {
      name: `${name} records the old primary as the secondary`,
      next: from(['unfenced'], (state, my) => {
        const [old, next] = [storeAt(state, my.from), storeAt(state, 1 - my.from)];
        const isDue = old.role === 'primary' && old.epoch === my.epoch && next.epoch === my.epoch + 1;
        if (!isDue || (old.intent !== 'released' && rules.oldPrimaryDecides)) return lost(state);
        const { epoch, handover: watermark } = next;
        const secondary = { role: 'secondary', intent: 'none', isFenced: true, final: 0 } as const;
        return lost(changed(state, my.from, { ...secondary, epoch, watermark, step: old.step + 1 }));
      }),
    },
    { name: `${name} dies`, next: from(['fenced', 'drained', 'flushed', 'released', 'unfenced'], lost) },
  ];
}

const fencesImpostor: Action<SwitchState> = {
  name: 'somebody fences the store that missed a switch',
  next: (state) => {
    const [a, b] = state.stores;
    if (a.role !== 'primary' || b.role !== 'primary' || a.epoch === b.epoch) return null;
    const index = a.epoch < b.epoch ? 0 : 1;
    if (storeAt(state, index).intent !== 'none') return null;
    return changed(state, index, { intent: 'fenced', isFenced: true, isFencedForGood: true });
  },
};

// ── Text ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function encode(state: SwitchState): string {
  const { stores, durable, coordinators, mirrors, acknowledged, fences, repairs, wasPutBack, wasServedEarly } = state;
  const texts = stores.map((store, index) => {
    const before = index === 0 ? durable[0] : durable[1];
    return storeText(store) + (before === store ? '' : `<${storeText(before)}`);
  });
  // Which Mirror or coordinator is which makes no difference.
  const movers = mirrors.map(mirrorText).sort().join('/');
  const switchers = coordinators.map(coordinatorText).sort().join('/');
  return `${texts.join('|')}|${movers}|${switchers}|${acknowledged},${fences},${repairs},${bit(wasPutBack)}${bit(wasServedEarly)}`;
}

function storeText(of: Store): string {
  const flags = `${of.role[0]}${of.intent[0]}${bit(of.isFenced)}${bit(of.isFencedForGood)}${bit(of.hasQuarantine)}`;
  return `${flags}${of.epoch},${of.attempt},${of.final},${of.changes},${of.repaired},${of.row},${of.watermark},${of.step},${of.handover}`;
}

function mirrorText({ course, flights }: Mirror): string {
  const steps = flights.map(
    (of) =>
      `${of.to},${of.epoch},${of.number},${of.after},${of.watermark},${of.row}${bit(of.isRepair)}${bit(of.knowsQuarantine)}`,
  );
  if (course === null) return steps.join(';');
  const { to, epoch, step, watermark, knowsQuarantine } = course;
  return `${to},${epoch},${step},${watermark}${bit(knowsQuarantine)}:${steps.join(';')}`;
}

function coordinatorText({ progress, from, epoch, attempt, final }: Coordinator): string {
  return progress === 'idle' ? '' : `${progress},${from},${epoch},${attempt},${final}`;
}

function bit(flag: boolean): string {
  return flag ? '1' : '0';
}
