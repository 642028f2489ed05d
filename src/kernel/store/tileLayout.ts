import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { alignUp } from '../../memory/plan.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { lowerTriangle, rowOfTile, type TileIndex, tileCount, tileNumber } from '../tiles/kernelMatrix.js';

/** What decides where the entries of a matrix on disk lie. */
export interface MatrixShape {
  readonly rows: number;
  readonly columns: number;
  /** Only the tiles of the lower triangle are stored. */
  readonly symmetric: boolean;
  /** Rows and columns of a tile. */
  readonly tileSize: number;
  readonly dtype: TileDtype;
}

/** Slots begin at multiples of this, so that requests can bypass the page cache. */
export const SLOT_ALIGN = 4096;

/** Bytes of one tile on disk and in memory, its padding included. */
export function slotBytes({ tileSize, dtype }: Pick<MatrixShape, 'tileSize' | 'dtype'>): number {
  return alignUp(tileSize * tileSize * dtypeBytes[dtype], SLOT_ALIGN);
}

/** Tiles of the matrix. */
export function tilesOf({ rows, columns, symmetric, tileSize }: MatrixShape): number {
  if (symmetric) return tileCount(rows, tileSize);
  return Math.ceil(rows / tileSize) * Math.ceil(columns / tileSize);
}

/** Bytes of the file of all tiles. */
export function tileFileBytes(shape: MatrixShape): number {
  return tilesOf(shape) * slotBytes(shape);
}

/** Place of a tile in the file: row by row, in the lower triangle or in the whole. */
export function numberOf(shape: MatrixShape, index: TileIndex): number {
  const { row, column } = index;
  const across = Math.ceil(shape.columns / shape.tileSize);
  const inside = row >= 0 && row < Math.ceil(shape.rows / shape.tileSize) && column >= 0 && column < across;
  if (!inside || (shape.symmetric && column > row)) {
    throw new MlmlError('MLML_INTERNAL', `there is no tile in row ${row}, column ${column} of tiles`);
  }
  return shape.symmetric ? tileNumber(index) : row * across + column;
}

/** The tile with a number: the inverse of `numberOf`. */
export function indexOf(shape: MatrixShape, number: number): TileIndex {
  if (!shape.symmetric) {
    const across = Math.ceil(shape.columns / shape.tileSize);
    return { row: Math.floor(number / across), column: number % across };
  }
  const row = rowOfTile(number);
  return { row, column: number - tileNumber({ row, column: 0 }) };
}

/** All stored tiles, in the order of the file. */
export function* allTiles(shape: MatrixShape): Generator<TileIndex> {
  if (shape.symmetric) {
    yield* lowerTriangle(shape.rows, shape.tileSize);
    return;
  }
  const across = Math.ceil(shape.columns / shape.tileSize);
  const down = Math.ceil(shape.rows / shape.tileSize);
  for (let row = 0; row < down; row++) for (let column = 0; column < across; column++) yield { row, column };
}

export interface TileExtent {
  readonly firstRow: number;
  readonly rows: number;
  readonly firstColumn: number;
  readonly columns: number;
}

/** The entries a tile holds. */
export function extentOf(shape: MatrixShape, { row, column }: TileIndex): TileExtent {
  const firstRow = row * shape.tileSize;
  const firstColumn = column * shape.tileSize;
  return {
    firstRow,
    rows: Math.min(shape.tileSize, shape.rows - firstRow),
    firstColumn,
    columns: Math.min(shape.tileSize, shape.columns - firstColumn),
  };
}

/** `tile 7 (rows 1000 to 1999, columns 0 to 999)`, for messages. */
export function tileName(shape: MatrixShape, number: number): string {
  const { firstRow, rows, firstColumn, columns } = extentOf(shape, indexOf(shape, number));
  return `tile ${number} (rows ${firstRow} to ${firstRow + rows - 1}, columns ${firstColumn} to ${firstColumn + columns - 1})`;
}
