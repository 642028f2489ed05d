import type { TileDtype } from '../functions/kernelFunction.js';

/** Position of a tile in the lower triangle: tile row ≥ tile column. */
export interface TileIndex {
  readonly row: number;
  readonly column: number;
}

/**
 * A tile of K lying in the arena, row-major: element (r, c) at address + (r·stride + c)·bytes. It holds K[firstRow + r,
 * firstColumn + c], without regularization. A diagonal tile is filled on both sides of the diagonal.
 */
export interface Tile extends TileIndex {
  readonly firstRow: number;
  readonly rows: number;
  readonly firstColumn: number;
  readonly columns: number;
  readonly address: number;
  /** Elements from one row to the next. */
  readonly stride: number;
  readonly dtype: TileDtype;
}

/**
 * A symmetric n × n kernel matrix as a stream of tiles of its lower triangle: the one seam between solvers and
 * storage. Stored ones read tiles from disk, computed ones evaluate them again each time; the next tiles are
 * on their way while the caller works on one.
 */
export interface KernelMatrix {
  readonly n: number;
  /** Rows and columns of a tile; those of the last row and column of tiles may have fewer. */
  readonly tileSize: number;
  readonly dtype: TileDtype;
  /** True when tiles come from disk. */
  readonly stored: boolean;
  /** So far. */
  readonly bytesRead: number;
  /**
   * The tiles asked for, in that order; each is valid until the next is asked for. Without `which`: the whole lower
   * triangle, row by row (0,0) (1,0) (1,1) (2,0) …
   */
  tiles(which?: Iterable<TileIndex>, signal?: AbortSignal): AsyncGenerator<Tile>;
  /** Writes K[i, i] for all i. */
  diagonal(target: Float64Array): Promise<void>;
  /**
   * Writes K[:, columns] as float32, row-major, n rows, `stride` floats apart, element (i, c) at
   * address + 4·(i·stride + c). For preconditioners and inducing points. `stride` ≥ the number of columns.
   */
  columns(columns: Uint32Array, address: number, stride: number, signal?: AbortSignal): Promise<void>;
}

/** Tile rows of an n × n matrix. */
export function tileRows(n: number, tileSize: number): number {
  return Math.ceil(n / tileSize);
}

/** Place of a tile in the order of the lower triangle, row by row. */
export function tileNumber({ row, column }: TileIndex): number {
  return (row * (row + 1)) / 2 + column;
}

/** Tile row of the tile with a number. */
export function rowOfTile(number: number): number {
  let row = Math.floor((Math.sqrt(8 * number + 1) - 1) / 2);
  // The root is rounded.
  while ((row * (row + 1)) / 2 > number) row--;
  while (((row + 1) * (row + 2)) / 2 <= number) row++;
  return row;
}

/** Tiles of the lower triangle. */
export function tileCount(n: number, tileSize: number): number {
  const rows = tileRows(n, tileSize);
  return (rows * (rows + 1)) / 2;
}

/** The whole lower triangle, row by row. */
export function* lowerTriangle(n: number, tileSize: number): Generator<TileIndex> {
  const rows = tileRows(n, tileSize);
  for (let row = 0; row < rows; row++) for (let column = 0; column <= row; column++) yield { row, column };
}

/**
 * Tile size for n rows: at most `largest`, tiles nearly equal in size (so that the last is not a sliver), a multiple
 * of 16. Never a power of two times 1024, whose rows would fall on the same cache lines.
 */
export function balancedTileSize(n: number, largest: number): number {
  const parts = Math.ceil(n / largest);
  const size = Math.ceil(Math.ceil(n / parts) / 16) * 16;
  return size % 1024 === 0 ? (size + 16 <= largest ? size + 16 : size - 16) : size;
}
