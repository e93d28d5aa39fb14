import Database from 'better-sqlite3';
import { Random } from './random.ts';
import * as words from './words.ts';

export interface SeedOptions {
  /** The share of the full ledger (about 220,000 rows) to generate; each table keeps at least a few rows. @default 1 */
  readonly scale?: number;
  /** Another seed gives another ledger; the same seed gives the same one, byte for byte. @default 20240229 */
  readonly seed?: number;
  /** Called after each table. */
  readonly onTable?: (table: string, rows: number) => void;
}

/** How many rows each table holds at scale 1, in the order in which they can be inserted. */
export const LEDGER_ROWS = {
  accounts: 5_000,
  settings: 40,
  offerings: 2_000,
  rates: 4_000,
  contracts: 20_000,
  payments: 60_000,
  usage: 126_000,
  email_queue: 3_000,
} as const;

export type LedgerTable = keyof typeof LEDGER_ROWS;

/** The ledger's tables by name. */
export const LEDGER_TABLES = Object.keys(LEDGER_ROWS) as readonly LedgerTable[];

type Cell = string | number | Buffer | null;

/** The ledger's first moment, 2024-01-01, and its last, in epoch milliseconds: never the clock of the machine. */
const BEGIN = Date.UTC(2024, 0, 1);
const END = Date.UTC(2025, 5, 30);

/**
 * Fills an empty ledger in a SQLite file with generated rows, in one transaction.
 *
 * @returns the number of rows written.
 */
export function seedLedger(path: string, options: SeedOptions = {}): number {
  const scale = options.scale ?? 1;
  const database = new Database(path);
  try {
    const ledger = new Ledger(new Random(options.seed ?? 20_240_229), scale);
    let written = 0;
    database.transaction(() => {
      for (const table of LEDGER_TABLES) {
        const rows = ledger.count(table);
        insertAll(database, table, rows, (id) => ledger.row(table, id));
        written += rows;
        options.onTable?.(table, rows);
      }
    })();
    return written;
  } finally {
    database.close();
  }
}

function insertAll(
  database: Database.Database,
  table: LedgerTable,
  rows: number,
  row: (id: number) => Record<string, Cell>,
): void {
  const columns = Object.keys(row(1));
  const insert = database.prepare(
    `insert into "${table}" (${columns.map((name) => `"${name}"`).join(', ')}) values (${columns.map(() => '?').join(', ')})`,
  );
  for (let id = 1; id <= rows; id++) insert.run(Object.values(row(id)));
}

/** Makes the rows. Row 1 of each table is made twice (its columns are asked for first), which the seed allows for. */
class Ledger {
  private readonly random: Random;
  private readonly scale: number;

  constructor(random: Random, scale: number) {
    this.random = random;
    this.scale = scale;
  }

  count(table: LedgerTable): number {
    return Math.max(4, Math.round(LEDGER_ROWS[table] * this.scale));
  }

  row(table: LedgerTable, id: number): Record<string, Cell> {
    switch (table) {
      case 'accounts':
        return this.account(id);
      case 'settings':
        return this.setting(id);
      case 'offerings':
        return this.offering(id);
      case 'rates':
        return this.rate(id);
      case 'contracts':
        return this.contract(id);
      case 'payments':
        return this.payment(id);
      case 'usage':
        return this.usage(id);
      case 'email_queue':
        return this.email(id);
    }
  }

  private account(id: number): Record<string, Cell> {
    const { random } = this;
    const given = random.pick(words.GIVEN_NAMES);
    const family = random.pick(words.FAMILY_NAMES);
    return {
      id,
      email: `${asciiOf(given)}.${asciiOf(family)}.${id}@example.${random.pick(['com', 'org', 'net'])}`,
      name: `${given} ${family}`,
      country: random.maybe(0.1, () => random.pick(words.COUNTRIES)),
      is_active: flag(random.chance(0.92)),
      is_provider: flag(id % 5 === 1),
      balance_cents: random.chance(0.02) ? random.between(1, 9) * 10 ** 12 : random.between(-50_000, 2_000_000),
      profile: random.maybe(0.3, () =>
        this.json({ given, langs: [random.pick(words.COUNTRIES), 'en'], score: random.between(0, 100) }),
      ),
      avatar: random.maybe(0.85, () => random.bytes(random.between(0, 96))),
      created_at: this.moment(),
      last_login_at: random.maybe(0.25, () => isoText(this.moment())),
    };
  }

  private setting(id: number): Record<string, Cell> {
    const { random } = this;
    const area = random.pick(['fees', 'Fees', 'limits', 'mail', 'größe', 'ui.theme']);
    return {
      key: `${area}.${id}`,
      value: random.maybe(0.1, () =>
        random.pick([
          '5',
          '"on"',
          'true',
          'null',
          '{"percent": 2.50, "min":  10}',
          '[1,2,\n 3]',
          '{"a":1,"a":2}',
          '"ünïcödé"',
        ]),
      ),
      updated_at: this.moment(),
    };
  }

