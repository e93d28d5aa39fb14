/**
 * What a reader of a report must know of one construct, value or statement.
 *
 * - `note`: a choice that was made, with its evidence; nothing to do.
 * - `warning`: it is carried over, but something about it deserves a look.
 * - `rejection`: it is not carried over; whoever asked gets a non-zero exit status until it is remedied.
 */
export type Severity = 'note' | 'warning' | 'rejection';

/** Where a finding is. As much of it as is known; the report prints `table "orders", column "paid_at"`, `file.sql:12`. */
export interface Place {
  readonly table?: string;
  readonly column?: string;
  readonly index?: string;
  readonly constraint?: string;
  readonly view?: string;
  readonly trigger?: string;
  /** A file of migrations or of source code. */
  readonly file?: string;
  /** In {@link file}, from 1. */
  readonly line?: number;
}

/** One thing that a translation or an audit found. */
export interface Finding {
  readonly severity: Severity;
  /** Stable, in kebab-case: `text-in-integer`, `like-is-case-sensitive`. A baseline file names findings by code and place. */
  readonly code: string;
  readonly place: Place;
  /** One sentence: what was found. Never a value of a row. */
  readonly message: string;
  /** What to do, where something can be done. */
  readonly remedy?: string;
  /** How many rows or places it concerns. */
  readonly count?: number;
  /** Keys of some rows it concerns, as people read them (`[17]`). */
  readonly keys?: readonly string[];
  /** The SQL statement it is about, on one line. */
  readonly statement?: string;
  /** Where else that statement stands; {@link count} then counts all places. */
  readonly places?: readonly Place[];
}

/** A place as people read it: `table "orders", column "paid_at"`. */
export function placeText(place: Place): string {
  const parts = (['view', 'trigger', 'table', 'column', 'index', 'constraint'] as const).flatMap((kind) => {
    const name = place[kind];
    return name === undefined ? [] : [`${kind} "${name}"`];
  });
  if (place.file !== undefined) parts.unshift(place.line === undefined ? place.file : `${place.file}:${place.line}`);
  return parts.join(', ');
}
