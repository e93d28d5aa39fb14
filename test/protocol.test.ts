import test from 'ava';
import type { ExecutionContext } from 'ava';
import { explore } from './protocol/explore.ts';
import type { Model } from './protocol/explore.ts';
import { stepModel } from './protocol/steps.ts';
import type { StepBounds, StepRules } from './protocol/steps.ts';
import { switchModel } from './protocol/switch.ts';
import type { SwitchBounds, SwitchRules } from './protocol/switch.ts';
import { STATEMENT_ORDERS, tryOrder, tryQuarantine } from './protocol/unique-values.ts';
import { watermarkModel } from './protocol/watermark.ts';
import type { WatermarkBounds, WatermarkRules } from './protocol/watermark.ts';

/**
 * Small models of the protocol, of which every state is visited. With all rules nothing goes wrong in any of them; and
 * for each rule there is a history, found by the search, that goes wrong without it. What the database makes of it is
 * for the other tests.
 */

function holds<State>(t: ExecutionContext, model: Model<State>): void {
  const explored = explore(model);
  if (explored.outcome === 'violated') t.log(explored.trace.join('\n'));
  else t.log(`${explored.states} states, ${explored.edges} edges`);
  t.is(explored.outcome, 'holds');
}

function breaks<State>(t: ExecutionContext, model: Model<State>, property: string): void {
  const explored = explore(model, { only: property });
  if (explored.outcome === 'violated') t.log(explored.trace.join('\n'));
  t.is(explored.outcome, 'violated', `without the rule, "${property}" should fail`);
}

/** A model with bounds under which its rules hold, and a title. */
type Case<Bounds> = readonly [title: string, bounds: Partial<Bounds>];
/** What is broken without a rule, within the same bounds: a title, the rules that are out, and the property that fails. */
type Hole<Bounds, Rules> = readonly [
  title: string,
  without: readonly (keyof Rules)[],
  property: string,
  bounds: Partial<Bounds>,
];

function tryModel<Bounds extends object, Rules, State>(
  make: (bounds: Bounds) => Model<State>,
  { usual, sound, holes }: { usual: Bounds; sound: readonly Case<Bounds>[]; holes: readonly Hole<Bounds, Rules>[] },
): void {
  for (const [title, bounds] of sound) test(title, (t) => holds(t, make({ ...usual, ...bounds })));
  for (const [title, without, property, bounds] of holes) {
    const rules = Object.fromEntries(without.map((rule) => [rule, false]));
    test(title, (t) => breaks(t, make({ ...usual, ...bounds, rules }), property));
  }
}

// ── Capture, Mirror, backfill, quarantine ───────────────────────────────────────────────────────────────────────────

const SAME = 'what has been applied to the end is the same on both sides';
const COMMITTED = 'a filled secondary is some committed state of the primary';
const UNIQUE = 'the secondary meets no unique value twice';
const NEEDED = 'nothing is forgotten that the secondary needs';
const JUST = 'only what the secondary cannot hold is in quarantine';
const CATCHES_UP = 'the secondary can still catch up';

