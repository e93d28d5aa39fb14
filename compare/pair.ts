import { keyOf, otherStore } from '../adapter/spec.ts';
import type { Key, Row, StoreName, TableSpec } from '../adapter/spec.ts';
import type { Position, Store, StoreState } from '../adapter/store.ts';
import { Interrupted } from './interrupted.ts';
import { identity, keyInPostgres } from './rows.ts';

/** A key as it was seen in one store. */
export interface Sighting {
  readonly key: Key;
  /** The key as PostgreSQL holds it, or `undefined` when it cannot. */
  readonly keyInPostgres: Key | undefined;
  readonly seenIn: StoreName;
  readonly seenAt: Date;
}

/** Both stores in the roles they had when the comparison began, and a watch that they keep them. */
export class Pair {
  readonly primary: Store;
  readonly secondary: Store;
  readonly epoch: number;
  /** The capture that the secondary follows. */
  readonly captureId: string;

  private constructor(stores: { primary: Store; secondary: Store }, capture: { epoch: number; captureId: string }) {
    this.primary = stores.primary;
    this.secondary = stores.secondary;
    this.epoch = capture.epoch;
    this.captureId = capture.captureId;
  }

  /** @throws Interrupted when neither store follows the other: without that, differences are to be expected. */
  static of(stores: Readonly<Record<StoreName, Store>>, states: Readonly<Record<StoreName, StoreState>>): Pair {
    const { sqlite, postgres } = states;
    if (sqlite.role === postgres.role || sqlite.epoch !== postgres.epoch) {
      throw new Interrupted('the writes are being moved from one database to the other; compare again afterwards');
    }
    const primary: StoreName = sqlite.role === 'primary' ? 'sqlite' : 'postgres';
    const secondary = otherStore(primary);
    const { stage, captureId, epoch } = states[primary];
    if (captureId === null) {
      const remedy = stage === 'sqlite' ? ': run crossfade backfill first' : '';
      throw new Interrupted(`in stage ${stage} neither database follows the other${remedy}`);
    }
    if (states[secondary].watermarkCaptureId !== captureId) {
      throw new Interrupted(`${secondary} has not begun to follow ${primary}: run crossfade backfill`);
    }
    return new Pair({ primary: stores[primary], secondary: stores[secondary] }, { epoch, captureId });
  }

  /**
   * The snapshot of the primary that the secondary equals now, after making sure that it still follows it.
   *
   * @throws Interrupted when the writes have moved meanwhile, or the secondary has begun anew.
   */
  async watermark(): Promise<Position> {
    const [ours, theirs] = await Promise.all([this.primary.state(), this.secondary.state()]);
    if (ours?.role !== 'primary' || theirs?.role !== 'secondary' || ours.epoch !== this.epoch) {
      throw new Interrupted('the writes moved to the other database during the comparison');
    }
    if (
      theirs.watermark === null ||
      theirs.watermarkCaptureId !== this.captureId ||
      ours.captureId !== this.captureId
    ) {
      throw new Interrupted(`${this.secondary.name} stopped following ${this.primary.name} during the comparison`);
    }
    return theirs.watermark;
  }

  /** Which rows of a table, by identity, the primary has changed after a watermark. */
  async changedSince(table: TableSpec, watermark: Position): Promise<{ has(identity: string): boolean }> {
    const keys = await this.primary.changedKeys(table, watermark);
    // What was pruned meanwhile may have been a change of any row. A standby's watermark is old.
    if (keys === 'all' || !(await this.primary.keepsSince(watermark))) return { has: () => true };
    return new Set(keys.map((key) => identity(table, key, this.primary.name)));
  }

  /** The keys of these rows. */
  sight(store: Store, table: TableSpec, rows: readonly Row[]): readonly Sighting[] {
    return rows.map((row) => this.sightKey(store, table, keyOf(table, row)));
  }

  sightKey(store: Store, table: TableSpec, key: Key): Sighting {
    return { key, keyInPostgres: keyInPostgres(table, key, store.name), seenIn: store.name, seenAt: new Date() };
  }

  /** The rows that a store holds under keys seen there or in the other store; `undefined` where it holds none. */
  async lookUp(store: Store, table: TableSpec, sightings: readonly Sighting[]): Promise<readonly (Row | undefined)[]> {
    const keys = sightings.map((sighting) => (store.name === 'postgres' ? sighting.keyInPostgres : sighting.key));
    const asked = keys.filter((key) => key !== undefined);
    if (asked.length === 0) return sightings.map(() => undefined);
    const rows = await store.rowsByKey(table, asked);
    let next = 0;
    return keys.map((key) => (key === undefined ? undefined : rows[next++]));
  }

  /** The primary's row and the secondary's, by the store that holds each. */
  bySide(ours: Row, theirs: Row): { readonly sqlite: Row; readonly postgres: Row } {
    return this.primary.name === 'sqlite' ? { sqlite: ours, postgres: theirs } : { sqlite: theirs, postgres: ours };
  }
}
