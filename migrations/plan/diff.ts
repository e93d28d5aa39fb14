import type { Finding, Place } from '../finding.ts';
import type { LiveSchema, LiveTable } from './introspect.ts';

/**
 * How a live PostgreSQL schema differs from the one that a plan makes, both as PostgreSQL tells them, so that even
 * expressions can be compared word for word.
 *
 * @returns one finding per difference: what is missing or other than wanted is a rejection. What is there beside it, such
 * as an index that somebody added for PostgreSQL, is a note.
 */
export function diff(wanted: LiveSchema, found: LiveSchema): readonly Finding[] {
  const findings: Finding[] = [];
  const add = (place: Place, message: string, severity: Finding['severity'] = 'rejection'): void => {
    findings.push({ severity, code: 'drift', place, message });
  };
  const compareAll = <T>(options: {
    wanted: ReadonlyMap<string, T>;
    found: ReadonlyMap<string, T>;
    place: (name: string) => Place;
    text: (one: T) => string;
  }): void => {
    for (const [name, one] of options.wanted) {
      const other = options.found.get(name);
      if (other === undefined) add(options.place(name), 'is missing');
      else if (options.text(one) !== options.text(other)) {
        add(options.place(name), `is ${options.text(other)}, and should be ${options.text(one)}`);
      }
    }
    for (const name of options.found.keys()) {
      if (!options.wanted.has(name)) add(options.place(name), 'is not in the plan', 'note');
    }
  };
  for (const [name, table] of wanted.tables) {
    const other = found.tables.get(name);
    if (other === undefined) {
      add({ table: name }, 'is missing');
      continue;
    }
    for (const kind of PARTS) {
      const place = (part: string): Place => ({ table: name, [kind.place]: part });
      compareAll({ wanted: kind.of(table), found: kind.of(other), place, text: String });
    }
  }
  for (const name of found.tables.keys())
    if (!wanted.tables.has(name)) add({ table: name }, 'is not in the plan', 'note');
  compareAll({
    wanted: wanted.views,
    found: found.views,
    place: (view) => ({ view }),
    text: ({ columns, select }) => `(${columns.join(', ')}) as ${select.replaceAll(/\s+/g, ' ').trim()}`,
  });
  return findings;
}

/** What a table consists of, each part in words that are equal when the parts are. */
const PARTS: readonly {
  readonly place: keyof Place;
  readonly of: (table: LiveTable) => ReadonlyMap<string, string>;
}[] = [
  { place: 'column', of: (table) => texts(table.columns, (column) => describe(column)) },
  {
    place: 'constraint',
    of: (table) =>
      new Map([
        ...(table.primaryKey === null
          ? []
          : [[table.primaryKey.name, `the primary key (${table.primaryKey.columns.join(', ')})`] as const]),
        ...texts(table.uniques, ({ columns }) => `unique (${columns.join(', ')})`),
        ...texts(table.checks, (check) => `CHECK ${check}`),
        ...texts(table.foreignKeys, (key) => describe(key)),
      ]),
  },
  { place: 'index', of: (table) => texts(table.indexes, (index) => describe(index)) },
  { place: 'trigger', of: (table) => table.triggers },
];

function texts<T>(parts: ReadonlyMap<string, T>, text: (part: T) => string): ReadonlyMap<string, string> {
  return new Map([...parts].map(([name, part]) => [name, text(part)]));
}

/** The fields of a part that say something: `type bigint, notNull`. */
function describe(part: object): string {
  return Object.entries(part)
    .filter(([, value]) => value !== null && value !== false)
    .map(([name, value]) =>
      value === true ? name : `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    .join(', ');
}
