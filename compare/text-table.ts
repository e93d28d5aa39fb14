/** Rows of cells under a header, in columns: the first one to the left, the others, which are numbers, to the right. */
export function textTable(header: readonly string[], body: readonly (readonly string[])[]): readonly string[] {
  const rows = [header, ...body];
  const widths = header.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** A count with its thousands apart. */
export function count(value: number): string {
  return value.toLocaleString('en');
}
