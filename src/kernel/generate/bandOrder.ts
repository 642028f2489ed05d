import { type TileIndex, tileRows } from '../tiles/kernelMatrix.js';

/**
 * The lower triangle in bands of `height` tile rows, column by column in each: the rows of a band stay packed while the
 * columns pass by once.
 */
export function* bandOrder(n: number, tileSize: number, height: number): Generator<TileIndex> {
  const rows = tileRows(n, tileSize);
  for (let first = 0; first < rows; first += height) {
    const end = Math.min(rows, first + height);
    for (let column = 0; column < end; column++) {
      for (let row = Math.max(first, column); row < end; row++) yield { row, column };
    }
  }
}
