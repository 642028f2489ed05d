import { dtypeBytes } from '../../arithmetic/dtype.js';
import type { Tile, TileIndex } from '../tiles/kernelMatrix.js';
import { entriesOf } from './tileEntries.js';
import { allTiles, type MatrixShape } from './tileLayout.js';
import type { TileStream } from './tileStream.js';

function* diagonalTiles({ rows, tileSize }: MatrixShape): Generator<TileIndex> {
  for (let row = 0; row * tileSize < rows; row++) yield { row, column: row };
}

/** target[i] = M[i, i] for all rows of a square matrix. */
export async function readDiagonal(
  stream: TileStream,
  shape: MatrixShape,
  buffer: SharedArrayBuffer,
  target: Float64Array,
): Promise<void> {
  const entries = entriesOf(buffer, shape.dtype);
  for await (const tile of stream.tiles(diagonalTiles(shape))) {
    const first = tile.address / dtypeBytes[shape.dtype];
    for (let r = 0; r < tile.rows; r++)
      target[tile.firstRow + r] = entries.get(first + r * (tile.stride + 1));
  }
}

/**
 * Writes the columns asked for of a symmetric matrix as float32 (see `KernelMatrix.columns`). Reads the tiles that lie in the
 * rows or columns of tiles of those columns, each once.
 */
export async function readColumns(
  stream: TileStream,
  shape: MatrixShape,
  buffer: SharedArrayBuffer,
  wanted: { readonly columns: Uint32Array; readonly address: number; readonly stride: number },
  signal?: AbortSignal,
): Promise<void> {
  const { columns, stride } = wanted;
  const entries = entriesOf(buffer, shape.dtype);
  const target = new Float32Array(buffer, wanted.address, shape.rows * stride);
  // Positions of the wanted columns, by tile.
  const places = new Map<number, number[]>();
  for (let place = 0; place < columns.length; place++) {
    const tile = Math.floor(columns[place]! / shape.tileSize);
    const others = places.get(tile);
    if (others === undefined) places.set(tile, [place]);
    else others.push(place);
  }
  const copy = (tile: Tile) => {
    const first = tile.address / dtypeBytes[shape.dtype];
    for (const place of places.get(tile.column) ?? []) {
      const from = first + columns[place]! - tile.firstColumn;
      const to = tile.firstRow * stride + place;
      for (let r = 0; r < tile.rows; r++) target[to + r * stride] = entries.get(from + r * tile.stride);
    }
    if (tile.row === tile.column) return;
    for (const place of places.get(tile.row) ?? []) {
      const from = first + (columns[place]! - tile.firstRow) * tile.stride;
      const to = tile.firstColumn * stride + place;
      for (let c = 0; c < tile.columns; c++) target[to + c * stride] = entries.get(from + c);
    }
  };
  for await (const tile of stream.tiles(tilesOfColumns(shape, places), signal)) copy(tile);
}

function* tilesOfColumns(shape: MatrixShape, places: ReadonlyMap<number, unknown>): Generator<TileIndex> {
  for (const index of allTiles(shape)) if (places.has(index.row) || places.has(index.column)) yield index;
}
