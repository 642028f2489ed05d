import { rowOfTile, type TileIndex, tileNumber } from './kernelMatrix.js';

/** The tiles of the lower triangle (column ≤ row) in some consecutive tile rows and tile columns. */
export interface TileSpan {
  readonly firstRow: number;
  readonly endRow: number;
  readonly firstColumn: number;
  readonly endColumn: number;
}

/** The lower triangle of so many tile rows. */
export function triangleSpan(rows: number): TileSpan {
  return { firstRow: 0, endRow: rows, firstColumn: 0, endColumn: rows };
}

/** Tiles of spans, one span after the other, row by row. */
export function* tilesOfSpans(spans: Iterable<TileSpan>): Generator<TileIndex> {
  for (const { firstRow, endRow, firstColumn, endColumn } of spans)
    for (let row = firstRow; row < endRow; row++)
      for (let column = firstColumn; column < Math.min(endColumn, row + 1); column++) yield { row, column };
}

/** The same tiles from the last to the first. */
export function* tilesOfSpansBack(spans: readonly TileSpan[]): Generator<TileIndex> {
  for (let i = spans.length - 1; i >= 0; i--) {
    const { firstRow, endRow, firstColumn, endColumn } = spans[i]!;
    for (let row = endRow - 1; row >= firstRow; row--)
      for (let column = Math.min(endColumn, row + 1) - 1; column >= firstColumn; column--)
        yield { row, column };
  }
}

/** Number of tiles in a span. */
export function spanLength({ firstRow, endRow, firstColumn, endColumn }: TileSpan): number {
  // Row r holds the columns up to r; from row `whole` on all that are asked for.
  const whole = Math.max(firstRow, endColumn - 1);
  const full = Math.max(0, endRow - whole) * Math.max(0, endColumn - firstColumn);
  const first = Math.max(firstRow, firstColumn);
  const cut = Math.max(0, Math.min(whole, endRow) - first);
  const firstWidth = first - firstColumn + 1;
  return full + cut * firstWidth + (cut * (cut - 1)) / 2;
}

/** Number of tiles in spans. */
export function spansLength(spans: Iterable<TileSpan>): number {
  let length = 0;
  for (const span of spans) length += spanLength(span);
  return length;
}

/** Number of tiles in a span that are among the first `count` of the lower triangle, in the order of `tileNumber`. */
export function lengthAmongFirst(span: TileSpan, count: number): number {
  if (count === 0) return 0;
  const row = rowOfTile(count);
  const length = spanLength({ ...span, endRow: Math.min(span.endRow, row) });
  if (row < span.firstRow || row >= span.endRow) return length;
  const rest = count - tileNumber({ row, column: 0 });
  return length + Math.max(0, Math.min(span.endColumn, rest) - span.firstColumn);
}
