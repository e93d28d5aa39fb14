import test from 'ava';
import type { ExecutionContext } from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Crossfade } from '../adapter/index.ts';
import { encodeKey } from '../adapter/spec.ts';
import type { StepToApply } from '../adapter/store.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import { Random } from './helpers/random.ts';

/** The pieces of a table with more than 1,000 rows are read by a thread, which can read the next one meanwhile. */
const ROWS = 6_000;
const PIECE_ROWS = 1_000;

/** A backfill whose first piece has arrived, and is kept from saying so until it is let go. */
interface Held {
  readonly pair: Pair;
  readonly crossfade: Crossfade;
  readonly backfilled: Promise<unknown>;
  /** How many steps are open for reading. */
  readonly open: { now: number };
  readonly letGo: () => void;
}

async function heldBackfill(
  t: ExecutionContext,
  {
    rows = `SELECT i, 'm' || i, i FROM n`,
    check = '',
    behindFirst = '',
  }: {
    rows?: string;
    check?: string;
    /** What is written after the first piece's snapshot, and before the second one's. */
    behindFirst?: string;
  } = {},
): Promise<Held> {
  const pair = await makePair(t);
  pair.sqlite.exec(
    `INSERT INTO accounts (id, email, balance)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) ${rows}`,
  );
  if (check !== '') await pair.postgres.query(`ALTER TABLE accounts ADD CHECK (${check})`);
  const crossfade = await pair.open({ backfillRows: PIECE_ROWS, backfillShare: 1 });
  const { sqlite, postgres } = crossfade.stores;
  const open = { now: 0 };
  const read = sqlite.read.bind(sqlite);
  sqlite.read = (request, use) =>
    read(request, async (reading) => {
      open.now += 1;
      try {
        return await use(reading);
      } finally {
        open.now -= 1;
      }
    });
  let letGo = (): void => {};
  const gone = new Promise<void>((resolve) => (letGo = resolve));
  const apply = postgres.apply.bind(postgres);
  let isFirst = true;
  postgres.apply = async (step: StepToApply) => {
    if (isFirst) pair.sqlite.exec(behindFirst);
    isFirst = false;
    const applied = await apply(step);
    if (step.reading.cursor?.table === 'accounts') await gone;
    return applied;
  };
  const backfilled = crossfade.backfill();
  backfilled.catch(() => {});
  return { pair, crossfade, backfilled, open, letGo };
}