tryModel<StepBounds, StepRules, ReturnType<typeof stepModel>['initial']>(stepModel, {
  usual: {
    transactions: 2,
    mirrors: 1,
    flights: 2,
    isFilling: false,
    keys: 2,
    piecesDiffer: false,
    mayCrash: false,
    isUnique: true,
    mayRefuse: false,
  },
  sound: [
    ['two Mirrors with overlapping steps copy and follow a table', { mirrors: 2, isFilling: true }],
    [
      'two Mirrors with overlapping steps copy and follow a table while the secondary loses unflushed steps',
      { mirrors: 2, isFilling: true, mayCrash: true },
    ],
    [
      'two Mirrors that copy pieces of different sizes fill a table while the secondary loses unflushed steps',
      { mirrors: 2, keys: 3, piecesDiffer: true, isFilling: true, mayCrash: true, transactions: 1 },
    ],
    ['two Mirrors with overlapping steps follow three transactions', { mirrors: 2, transactions: 3 }],
    ['a backfill goes on after crashes of the secondary, under pruning', { isFilling: true, mayCrash: true }],
    ['two Mirrors and a secondary that loses unflushed steps lose no change', { mirrors: 2, mayCrash: true }],
    ['one Mirror and a secondary that loses unflushed steps lose no change', { transactions: 3, mayCrash: true }],
    ['refused rows of overlapping steps go to quarantine and leave it', { transactions: 3, mayRefuse: true }],
    [
      'two Mirrors keep the quarantine right when the secondary loses unflushed steps',
      { mirrors: 2, mayCrash: true, mayRefuse: true },
    ],
  ],
  holes: [
    [
      'without any comparison, a Mirror that wakes late overwrites a newer row',
      ['stepNumber', 'watermarkCompared'],
      COMMITTED,
      { mirrors: 2, flights: 1 },
    ],
    [
      'without any comparison, a watermark that never goes back makes that last for ever',
      ['stepNumber', 'watermarkCompared', 'watermarkSet'],
      SAME,
      { mirrors: 2, flights: 1 },
    ],
    [
      'without step number and cursor compared, a Mirror that wakes late takes a backfill that is done back',
      ['stepNumber', 'cursorCompared'],
      'a backfill that is done stays done',
      { mirrors: 2, flights: 1, isFilling: true },
    ],
    [
      'without the watermark compared, a step behind one that another Mirror forestalled loses a change',
      ['watermarkCompared'],
      SAME,
      { mirrors: 2, transactions: 3 },
    ],
    [
      'without the watermark compared, a step whose number was given out again after a crash mixes two states',
      ['watermarkCompared'],
      COMMITTED,
      { mirrors: 2, flights: 1, transactions: 3, mayCrash: true },
    ],
    [
      'without the cursor compared, a piece of another size that a crash took back leaves out rows for ever',
      ['cursorCompared'],
      SAME,
      { mirrors: 2, flights: 1, transactions: 0, keys: 3, piecesDiffer: true, isFilling: true, mayCrash: true },
    ],
    [
      'without pieces going alone, nor the cursor compared, a change between a piece and its arrival is skipped and lost',
      ['piecesAlone', 'cursorCompared'],
      SAME,
      { isFilling: true },
    ],
    [
      'without one snapshot for piece and changes, the backfill ends in a state that never was',
      ['oneSnapshot'],
      COMMITTED,
      { isFilling: true },
    ],
    [
      'without one snapshot for piece and changes, a good row meets a unique value twice',
      ['oneSnapshot'],
      UNIQUE,
      { isFilling: true },
    ],
    ['without the whole backlog in a step, half a transaction is shown', ['wholeBacklog'], COMMITTED, {}],
    ['without the whole backlog in a step, swapped unique values collide', ['wholeBacklog'], UNIQUE, {}],
    [
      'without a flush before pruning, a crash takes the secondary back past what was forgotten',
      ['flushBeforePrune', 'pruneWhatWasFlushed'],
      NEEDED,
      { mayCrash: true },
    ],
    [
      'without pruning by what the flush itself found, a crash unnoticed until then costs the changes it took back',
      ['pruneWhatWasFlushed'],
      NEEDED,
      { mayCrash: true },
    ],
    [
      'without finding out that steps were lost, a Mirror at rest leaves them lost',
      ['noticesLostSteps'],
      CATCHES_UP,
      { mayCrash: true },
    ],
    [
      "without trying quarantined rows again, one that was refused because of another's value stays there",
      ['retriesQuarantined'],
      JUST,
      { mayRefuse: true },
    ],
    [
      'without a step that knows of quarantined rows going alone, one behind it overlooks a row refused there',
      ['quarantineAlone'],
      JUST,
      { transactions: 3, mayRefuse: true },
    ],
    [
      'without wanting no quarantined row unknown to it, a step behind a refused one leaves a mended row in quarantine',
      ['wantsNoneUnknown'],
      JUST,
      { mayRefuse: true },
    ],
  ],
});

// ── The write switch ────────────────────────────────────────────────────────────────────────────────────────────────

