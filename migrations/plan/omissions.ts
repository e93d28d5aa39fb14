import { CrossfadeError } from '../../adapter/errors.ts';

const KINDS = [
  'table',
  'view',
  'trigger',
  'index',
  'default',
  'check',
  'unique',
  'foreign-key',
  'conflict-clause',
] as const;

/**
 * How a configuration names something to leave out: `trigger:audit_log`, `view:totals`, `index:by_name`,
 * `default:orders.created_at`, `check:orders.orders_total_check`, `foreign-key:orders.customer_id` (its columns joined by
 * commas).
 */
export type Omissible = `${(typeof KINDS)[number]}:${string}`;

/** What a configuration leaves out of a plan, by name; names are taken in any case, as SQLite does. */
export class Omissions {
  readonly #wanted: ReadonlyMap<string, string>;
  readonly #used = new Set<string>();

  /** @throws CrossfadeError `CONFIG_INVALID` for an entry of another form. */
  constructor(omit: readonly string[]) {
    for (const entry of omit) {
      if (KINDS.some((kind) => entry.startsWith(`${kind}:`))) continue;
      throw new CrossfadeError('CONFIG_INVALID', `omit holds "${entry}", which names nothing that can be left out`, {
        hint: `write one of ${KINDS.map((kind) => `${kind}:<name>`).join(', ')}, as the report does`,
      });
    }
    this.#wanted = new Map(omit.map((entry) => [entry.toLowerCase(), entry]));
  }

  has(omissible: Omissible): boolean {
    const name = omissible.toLowerCase();
    if (!this.#wanted.has(name)) return false;
    this.#used.add(name);
    return true;
  }

  /** Entries that named nothing: a mistake in the configuration. */
  get unused(): readonly string[] {
    return [...this.#wanted].filter(([name]) => !this.#used.has(name)).map(([, entry]) => entry);
  }
}