test('the next piece is read while the one before it is on its way, and each write that comes in between arrives once', async (t) => {
  const { pair, crossfade, backfilled, open, letGo } = await heldBackfill(t);
  await until('the second piece is open too', () => open.now === 2);
  // Before both cursors, in the second piece, behind it, and from one to the other.
  pair.sqlite.exec(`
    UPDATE accounts SET balance = -1 WHERE id IN (1, 1001, 1999, 2001, ${ROWS});
    DELETE FROM accounts WHERE id IN (2, 1002, 2002);
    UPDATE accounts SET id = 900000 WHERE id = 3;
    UPDATE accounts SET id = 2 WHERE id = 2003;`);
  letGo();
  await backfilled;
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('the piece behind one of whose rows PostgreSQL holds none is read again, and the quarantine keeps them all', async (t) => {
  const { pair, crossfade, backfilled, open, letGo } = await heldBackfill(t, {
    rows: `SELECT i, CASE i WHEN 7 THEN 'a' || char(0) ELSE 'm' || i END, i FROM n`,
    check: 'balance <> -1',
    // The step with the second piece has a row that is refused too: so it deletes and inserts what it touches.
    behindFirst: 'UPDATE accounts SET balance = -1 WHERE id = 9',
  });
  await until('the second piece is open too', () => open.now === 2);
  letGo();
  await backfilled;
  await goTo(crossfade, 'dual');
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(crossfade.mirror.quarantine?.map(({ key }) => key).toSorted(), [[7n], [9n]]);
  t.is((await differences(crossfade)).length, 2);
  pair.sqlite.exec(
    `UPDATE accounts SET email = 'a', balance = 0 WHERE id IN (7); UPDATE accounts SET balance = 9 WHERE id = 9`,
  );
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(crossfade.mirror.quarantine, []);
  t.deepEqual(await differences(crossfade), []);
});

test('when the session that copies ends, the piece that was read behind it is thrown away with it', async (t) => {
  const { pair, crossfade, backfilled, open, letGo } = await heldBackfill(t);
  await until('the second piece is open too', () => open.now === 2);
  await pair.postgres.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crossfade mirror' AND datname = current_database()`,
  );
  pair.sqlite.exec('UPDATE accounts SET balance = -1 WHERE id % 500 = 0');
  letGo();
  await backfilled;
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('a backfill that is held back reads no piece before its time', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec(
    `INSERT INTO accounts (id, email, balance)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i, 'm' || i, i FROM n`,
  );
  const crossfade = await pair.open({ backfillRows: PIECE_ROWS });
  const { sqlite } = crossfade.stores;
  const read = sqlite.read.bind(sqlite);
  let open = 0;
  let most = 0;
  sqlite.read = (request, use) =>
    read(request, async (reading) => {
      most = Math.max(most, (open += 1));
      try {
        return await use(reading);
      } finally {
        open -= 1;
      }
    });
  await crossfade.backfill({ limits: { rowsPerSecond: 100_000 } });
  t.is(most, 1);
  t.deepEqual(await differences(crossfade), []);
});

/** Everything that a row around the cursors may meet with; -1 is a balance that PostgreSQL refuses. */
function someWrites(random: Random): string {
  const id = (): number => random.between(1, ROWS + 200);
  const statements = Array.from({ length: random.between(1, 6) }, () =>
    random.pick([
      `UPDATE accounts SET balance = ${random.between(1, 10 ** 9)} WHERE id = ${id()}`,
      `DELETE FROM accounts WHERE id = ${id()}`,
      `INSERT OR REPLACE INTO accounts (id, email) VALUES (${id()}, 'n${random.between(1, 10 ** 9)}')`,
      `UPDATE OR REPLACE accounts SET id = ${id()} WHERE id = ${id()}`,
      // A unique value goes from one row to another.
      `UPDATE OR REPLACE accounts SET email = coalesce((SELECT email FROM accounts WHERE id = ${id()}), email) WHERE id = ${id()}`,
    ]),
  );
  // A row in quarantine keeps all later pieces from being read ahead.
  const refused = random.pick(['balance = -1', 'email = email || char(0)']);
  if (random.chance(0.01)) statements.push(`UPDATE accounts SET ${refused} WHERE id = ${id()}`);
  return `BEGIN; ${statements.join('; ')}; COMMIT`;
}

const seed = Random.seedOfRun();
const rounds = Number(process.env['CROSSFADE_ROUNDS'] ?? 2);

test(`whatever is written, refused and cut off while pieces are read ahead, both end with the same rows (${rounds} rounds)`, async (t) => {
  t.log(`CROSSFADE_SEED=${seed}`);
  t.timeout(rounds * 60_000);
  const random = new Random(seed);
  const pair = await makePair(t);
  pair.sqlite.exec(
    `INSERT INTO accounts (id, email, balance)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i, 'm' || i, i FROM n`,
  );
  await pair.postgres.query('ALTER TABLE accounts ADD CHECK (balance <> -1)');
  const crossfade = await pair.open({ backfillRows: 1_100, backfillShare: 1, indexesAsideFromRows: 10 ** 6 });
  let readAhead = 0;
  let open = 0;
  const { sqlite } = crossfade.stores;
  const read = sqlite.read.bind(sqlite);
  sqlite.read = (request, use) =>
    read(request, async (reading) => {
      if ((open += 1) > 1) readAhead += 1;
      try {
        return await use(reading);
      } finally {
        open -= 1;
      }
    });
  for (let round = 0; round < rounds; round += 1) {
    const filled = crossfade.backfill({ restart: true }).then(() => true);
    let isFilled = false;
    let kills = 0;
    filled.then(
      () => (isFilled = true),
      () => (isFilled = true),
    );
    while (!isFilled) {
      if (random.chance(0.7)) pair.sqlite.exec(someWrites(random));
      // Not while it is being installed: whoever asked for that hears of it.
      if (open > 0 && kills < 4 && random.chance(0.05)) {
        kills += 1;
        await pair.postgres.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crossfade mirror' AND datname = current_database()`,
        );
      }
      await sleep(random.between(0, 12));
    }
    await filled;
    await goTo(crossfade, 'dual');
    await crossfade.mirror.caughtUp({ timeoutMs: 30_000 });
    const kept = crossfade.mirror.quarantine?.map(({ key }) => `accounts ${encodeKey(key)}: only in SQLite`);
    t.deepEqual((await differences(crossfade)).toSorted(), kept?.toSorted());
    await crossfade.cutover.moveTo('sqlite', { force: true, confirm: true });
    pair.sqlite.exec(`UPDATE accounts SET balance = 0 WHERE balance = -1;
      UPDATE accounts SET email = 'healed ' || id WHERE instr(email, char(0)) > 0`);
  }
  t.true(readAhead > 0, 'no piece was read ahead');
});
