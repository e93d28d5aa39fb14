import { CrossfadeError } from './errors.ts';
import { hash } from 'node:crypto';

/** Which share of the reads PostgreSQL answers while SQLite takes the writes, and the stage says that it may. */
export interface ReadShareOptions {
  /** From 0 (none) to 1 (all). May be changed while it runs: `crossfade.reads.share`. @default 1 */
  readonly share?: number;
  /** For reads of these tables instead. A read of several tables has the smallest share. @example { audit_log: 0 } */
  readonly tables?: Readonly<Record<string, number>>;
}

/**
 * Draws the store of a read. One with a key is always drawn alike while the share is the same, and stays drawn when the
 * share grows, so that whoever is served moves once.
 */
export class ReadShare {
  readonly #tables: ReadonlyMap<string, number>;
  #share: number;

  /** @throws CrossfadeError `CONFIG_INVALID` when a share is none. */
  constructor({ share = 1, tables = {} }: ReadShareOptions = {}) {
    this.#share = checked('share', share);
    this.#tables = new Map(Object.entries(tables).map(([table, own]) => [table, checked(`tables.${table}`, own)]));
  }

  get share(): number {
    return this.#share;
  }

  set share(share: number) {
    this.#share = checked('share', share);
  }

  /** Whether a read of these tables is among those that move. Of raw SQL the tables are unknown: it has the smallest share. */
  draws(tables: readonly string[], key: string | undefined): boolean {
    const share = this.#shareOf(tables);
    if (share >= 1) return true;
    return share > 0 && (key === undefined ? Math.random() : placeOf(key)) < share;
  }

  #shareOf(tables: readonly string[]): number {
    if (this.#tables.size === 0) return this.#share;
    if (tables.length === 0) return Math.min(this.#share, ...this.#tables.values());
    return Math.min(...tables.map((table) => this.#tables.get(table) ?? this.#share));
  }
}

const PLACES = 2 ** 32;

/** Where a key stands between 0 and 1, the same in every process. */
function placeOf(key: string): number {
  return Number.parseInt(hash('sha1', key, 'hex').slice(0, 8), 16) / PLACES;
}

function checked(name: string, share: number): number {
  if (share >= 0 && share <= 1) return share;
  throw new CrossfadeError('CONFIG_INVALID', `option reads.${name} is ${share}`, {
    hint: 'give a share from 0 (no read) to 1 (every read)',
  });
}
