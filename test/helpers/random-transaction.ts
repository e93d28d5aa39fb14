import type { StoreName } from '../../adapter/spec.ts';
import type { Random } from './random.ts';

export type Value = null | bigint | number | string | Buffer;

/** One statement, with `?` for its values. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly Value[];
}

export interface RandomTransaction {
  readonly statements: readonly Statement[];
  readonly ends: 'COMMIT' | 'ROLLBACK';
}

/**
 * Who writes. Writers that run at the same time have lanes: each touches the rows of its own lane only, so that the
 * history of a lane is a sequence although that of the database is not.
 */
export interface Lane {
  readonly lane: number;
  readonly lanes: number;
}

/** Ids of a lane are those that leave this remainder, whatever their sign. */
export function isIdOf({ lane, lanes }: Lane): string {
  return `abs(id) % ${lanes} = ${lane}`;
}

/** The settings row in which a lane counts its transactions. */
export function versionName({ lane }: Lane): string {
  return `${lane}:version`;
}

const TEXTS = [
  '',
  ' ',
  'a',
  'A',
  'ä',
  '😀',
  'NULL',
  'null',
  '{}',
  '{"a":[1,2]}',
  '"',
  '\\',
  '\\"',
  `'`,
  ',',
  '\n',
  '\t\u0001',
  '0',
  '1e5',
  '\uffff',
  'x'.repeat(400),
];
const INTEGERS = [0n, 1n, -1n, 2n ** 31n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const REALS = [0.1, 1 / 3, -2.5, 0, 3, 1e300, 5e-324, 2 ** 53, Infinity, null];
const BLOBS = [Buffer.alloc(0), Buffer.from([0, 255, 92, 34]), Buffer.from('text'), null];

export interface Writer extends Lane {
  readonly store: StoreName;
  /** Whether to write, on SQLite, rows that PostgreSQL cannot hold. */
  readonly writesRefused: boolean;
  /** Whether PostgreSQL has MERGE: since version 15. @default true */
  readonly hasMerge?: boolean;
}

/** A transaction such as an application might run, or a careless one. Statements may break constraints; those do nothing. */
export function randomTransaction(random: Random, writer: Writer): RandomTransaction {
  const make = new StatementMaker(random, writer);
  const statements: Statement[] = [];
  for (let left = random.between(1, 6); left > 0; left -= 1) {
    const some = random.pick(make.kinds)();
    if (!random.chance(0.15)) statements.push(...some);
    else statements.push(plain('SAVEPOINT own'), ...some, ...ending(random));
  }
  return { statements, ends: random.chance(0.12) ? 'ROLLBACK' : 'COMMIT' };
}

function ending(random: Random): Statement[] {
  return random.chance(0.6) ? [plain('ROLLBACK TO own'), plain('RELEASE own')] : [plain('RELEASE own')];
}

function plain(sql: string, ...values: Value[]): Statement {
  return { sql, values };
}

class StatementMaker {
  readonly kinds: readonly (() => Statement[])[];
  readonly #random: Random;
  readonly #store: StoreName;
  readonly #lane: Lane;

  constructor(random: Random, { store, writesRefused, hasMerge = true, ...lane }: Writer) {
    this.#random = random;
    this.#store = store;
    this.#lane = lane;
    const both = [
      () => this.#insertAccount(),
      () => this.#insertAccount(),
      () => this.#insertPayments(),
      () => this.#insertPayments(),
      () => this.#updateAccount(),
      () => this.#moveKey(),
      () => this.#mirrorKeys(),
      () => this.#deleteSome(),
      () => this.#deleteParent(),
      () => this.#replace(),
      () => this.#upsert(),
      () => this.#swap(),
      () => this.#rotate(),
      () => this.#setSetting(),
      () => this.#setRate(),
      () => this.#updateOften(),
    ];
    const merge = hasMerge ? [() => this.#merge()] : [];
    const own = store === 'sqlite' ? [() => this.#replaceByUpdate(), () => this.#ignore()] : merge;
    const refused = writesRefused ? [() => this.#refusedRow()] : [];
    const alone = lane.lanes === 1 ? [() => this.#deleteAll(), () => this.#automaticId()] : [];
    this.kinds = [...both, ...own, ...refused, ...alone];
  }

  #id(): bigint {
    return BigInt(this.#lane.lane + this.#lane.lanes * this.#random.between(1, 20));
  }

  #email(): string {
    return `${this.#lane.lane}${this.#random.pick(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'ä', '😀', 'A', ''])}@${this.#random.between(0, 2)}`;
  }

  #text(): string | null {
    return this.#random.chance(0.1) ? null : this.#random.pick(TEXTS);
  }

  #flag(): string {
    const isTrue = this.#random.chance(0.5);
    if (this.#store === 'postgres') return String(isTrue);
    return isTrue ? '1' : '0';
  }

  #accountValues(id: bigint, email: string): Value[] {
    const random = this.#random;
    return [id, email, BigInt(random.between(-500, 500)), random.pick(REALS), random.pick(BLOBS), this.#text()];
  }

  #insertAccount(verb = 'INSERT'): Statement[] {
    return [
      plain(
        `${verb} INTO accounts (id, email, balance, rate, is_active, avatar, settings) VALUES (?, ?, ?, ?, ${this.#flag()}, ?, ?)`,
        ...this.#accountValues(this.#id(), this.#email()),
      ),
    ];
  }

  #insertPayments(): Statement[] {
    const verb =
      this.#store === 'sqlite' ? this.#random.pick(['INSERT', 'INSERT OR FAIL', 'INSERT OR ABORT']) : 'INSERT';
    const count = this.#random.between(1, 5);
    const rows = Array.from({ length: count }, () => [
      this.#id() * BigInt(this.#random.pick([1, -1])),
      this.#id(),
      this.#random.pick(INTEGERS),
      this.#text(),
    ]);
    return [
      plain(
        `${verb} INTO payments (id, account_id, cents, note) VALUES ${rows.map(() => '(?, ?, ?, ?)').join(', ')}`,
        ...rows.flat(),
      ),
    ];
  }

  #updateAccount(): Statement[] {
    const random = this.#random;
    return [
      plain(
        `UPDATE accounts SET balance = balance + ?, rate = ?, is_active = ${this.#flag()}, avatar = ?, settings = ? WHERE id >= ? AND ${isIdOf(this.#lane)}`,
        BigInt(random.between(-9, 9)),
        random.pick(REALS),
        random.pick(BLOBS),
        this.#text(),
        this.#id(),
      ),
    ];
  }

  #moveKey(): Statement[] {
    const random = this.#random;
    return random.pick([
      () => [plain('UPDATE accounts SET id = ? WHERE id = ?', this.#id(), this.#id())],
      () => [plain('UPDATE payments SET id = ? WHERE id = ?', this.#id(), this.#id())],
      () => [plain('UPDATE settings SET name = ? WHERE name = ?', this.#setting(), this.#setting())],
      () => [
        plain(
          'UPDATE rates SET country = ?, year = year + 1 WHERE country = ? AND year > ?',
          this.#country(),
          this.#country(),
          BigInt(random.between(2000, 2006)),
        ),
      ],
    ])();
  }

  #mirrorKeys(): Statement[] {
    return [plain(`UPDATE payments SET id = -id WHERE ${isIdOf(this.#lane)}`)];
  }

  #deleteSome(): Statement[] {
    return this.#random.pick([
      () => [plain('DELETE FROM payments WHERE id = ?', this.#id())],
      () => [plain('DELETE FROM rates WHERE country = ?', this.#country())],
      () => [plain('DELETE FROM settings WHERE name = ?', this.#setting())],
      () => [plain(`DELETE FROM payments WHERE cents > ? AND ${isIdOf(this.#lane)}`, this.#random.pick(INTEGERS))],
    ])();
  }

  /** Payments go with it, by ON DELETE CASCADE. */
  #deleteParent(): Statement[] {
    return [plain('DELETE FROM accounts WHERE id = ?', this.#id())];
  }

  /** A row comes and takes the place of another through the e-mail's unique index, or of two. */
  #replace(): Statement[] {
    if (this.#store === 'sqlite') return this.#insertAccount(this.#random.pick(['INSERT OR REPLACE', 'REPLACE']));
    const [id, email] = [this.#id(), this.#email()];
    return [
      plain('DELETE FROM accounts WHERE id = ? OR email = ?', id, email),
      plain(`INSERT INTO accounts (id, email, balance) VALUES (?, ?, ?)`, id, email, 7n),
    ];
  }

  #replaceByUpdate(): Statement[] {
    return [plain('UPDATE OR REPLACE accounts SET email = ? WHERE id = ?', this.#email(), this.#id())];
  }

  #ignore(): Statement[] {
    return this.#random.pick([
      () => this.#insertAccount('INSERT OR IGNORE'),
      () => [plain(`UPDATE OR IGNORE accounts SET email = ? WHERE ${isIdOf(this.#lane)}`, this.#email())],
    ])();
  }

  #upsert(): Statement[] {
    const column = this.#random.pick(['id', 'email']);
    return [
      plain(
        `INSERT INTO accounts (id, email, balance, settings) VALUES (?, ?, ?, ?)
         ON CONFLICT (${column}) DO UPDATE SET balance = accounts.balance + 1, settings = excluded.settings`,
        this.#id(),
        this.#email(),
        BigInt(this.#random.between(-500, 500)),
        this.#text(),
      ),
    ];
  }

  #swap(): Statement[] {
    const [a, b] = [this.#id(), this.#id()];
    const other = `${this.#lane.lane}swap`;
    const emailOf = `(SELECT email FROM accounts WHERE id = ?)`;
    return [
      plain('SAVEPOINT swap'),
      plain('CREATE TEMP TABLE IF NOT EXISTS swapped (email text)'),
      plain('DELETE FROM swapped'),
      plain(`INSERT INTO swapped SELECT email FROM accounts WHERE id = ?`, a),
      plain(`UPDATE accounts SET email = ? WHERE id = ?`, other, a),
      plain(`UPDATE accounts SET email = (SELECT email FROM swapped) WHERE id = ? AND ${emailOf} = ?`, b, a, other),
      plain('RELEASE swap'),
    ];
  }

  /** Several rows change places in one statement each, by way of values nobody has. */
  #rotate(): Statement[] {
    const mine = isIdOf(this.#lane);
    return [
      plain(`UPDATE accounts SET email = '${this.#lane.lane}#' || id WHERE ${mine}`),
      plain(
        `UPDATE accounts SET email = '${this.#lane.lane}r' || (id + ?) WHERE ${mine}`,
        BigInt(this.#random.between(0, 3) * this.#lane.lanes),
      ),
    ];
  }

  #setting(): string {
    return `${this.#lane.lane}:${this.#random.pick(TEXTS)}`;
  }

  #setSetting(): Statement[] {
    return [
      plain(
        'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        this.#setting(),
        this.#text(),
      ),
    ];
  }

  #country(): string {
    return `${this.#lane.lane}:${this.#random.pick(['de', 'DE', 'é', '', 'zz'])}`;
  }

  #setRate(): Statement[] {
    return [
      plain(
        'INSERT INTO rates (country, year, rate) VALUES (?, ?, ?) ON CONFLICT (country, year) DO UPDATE SET rate = excluded.rate',
        this.#country(),
        BigInt(this.#random.between(2000, 2006)),
        this.#random.pick(REALS) ?? 1,
      ),
    ];
  }

  /** Makes a step with thousands of changes to few rows, now and then. */
  #updateOften(): Statement[] {
    if (!this.#random.chance(0.1)) return [];
    const update = plain(`UPDATE payments SET cents = cents / 2 WHERE ${isIdOf(this.#lane)}`);
    return Array.from({ length: 300 }, () => update);
  }

  /** PostgreSQL's text cannot hold NUL. */
  #refusedRow(): Statement[] {
    if (!this.#random.chance(0.3)) return [];
    return [plain('UPDATE payments SET note = char(0) WHERE id = ?', this.#id())];
  }

  #merge(): Statement[] {
    return [
      plain(
        `MERGE INTO accounts a USING (VALUES (?::bigint, ?::text)) AS n (id, email) ON a.id = n.id
         WHEN MATCHED AND a.balance > 0 THEN DELETE
         WHEN MATCHED THEN UPDATE SET email = n.email
         WHEN NOT MATCHED THEN INSERT (id, email) VALUES (n.id, n.email)`,
        this.#id(),
        this.#email(),
      ),
    ];
  }

  #deleteAll(): Statement[] {
    const table = this.#random.pick(['payments', 'rates', 'accounts']);
    if (this.#random.chance(0.5)) return [];
    if (this.#store === 'sqlite' || this.#random.chance(0.5)) return [plain(`DELETE FROM ${table}`)];
    return [plain(`TRUNCATE ${table} CASCADE`), ...this.#insertAccount()];
  }

  #automaticId(): Statement[] {
    return [plain('INSERT INTO accounts (email, balance) VALUES (?, 3)', this.#email())];
  }
}
