import { placeText } from '../../finding.ts';
import type { Finding } from '../../finding.ts';

/** How many keys a finding shows, unless asked otherwise. */
export const EXAMPLES = 5;

/** Findings that are counted as they come: one for each code, place and message. */
export class Tallies {
  readonly #examples: number;
  readonly #open = new Map<string, { readonly finding: Finding; count: number; readonly keys: string[] }>();

  constructor(examples: number = EXAMPLES) {
    this.#examples = examples;
  }

  /** Counts one row. `key` is asked only for the first few. */
  add(finding: Finding, key: () => string): void {
    const id = `${finding.code} ${placeText(finding.place)} ${finding.message}`;
    let open = this.#open.get(id);
    if (open === undefined) this.#open.set(id, (open = { finding, count: 0, keys: [] }));
    open.count += 1;
    if (open.keys.length < this.#examples) open.keys.push(key());
  }

  findings(): readonly Finding[] {
    return [...this.#open.values()].map(({ finding, count, keys }) => ({ ...finding, count, keys }));
  }
}
