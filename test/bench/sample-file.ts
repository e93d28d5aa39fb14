import Database from 'better-sqlite3';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../migrations/ledger/random.ts';

/** The large table, on disk. */
export interface SampleFile {
  /** A SQLite file that is never written to: whoever wants to works on a copy. */
  readonly sqlite: string;
  /** The same rows as PostgreSQL's COPY reads them in CSV. */
  readonly csv: string;
  readonly rows: number;
}

/** The large table's name. */
export const SAMPLE = 'shipments';

/** Rows as the issue has it: about 200 MB. */
export const SAMPLE_ROWS = 2_000_000;

/** To be raised whenever the same seed gives other rows than before: what older releases made is not used then. */
const VERSION = 1;
const SEED = 20_240_229;
const WRITE_BYTES = 2 ** 20;

const CREATE = `CREATE TABLE ${SAMPLE} (
  id INTEGER PRIMARY KEY,
  serial INTEGER NOT NULL,
  title TEXT NOT NULL,
  note TEXT,
  weight REAL,
  signature BLOB,
  details JSON,
  shipped_at INTEGER,
  is_insured BOOLEAN NOT NULL
)`;

type Cell = string | number | bigint | Buffer | null;

const PLACES = [
  'Zürich',
  'København',
  '東京',
  'São Paulo',
  'Łódź',
  'Αθήνα',
  'Москва',
  'Kraków',
  'Nice',
  'Leeds',
] as const;
const THINGS = [
  'copper wire',
  'läkemedel',
  'tea',
  '自転車',
  'garden tools',
  'Bücher',
  'olive oil',
  'screws 🔩',
] as const;
/** By characters: half of one that takes two of JavaScript's is no text. */
const SENTENCE = Array.from(
  'To be handed over in person; the driver calls an hour before. Die Rampe liegt hinter dem Gebäude, Zufahrt von Süden. ' +
    '荷物は正午までに届けてください。 Returns go to the sender, “unopened” – or not at all. 📦\n',
);
const STATES = ['packed', 'on its way', 'delivered', 'lost'] as const;

/**
 * The large table with so many rows: made once for each machine in the temporary folder, and found there afterwards.
 * The same rows on every machine.
 */
export function sampleFile(rows: number, say: (text: string) => void): SampleFile {
  const folder = join(tmpdir(), 'crossfade-bench-data');
  const name = join(folder, `${SAMPLE}-v${VERSION}-${rows}`);
  const file = { sqlite: `${name}.sqlite`, csv: `${name}.csv`, rows };
  mkdirSync(folder, { recursive: true });
  for (const [path, make] of [
    [file.sqlite, makeSqlite],
    [file.csv, makeCsv],
  ] as const) {
    if (existsSync(path)) continue;
    say(`making ${path}, once on this machine`);
    const unfinished = `${path}.${process.pid}`;
    try {
      make(unfinished, file);
      renameSync(unfinished, path);
    } finally {
      rmSync(unfinished, { force: true });
    }
  }
  return file;
}

function makeSqlite(path: string, { rows }: SampleFile): void {
  const file = new Database(path);
  try {
    file.pragma('journal_mode = OFF');
    file.pragma('synchronous = OFF');
    file.exec(CREATE);
    const insert = file.prepare(`INSERT INTO ${SAMPLE} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    const random = new Random(SEED);
    file.transaction(() => {
      let id = 0;
      for (let number = 0; number < rows; number += 1) {
        // Rows have been deleted here and there.
        id += random.chance(0.05) ? random.between(2, 40) : 1;
        insert.run(rowOf(random, id));
      }
    })();
  } finally {
    file.close();
  }
}

function rowOf(random: Random, id: number): readonly Cell[] {
  return [
    id,
    // Half of them need more than the 53 bits of a JavaScript number. 62 bits are what pgloader can read.
    random.chance(0.5) ? BigInt.asIntN(62, (BigInt(random.bits()) << 32n) | BigInt(random.bits())) : random.bits(),
    `${random.pick(THINGS)} to ${random.pick(PLACES)}`,
    random.maybe(0.8, () => {
      const text = SENTENCE.slice(0, random.between(1, SENTENCE.length)).join('');
      return random.chance(0.02) ? text.repeat(5) : text;
    }),
    random.maybe(0.1, () => random.unit() * 1_000),
    random.maybe(0.8, () => random.bytes(random.between(0, 24))),
    random.maybe(0.4, () =>
      JSON.stringify({ state: random.pick(STATES), parcels: random.between(1, 20), fragile: random.chance(0.1) }),
    ),
    random.maybe(0.05, () => Date.UTC(2020, 0, 1) + random.bits() * 40),
    random.chance(0.3) ? 1 : 0,
  ];
}

function makeCsv(path: string, { sqlite }: SampleFile): void {
  const file = new Database(sqlite, { readonly: true });
  const out = openSync(path, 'w');
  try {
    let text = '';
    const flush = (): void => {
      writeFileSync(out, text);
      text = '';
    };
    const rows = file.prepare(`SELECT * FROM ${SAMPLE} ORDER BY id`).raw().safeIntegers().iterate();
    for (const row of rows as Iterable<readonly Cell[]>) {
      text += `${row.map(csvCell).join(',')}\n`;
      if (text.length > WRITE_BYTES) flush();
    }
    flush();
  } finally {
    closeSync(out);
    file.close();
  }
}

/** What COPY takes for NULL in CSV is nothing at all; an empty text is in quotes. */
function csvCell(value: Cell): string {
  if (value === null) return '';
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`;
  return typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value);
}