const ONE_PRIMARY = 'there are never two primaries';
const ACKNOWLEDGED = 'the primary holds the last acknowledged write';
const SERVED = 'nobody is told of a write in the other store that is not there';
const WRITABLE = 'one primary can take the writes';

tryModel<SwitchBounds, SwitchRules, ReturnType<typeof switchModel>['initial']>(switchModel, {
  usual: {
    writes: 2,
    fences: 2,
    coordinators: 1,
    mirrors: 1,
    flights: 1,
    refused: 0,
    repairs: 0,
    isRepairRefused: false,
    mayCrash: false,
    mayBePutBack: false,
  },
  sound: [
    ['two coordinators switch forth and back, with a late Mirror and a repair', { coordinators: 2, repairs: 1 }],
    [
      'two coordinators switch while steps overlap, a row is refused and either store crashes',
      { coordinators: 2, flights: 2, refused: 2, mayCrash: true },
    ],
    [
      'one coordinator switches three times with two Mirrors and overlapping steps',
      { fences: 3, mirrors: 2, flights: 2, refused: 2 },
    ],
    [
      'two Mirrors with a repair in a switch, and either store crashing, lose no write',
      { mirrors: 2, repairs: 1, mayCrash: true },
    ],
    [
      'a repair that is refused in the middle of a switch cancels it, and does no harm',
      { coordinators: 2, repairs: 1, isRepairRefused: true },
    ],
  ],
  holes: [
    [
      'without the old primary deciding, undoing a switch by having looked makes two primaries',
      ['oldPrimaryDecides'],
      ONE_PRIMARY,
      { coordinators: 2, fences: 1 },
    ],
    [
      'without the attempt compared, a late coordinator releases a later fence and a write is lost',
      ['attemptCompared'],
      ACKNOWLEDGED,
      { coordinators: 2 },
    ],
    // Any one of the three is enough here: no step leaves the watermark where it was.
    [
      'without epoch, step number and watermark compared, a step that comes after the switch overwrites an acknowledged write',
      ['epochCompared', 'stepNumber', 'watermarkCompared'],
      ACKNOWLEDGED,
      { mirrors: 2 },
    ],
    [
      'without the quarantine looked at after the fence, the last write is lost by the switch',
      ['quarantineBeforeRelease', 'quarantineAtUnfence'],
      ACKNOWLEDGED,
      { refused: 1 },
    ],
    [
      'without the quarantine looked at before the release, a switch is stuck with no primary',
      ['quarantineBeforeRelease'],
      WRITABLE,
      { refused: 1 },
    ],
    [
      'without a durable fence, a power failure after the switch leaves two primaries',
      ['switchDurable'],
      ONE_PRIMARY,
      { fences: 1, mayCrash: true },
    ],
    [
      'without a flush before the release, a crash of the next primary strands the switch',
      ['flushBeforeRelease'],
      WRITABLE,
      { fences: 1, mayCrash: true },
    ],
    [
      'without releasing by what was flushed, a crash between the last look and the flush strands the switch',
      ['releaseWhatWasFlushed'],
      WRITABLE,
      { fences: 1, mayCrash: true },
    ],
    [
      'without a released store refusing steps, one that waits for the Mirror is told of a write that is not there',
      ['releasedGivesNothing'],
      SERVED,
      { fences: 1 },
    ],
    [
      'without anybody cancelling a fence whose time is over, a dead coordinator leaves no primary',
      ['anybodyCancels'],
      WRITABLE,
      { fences: 1 },
    ],
    [
      'without anybody finishing a released switch, a dead coordinator leaves no primary',
      ['anybodyFinishes'],
      WRITABLE,
      { fences: 1 },
    ],
    [
      'without repairs meeting the fence, one that is asked for behind it and refused strands the switch',
      ['repairsMeetFence'],
      WRITABLE,
      { fences: 1, repairs: 1, isRepairRefused: true },
    ],
    [
      'without fencing the store of the lower epoch, a file that was put back stays a second primary',
      ['lowerEpochIsFenced'],
      WRITABLE,
      { fences: 1, mayBePutBack: true },
    ],
  ],
});

