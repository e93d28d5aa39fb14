import { queryShape } from './query-shape.ts';
import type { QueryShape } from './query-shape.ts';

/** A shape with what this process has found out about it. */
export interface KnownShape {
  readonly shape: QueryShape;
  /** How long SQLite took the last time, in seconds. */
  sqliteSeconds: number;
}

const KEPT_TEXTS = 1_000;
const LONGEST_KEPT = 20_000;

/** The shapes of the last statements, by their text: taking one to pieces costs more than most queries. */
export class KnownShapes {
  readonly #bySql = new Map<string, KnownShape>();
  readonly #byId = new Map<string, KnownShape>();

  of(sql: string): KnownShape {
    const kept = this.#bySql.get(sql);
    if (kept !== undefined) return kept;
    const shape = queryShape(sql);
    const known = this.#byId.get(shape.id) ?? { shape, sqliteSeconds: 0 };
    if (this.#bySql.size >= KEPT_TEXTS) {
      this.#bySql.clear();
      this.#byId.clear();
    }
    this.#byId.set(shape.id, known);
    if (sql.length <= LONGEST_KEPT) this.#bySql.set(sql, known);
    return known;
  }
}
