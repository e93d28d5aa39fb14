import type { SqliteSchema, SqliteTable } from '../sqlite/schema.ts';

export interface ColumnPlace {
  readonly table: SqliteTable;
  /** As the schema spells it. */
  readonly column: string;
}

/** Columns that foreign keys join, directly or over others: each set's members must be of one type. Parents come first. */
export function foreignKeyFamilies(schema: SqliteSchema): readonly (readonly ColumnPlace[])[] {
  const union = new Union();
  for (const table of schema.tables) {
    for (const { columns, parent, parentColumns } of table.foreignKeys) {
      const parentTable = schema.tables.find(({ name }) => name.toLowerCase() === parent.toLowerCase());
      columns.forEach((column, index) => {
        const child = placeOf(table, column);
        const above = parentTable && placeOf(parentTable, parentColumns[index]);
        if (child !== undefined && above !== undefined) union.join(above, child);
      });
    }
  }
  return union.sets();
}

function placeOf(table: SqliteTable, name: string | undefined): ColumnPlace | undefined {
  const column = table.columns.find((candidate) => candidate.name.toLowerCase() === name?.toLowerCase());
  return column && { table, column: column.name };
}

class Union {
  readonly #sets = new Map<string, Set<string>>();
  readonly #places = new Map<string, ColumnPlace>();
  readonly #parents = new Set<string>();

  join(parent: ColumnPlace, child: ColumnPlace): void {
    const above = this.#setOf(parent);
    const below = this.#setOf(child);
    this.#parents.add(idOf(parent));
    if (above === below) return;
    for (const id of below) {
      above.add(id);
      this.#sets.set(id, above);
    }
  }

  sets(): ColumnPlace[][] {
    return [...new Set(this.#sets.values())].map((set) => {
      const ids = [...set].toSorted((a, b) => Number(this.#parents.has(b)) - Number(this.#parents.has(a)));
      return ids.flatMap((id) => this.#places.get(id) ?? []);
    });
  }

  #setOf(place: ColumnPlace): Set<string> {
    const id = idOf(place);
    this.#places.set(id, place);
    const set = this.#sets.get(id) ?? new Set([id]);
    this.#sets.set(id, set);
    return set;
  }
}

function idOf({ table, column }: ColumnPlace): string {
  return JSON.stringify([table.name, column]);
}
