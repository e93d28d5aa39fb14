import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { schemaDrift } from '../compare/drift.ts';
import { makePair, TABLES } from './helpers/pair.ts';
import { translated } from './helpers/translated-pair.ts';

const FOLDER = join(import.meta.dirname, '../../test/examples/schemas');

for (const [name, config] of [
  [
    'knex-shop',
    {
      columns: {
        'users.updated_at': { type: 'timestamptz', form: 'epoch-ms mixed' },
        'sessions.expired': { type: 'timestamptz', form: 'epoch-ms mixed' },
      },
    },
  ],
  ['typeorm-sequelize', {}],
  ['drizzle-desk', {}],
] as const) {
  test.serial(`a schema that Crossfade translated has no drift: ${name}`, async (t) => {
    const pair = await translated(t, readFileSync(join(FOLDER, `${name}.sql`), 'utf8'), config);
    t.deepEqual(await pair.apply(), []);
    const crossfade = await pair.open();
    const tables = await crossfade.install();
    t.true(tables.length >= 3);
    t.deepEqual(await schemaDrift({ tables, stores: crossfade.stores }), []);
  });
}

const CASES: readonly {
  readonly what: string;
  readonly sqlite?: string;
  readonly postgres?: string;
  readonly found: readonly string[];
}[] = [
  { what: 'nothing', found: [] },
  {
    what: 'a column that only SQLite has',
    sqlite: 'ALTER TABLE accounts ADD COLUMN phone TEXT',
    found: ['mismatch accounts phone: is in SQLite but not in PostgreSQL'],
  },
  {
    what: 'a column that only PostgreSQL has',
    postgres: 'ALTER TABLE accounts ADD COLUMN phone text',
    found: ['mismatch accounts phone: is in PostgreSQL but not in SQLite'],
  },
  {
    what: 'a column that both have and nobody mirrors',
    sqlite: 'ALTER TABLE accounts ADD COLUMN phone TEXT',
    postgres: 'ALTER TABLE accounts ADD COLUMN phone text',
    found: ['mismatch accounts phone: was added after the install, and is not mirrored'],
  },
  {
    what: 'a table that is gone',
    postgres: 'DROP TABLE settings',
    found: ['mismatch settings: is not in PostgreSQL any more'],
  },
  {
    what: 'a table that is not mirrored',
    sqlite: 'CREATE TABLE later (id INTEGER PRIMARY KEY)',
    found: ['warning later: is in SQLite only, and is not mirrored'],
  },
  {
    what: 'a type that carries nothing',
    postgres: 'ALTER TABLE payments ALTER note TYPE inet USING NULL',
    found: [
      "mismatch payments note: was text in PostgreSQL when it was installed, and is inet, which cannot carry SQLite's values",
    ],
  },
  {
    what: 'a type that reads otherwise',
    postgres: 'ALTER TABLE payments ALTER note TYPE bytea USING NULL',
    found: ['mismatch payments note: was text in PostgreSQL when it was installed, and is bytea'],
  },
  {
    what: 'a type that has become narrower',
    postgres: 'ALTER TABLE payments ALTER cents TYPE integer',
    found: ['warning payments cents: was bigint in PostgreSQL when it was installed, and is integer'],
  },
  {
    what: 'another key',
    postgres: 'ALTER TABLE rates DROP CONSTRAINT rates_pkey, ADD PRIMARY KEY (country)',
    found: [
      'mismatch rates country,year: its key in PostgreSQL is (country), and (country, year) is mirrored',
      'warning rates country,year: the unique index sqlite_autoindex_rates_1 (country, year) is in SQLite only: PostgreSQL would take duplicates',
      'warning rates country: the unique index rates_pkey (country) is in PostgreSQL only: rows that SQLite takes may be refused there',
    ],
  },
  {
    what: 'a column that is generated on one side',
    postgres: 'ALTER TABLE payments DROP COLUMN note, ADD COLUMN note text GENERATED ALWAYS AS (NULL) STORED',
    found: ['mismatch payments note: is generated in PostgreSQL only'],
  },
  {
    what: 'a capture trigger that is gone',
    sqlite: 'DROP TRIGGER _crossfade_capture_insert_payments',
    found: [
      'mismatch payments: SQLite: its capture triggers are gone, as after a table rebuild: changes since then were not recorded',
    ],
  },
  {
    what: 'NOT NULL on one side',
    postgres: 'ALTER TABLE accounts ALTER settings SET NOT NULL, ALTER balance DROP NOT NULL',
    found: [
      'warning accounts balance: is NOT NULL in SQLite only: PostgreSQL would take a NULL',
      'warning accounts settings: is NOT NULL in PostgreSQL only: a NULL would be refused there',
    ],
  },
  {
    what: 'defaults',
    postgres:
      "ALTER TABLE accounts ALTER balance SET DEFAULT 1, ALTER is_active DROP DEFAULT, ALTER settings SET DEFAULT '{}'",
    found: [
      'warning accounts balance: has a constant default in SQLite, and a constant default in PostgreSQL',
      'warning accounts is_active: has a constant default in SQLite, and no default in PostgreSQL',
      'warning accounts settings: has no default in SQLite, and a constant default in PostgreSQL',
    ],
  },
  {
    what: 'uniqueness',
    postgres:
      'ALTER TABLE accounts DROP CONSTRAINT accounts_email_key; CREATE UNIQUE INDEX one_balance ON accounts (balance)',
    found: [
      'warning accounts email: the unique index sqlite_autoindex_accounts_1 (email) is in SQLite only: PostgreSQL would take duplicates',
      'warning accounts balance: the unique index one_balance (balance) is in PostgreSQL only: rows that SQLite takes may be refused there',
    ],
  },
  {
    what: 'an index that is missing, and one that only makes PostgreSQL faster',
    sqlite: 'CREATE INDEX by_note ON payments (note, cents)',
    postgres: 'CREATE INDEX by_cents ON payments (cents)',
    found: [
      'warning payments note,cents: the index by_note (note, cents) is in SQLite only: queries that need it would be slow',
    ],
  },
  {
    what: 'an index whose columns a longer one begins with',
    sqlite: 'CREATE INDEX by_note ON payments (note)',
    postgres: 'CREATE INDEX by_note_and_more ON payments (note, cents)',
    found: [],
  },
  {
    what: 'a foreign key that does something else, and one that is missing',
    postgres: `ALTER TABLE payments DROP CONSTRAINT payments_account_id_fkey;
      ALTER TABLE payments ADD FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE SET NULL`,
    found: [
      'warning payments account_id: the foreign key to accounts is ON UPDATE NO ACTION ON DELETE CASCADE in SQLite, and ON UPDATE NO ACTION ON DELETE SET NULL in PostgreSQL',
    ],
  },
  {
    what: 'a foreign key that is missing',
    postgres: 'ALTER TABLE payments DROP CONSTRAINT payments_account_id_fkey',
    found: ['warning payments account_id: the foreign key to accounts is in SQLite only'],
  },
  {
    what: 'text that is equal under another rule',
    postgres: `CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      ALTER TABLE payments ALTER note TYPE text COLLATE any_case`,
    found: [
      'warning payments note: has a collation in PostgreSQL under which different texts are equal, and none such in SQLite',
    ],
  },
];

test.serial('each kind of drift is found, with its table and columns, and nothing else', async (t) => {
  for (const { what, sqlite, postgres, found } of CASES) {
    const pair = await makePair(t, { tables: TABLES });
    const crossfade = await pair.open({ mirror: 'off' });
    const tables = await crossfade.install();
    t.is(tables.length, 4);
    // Capture begins; nobody mirrors, so that nothing stops for what is changed here.
    t.is((await crossfade.cutover.moveTo('dual', { force: true })).outcome, 'moved');
    if (sqlite !== undefined) pair.sqlite.exec(sqlite);
    if (postgres !== undefined) await pair.postgres.query(postgres);
    const drift = await schemaDrift({ tables, stores: crossfade.stores });
    t.deepEqual(
      drift.map((one) => `${one.severity} ${one.table} ${one.columns.join(',')}`.trimEnd() + `: ${one.found}`),
      found,
      what,
    );
    t.true(drift.every(({ remedy }) => remedy !== ''));
    await crossfade.close();
  }
});
