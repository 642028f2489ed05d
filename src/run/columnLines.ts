/** Rows of cells as lines, in columns as wide as their widest cell; `isLeft` tells which begin at the left. */
export function columnLines(
  rows: readonly (readonly string[])[],
  isLeft: (column: number) => boolean,
): string[] {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) =>
    row
      .map((cell, c) => (isLeft(c) ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join('  ')
      .trimEnd(),
  );
}