  private offering(id: number): Record<string, Cell> {
    const { random } = this;
    const isPlaced = random.chance(0.7);
    return {
      id,
      provider_id: this.provider(),
      title: `${random.pick(words.ADJECTIVES)} ${random.pick(words.OFFERING_NOUNS)} #${id}`,
      description: random.maybe(0.2, () => random.pick(words.REMARKS)),
      category: random.pick(words.CATEGORIES),
      price_cents_per_hour: random.between(0, 25_000),
      reliability: random.maybe(0.1, () => random.unit()),
      latitude: isPlaced ? random.unit() * 180 - 90 : null,
      longitude: isPlaced ? random.unit() * 360 - 180 : null,
      is_listed: flag(random.chance(0.8)),
      attributes: random.maybe(0.4, () =>
        this.json({ cores: random.between(1, 128), tags: [random.pick(words.ADJECTIVES)] }),
      ),
      created_at: this.moment(),
    };
  }

  /** Each offering has up to four rates: currency and first day follow from the number, so that no key comes twice. */
  private rate(id: number): Record<string, Cell> {
    const { random } = this;
    const offerings = this.count('offerings');
    const round = Math.floor((id - 1) / offerings);
    return {
      offering_id: ((id - 1) % offerings) + 1,
      currency: words.CURRENCIES[round % words.CURRENCIES.length] ?? 'EUR',
      valid_from: isoText(BEGIN + Math.floor(round / words.CURRENCIES.length) * 86_400_000).slice(0, 10),
      factor: random.chance(0.2) ? 1 : 0.5 + random.unit() * 200,
      note: random.maybe(0.8, () => random.pick(words.REMARKS)),
    };
  }

  private contract(id: number): Record<string, Cell> {
    const { random } = this;
    const status = random.pick(words.STATUSES);
    const hours = random.between(1, 2_000);
    const startsAt = this.moment();
    return {
      id,
      account_id: random.between(1, this.count('accounts')),
      offering_id: random.maybe(0.03, () => random.between(1, this.count('offerings'))),
      status,
      hours,
      total_cents: hours * random.between(0, 25_000),
      starts_at: startsAt,
      ends_at: status === 'ended' || random.chance(0.5) ? startsAt + hours * 3_600_000 : null,
      signed_on: status === 'draft' ? null : isoText(startsAt).slice(0, 10),
      auto_renew: flag(random.chance(0.3)),
      terms: random.maybe(0.6, () => this.json({ deposit: random.between(0, 500), note: random.pick(words.REMARKS) })),
    };
  }

  private payment(id: number): Record<string, Cell> {
    const { random } = this;
    const createdAt = this.moment();
    return {
      id,
      contract_id: random.between(1, this.count('contracts')),
      amount_cents: random.between(1, 5_000_000),
      currency: random.pick(words.CURRENCIES),
      method: random.pick(words.METHODS),
      reference: random.maybe(0.05, () => `P-${id.toString(36).padStart(6, '0')}-${random.bits().toString(16)}`),
      is_refund: flag(random.chance(0.03)),
      paid_at: random.maybe(0.08, () => isoText(createdAt + random.between(0, 86_400_000))),
      created_at: createdAt,
      receipt: random.maybe(0.9, () => random.bytes(random.between(1, 64))),
    };
  }

  private usage(id: number): Record<string, Cell> {
    const { random } = this;
    return {
      id,
      contract_id: random.between(1, this.count('contracts')),
      metric: random.pick(words.METRICS),
      amount: random.chance(0.3) ? random.between(0, 10_000) : random.unit() * 10 ** random.between(-6, 9),
      measured_at: this.moment(),
      is_billed: flag(random.chance(0.6)),
      note: random.maybe(0.95, () => random.pick(words.REMARKS)),
    };
  }

  private email(id: number): Record<string, Cell> {
    const { random } = this;
    const isSent = random.chance(0.8);
    const sendAfter = this.moment();
    return {
      id,
      account_id: random.maybe(0.1, () => random.between(1, this.count('accounts'))),
      recipient: `someone.${random.bits().toString(36)}@example.com`,
      subject: `${random.pick(words.ADJECTIVES)} ${random.pick(words.OFFERING_NOUNS)}: your invoice №${id}`,
      body: random.maybe(0.1, () => `${random.pick(words.REMARKS)}\n\n— ${random.pick(words.GIVEN_NAMES)}`),
      attempts: isSent ? 1 : random.between(0, 5),
      send_after: sendAfter,
      sent_at: isSent ? isoText(sendAfter + 60_000) : null,
      last_error: isSent ? null : random.maybe(0.5, () => '450 4.2.0 mailbox busy'),
    };
  }

  /** One of the accounts 1, 6, 11, …, which are providers. */
  private provider(): number {
    return 1 + 5 * this.random.between(0, Math.floor((this.count('accounts') - 1) / 5));
  }

  /** JSON as different writers wrote it: compact, or with white space. */
  private json(value: unknown): string {
    return this.random.chance(0.5) ? JSON.stringify(value) : JSON.stringify(value, null, 2);
  }

  private moment(): number {
    return this.random.between(BEGIN, END);
  }
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}

function isoText(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** The ASCII letters of a name, in lower case; a name without any is written as the code point of its first letter. */
function asciiOf(name: string): string {
  const letters = name
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();
  return letters || `u${(name.codePointAt(0) ?? 0).toString(16)}`;
}
