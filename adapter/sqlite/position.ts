import type { Position } from '../store.ts';

/** A place in the changelog: an entry and its random tag, which tells the entry from another with the same number. */
export interface ChangelogPosition {
  readonly seq: bigint;
  readonly tag: bigint;
}

export function formatPosition(position: ChangelogPosition): Position {
  return JSON.stringify({ seq: String(position.seq), tag: String(position.tag) });
}

export function parsePosition(text: Position): ChangelogPosition {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && 'seq' in value && 'tag' in value) {
    return { seq: BigInt(String(value.seq)), tag: BigInt(String(value.tag)) };
  }
  throw new TypeError(`"${text}" is not a position in a SQLite changelog`);
}