test('a file that was put back is fenced, and one primary is left', (t) => {
  const model = switchModel({
    writes: 2,
    fences: 1,
    coordinators: 2,
    mirrors: 1,
    flights: 1,
    refused: 0,
    repairs: 0,
    isRepairRefused: false,
    mayCrash: false,
    mayBePutBack: true,
  });
  t.is(explore(model, { only: WRITABLE }).outcome, 'holds');
});

// ── PostgreSQL's watermark ──────────────────────────────────────────────────────────────────────────────────────────

const PASSED_OVER = 'no committed change is passed over';

tryModel<WatermarkBounds, WatermarkRules, ReturnType<typeof watermarkModel>['initial']>(watermarkModel, {
  usual: { transactions: 3, crashes: 0, isCommitSynchronous: true },
  sound: [
    ['a snapshot as watermark follows commits in any order, under pruning', {}],
    ['a watermark that waits for the WAL outlives a crash', { crashes: 1 }],
    [
      'a watermark that waits for the WAL outlives crashes under asynchronous commits',
      { crashes: 2, isCommitSynchronous: false },
    ],
  ],
  holes: [
    [
      'with the highest entry as watermark, a transaction that commits late is never seen',
      ['watermarkIsSnapshot'],
      PASSED_OVER,
      {},
    ],
    [
      'with pruning of all below the end of the watermark, what was still running is forgotten unseen',
      ['pruneWhatIsSeen'],
      PASSED_OVER,
      {},
    ],
    [
      'without the WAL flushed first, a number that rolled back is given out again and its change passed over',
      ['flushedFirst'],
      PASSED_OVER,
      { crashes: 1 },
    ],
    [
      'without the WAL flushed first, the secondary is ahead of asynchronous commits that a crash took back',
      ['flushedFirst'],
      PASSED_OVER,
      { crashes: 1, isCommitSynchronous: false },
    ],
  ],
});

// ── Unique values within a step ─────────────────────────────────────────────────────────────────────────────────────

const GOOD_ORDERS: readonly string[] = [
  'delete every changed row, then insert',
  'delete the absent rows and those of which the value or the predicate changes, then upsert',
];

for (const [title, order] of Object.entries(STATEMENT_ORDERS)) {
  const isGood = GOOD_ORDERS.includes(title);
  test(`to ${title}, ${isGood ? 'never meets' : 'can meet'} a unique value twice`, (t) => {
    const { cases, collision } = tryOrder(order);
    t.log(`${cases} steps`, collision ?? '');
    t.is(collision === null, isGood);
  });
}

test('a refused row whose old version is deleted is in no other row’s way', (t) => {
  const { cases, collision } = tryQuarantine({ deletesOldRow: true });
  t.log(`${cases} cases`);
  t.is(collision, null);
});

test('a refused row whose old version stays makes good rows collide', (t) => {
  t.not(tryQuarantine({ deletesOldRow: false }).collision, null);
});

test('the search names a shortest way to a violation, and finds where nothing leads on', (t) => {
  const counting = (most: number): Model<number> => ({
    initial: 0,
    actions: [
      { name: 'one more', next: (state) => (state < most ? state + 1 : null) },
      { name: 'two more', next: (state) => (state < most - 1 ? state + 2 : null) },
    ],
    invariants: { 'less than five': (state) => state < 5 },
    goals: { 'four is within reach': (state) => state === 4 },
    encode: String,
  });
  t.deepEqual(explore(counting(4)), { outcome: 'holds', states: 5, edges: 7 });
  const beyond = explore(counting(9), { only: 'less than five' });
  t.is(beyond.outcome === 'violated' ? beyond.trace.length : 0, 3);
  const stuck = explore(counting(5), { only: 'four is within reach' });
  t.deepEqual(stuck.outcome === 'violated' ? stuck.trace : [], ['one more', 'two more', 'two more']);
  t.throws(() => explore(counting(4), { only: 'no such thing' }));
});
