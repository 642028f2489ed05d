import { STRIP_ROWS } from '../../../arithmetic/tileFactor.js';

/**
 * Where the Cholesky factor L lies. Rows are padded so that each tile of K begins at a multiple of eight; padding rows
 * belong to an identity matrix. L is cut into square tiles, a tile into **slabs** of `slabColumns` columns, a slab into
 * strips of eight rows: a slab is what one request reads, one product needs, and one checksum covers.
 */
export interface FactorLayout {
  readonly n: number;
  /** Rows of a tile of K, and with its padding. */
  readonly matrixTile: number;
  readonly paddedTile: number;
  /** Rows in all, with padding. */
  readonly length: number;
  /** Rows and columns of a tile of L, a multiple of 8. */
  readonly tileSize: number;
  /** Tile rows. */
  readonly tiles: number;
  /** Columns of a slab, a multiple of 8; the last of a tile may use fewer. */
  readonly slabColumns: number;
  /** Slabs of a tile. */
  readonly slabs: number;
  readonly slabBytes: number;
  readonly tileBytes: number;
}

/** A slab whose rows of one product (128 KiB) stay in the second-level cache. */
const LARGEST_SLAB = 256;

function roundUp8(value: number): number {
  return Math.ceil(value / STRIP_ROWS) * STRIP_ROWS;
}

/** `tileSize` is a multiple of 8. */
export function factorLayout(n: number, matrixTile: number, tileSize: number): FactorLayout {
  const paddedTile = roundUp8(Math.min(matrixTile, n));
  const whole = Math.ceil(n / matrixTile) - 1;
  const length = whole * paddedTile + roundUp8(n - whole * matrixTile);
  const slabs = Math.ceil(tileSize / LARGEST_SLAB);
  const even = roundUp8(tileSize / slabs);
  // Slabs of equal width waste least, unless rounding leaves nothing for the last.
  const slabColumns = even * (slabs - 1) < tileSize ? even : LARGEST_SLAB;
  const slabBytes = 4 * tileSize * slabColumns;
  return {
    n,
    matrixTile,
    paddedTile,
    length,
    tileSize,
    tiles: Math.ceil(length / tileSize),
    slabColumns,
    slabs,
    slabBytes,
    tileBytes: slabs * slabBytes,
  };
}

/** Sizes that fit the tiles of K, largest first: whole numbers of its tiles, then parts of one. */
export function tileSizes(n: number, matrixTile: number): number[] {
  const { paddedTile, length } = factorLayout(n, matrixTile, STRIP_ROWS);
  const tiles = Math.ceil(n / matrixTile);
  const sizes: number[] = [];
  // Of the sizes that cut L into the same number of tiles the smallest is as good as the largest.
  for (let parts = 1; parts <= tiles; parts++) {
    const size = Math.min(length, Math.ceil(tiles / parts) * paddedTile);
    if (sizes.at(-1) !== size) sizes.push(size);
  }
  for (let parts = 2; paddedTile / parts >= SMALLEST_TILE; parts++) sizes.push(roundUp8(paddedTile / parts));
  return sizes;
}
const SMALLEST_TILE = 128;

/** Rows with padding in tile row (or columns in tile column) `i`. */
export function tileRowsOf(layout: FactorLayout, i: number): number {
  return Math.min(layout.tileSize, layout.length - i * layout.tileSize);
}

/** Columns in use in slab `q` of tile column `j`; 0 behind the end. */
export function slabColumnsOf(layout: FactorLayout, j: number, q: number): number {
  return Math.max(0, Math.min(layout.slabColumns, tileRowsOf(layout, j) - q * layout.slabColumns));
}

/** Padded place of row `i` of K. */
export function paddedRow(layout: FactorLayout, i: number): number {
  const tile = Math.floor(i / layout.matrixTile);
  return tile * layout.paddedTile + (i - tile * layout.matrixTile);
}

/** Tiles of L in the file: column by column, each from the diagonal down. */
export function factorTileNumber({ tiles }: FactorLayout, i: number, j: number): number {
  return j * tiles - (j * (j - 1)) / 2 + (i - j);
}

export function factorTileCount({ tiles }: FactorLayout): number {
  return (tiles * (tiles + 1)) / 2;
}

/** Bytes from the start of a slab to row `r` (a multiple of 8). */
export function rowOffset(layout: FactorLayout, r: number): number {
  return 4 * r * layout.slabColumns;
}
