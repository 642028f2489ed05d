import { dtypeBytes } from '../../../arithmetic/dtype.js';
import { stripIndex } from '../../../arithmetic/tileFactor.js';
import { tileDtypeCodes } from '../../../arithmetic/tileProduct.js';
import type { Threads } from '../../../threads/threads.js';
import type { KernelMatrix, Tile, TileIndex } from '../../tiles/kernelMatrix.js';
import { type FactorLayout, rowOffset, tileRowsOf } from './factorLayout.js';

/** Rows that one call copies. */
const STRIP = 64;

/** Tiles of K, in the order in which the factorisation from tile column `first` on wants them, with the tile of L each is for. */
function* wanted(layout: FactorLayout, first: number): Generator<TileIndex> {
  for (let j = first; j < layout.tiles; j++) {
    for (let i = j; i < layout.tiles; i++) yield* covering(layout, i, j);
  }
}

/** Tiles of K that overlap tile (i, j) of L. */
function* covering(layout: FactorLayout, i: number, j: number): Generator<TileIndex> {
  const { tileSize, paddedTile } = layout;
  const from = (t: number) => Math.floor((t * tileSize) / paddedTile);
  const to = (t: number) => Math.floor((t * tileSize + tileRowsOf(layout, t) - 1) / paddedTile);
  for (let row = from(i); row <= to(i); row++)
    for (let column = from(j); column <= Math.min(to(j), row); column++) yield { row, column };
}

/**
 * Hands out the tiles of A = scale·(K + λI), in strips, column of tiles by column from a given one on. Rows held out, and
 * padding, are rows of the identity: they do not touch the others.
 */
export class TileSource {
  readonly #layout: FactorLayout;
  readonly #threads: Threads;
  readonly #floats: Float32Array;
  readonly #address: number;
  readonly #heldOut: Uint8Array | undefined;
  readonly #shift: number;
  readonly #scale: number;
  readonly #tiles: AsyncGenerator<Tile>;

  /** `shift` is added to the diagonal of K, then all is multiplied by `scale`; tiles are written at `address`. */
  constructor(
    layout: FactorLayout,
    matrix: KernelMatrix,
    threads: Threads,
    buffer: SharedArrayBuffer,
    address: number,
    heldOut: Uint8Array | undefined,
    shift: number,
    scale: number,
    first: number,
    signal: AbortSignal | undefined,
  ) {
    this.#layout = layout;
    this.#threads = threads;
    this.#floats = new Float32Array(buffer, address, layout.tileBytes / 4);
    this.#address = address;
    this.#heldOut = heldOut;
    this.#shift = shift;
    this.#scale = scale;
    this.#tiles = matrix.tiles(wanted(layout, first), signal);
  }

  /** Writes tile (i, j) of A; tiles must be asked for in their order. */
  async load(i: number, j: number): Promise<void> {
    this.#floats.fill(0);
    for (const _ of covering(this.#layout, i, j)) {
      const next = await this.#tiles.next();
      if (next.done !== true) this.#copy(next.value, i, j);
    }
    this.#mask(i, j);
  }

  async close(): Promise<void> {
    await this.#tiles.return(undefined);
  }

  /** The part of a tile of K that lies in tile (i, j). */
  #copy(tile: Tile, i: number, j: number): void {
    const { tileSize, paddedTile, slabColumns, slabBytes } = this.#layout;
    const bytes = dtypeBytes[tile.dtype];
    const code = tileDtypeCodes.indexOf(tile.dtype);
    // All in padded rows and columns of A.
    const [top, left] = [tile.row * paddedTile, tile.column * paddedTile];
    const rowEnd = Math.min(top + tile.rows, i * tileSize + tileRowsOf(this.#layout, i));
    const firstRow = Math.max(top, i * tileSize);
    const firstColumn = Math.max(left, j * tileSize);
    const columnEnd = Math.min(left + tile.columns, j * tileSize + tileRowsOf(this.#layout, j));
    for (let c = firstColumn; c < columnEnd; ) {
      const local = c - j * tileSize;
      const slab = Math.floor(local / slabColumns);
      const columns = Math.min(columnEnd - c, (slab + 1) * slabColumns - local);
      for (let r = firstRow; r < rowEnd; r += STRIP) {
        this.#threads.add(
          'loadStrips',
          tile.address + ((r - top) * tile.stride + (c - left)) * bytes,
          code,
          tile.stride,
          Math.min(STRIP, rowEnd - r),
          columns,
          this.#address +
            slab * slabBytes +
            rowOffset(this.#layout, r - i * tileSize) +
            32 * (local - slab * slabColumns),
          slabColumns,
          this.#scale,
        );
      }
      c += columns;
    }
    this.#threads.run();
  }

  /** Place of element (r, c) of the tile. */
  #place(r: number, c: number): number {
    const { slabColumns, slabBytes } = this.#layout;
    const slab = Math.floor(c / slabColumns);
    return (slab * slabBytes) / 4 + stripIndex(r, c - slab * slabColumns, slabColumns);
  }

  #mask(i: number, j: number): void {
    const [rows, columns] = [tileRowsOf(this.#layout, i), tileRowsOf(this.#layout, j)];
    if (this.#heldOut !== undefined) {
      for (let r = 0; r < rows; r++) {
        if (this.#takesPart(i, r)) continue;
        for (let c = 0; c < columns; c++) this.#floats[this.#place(r, c)] = 0;
      }
      for (let c = 0; c < columns; c++) {
        if (this.#takesPart(j, c)) continue;
        for (let r = 0; r < rows; r++) this.#floats[this.#place(r, c)] = 0;
      }
    }
    if (i !== j) return;
    for (let r = 0; r < rows; r++) {
      if (this.#takesPart(i, r)) this.#floats[this.#place(r, r)]! += this.#shift * this.#scale;
      else this.#floats[this.#place(r, r)] = 1;
    }
  }

  /** False for padding and rows held out. */
  #takesPart(tileRow: number, r: number): boolean {
    const { paddedTile, matrixTile, n, tileSize } = this.#layout;
    const padded = tileRow * tileSize + r;
    const tile = Math.floor(padded / paddedTile);
    const inside = padded - tile * paddedTile;
    const row = tile * matrixTile + inside;
    return inside < matrixTile && row < n && this.#heldOut?.[row] !== 1;
  }
}

/** Fills the tile at the start of `floats` with the identity. */
export function fillIdentity(layout: FactorLayout, floats: Float32Array, rows: number): void {
  const { slabColumns, slabBytes } = layout;
  floats.fill(0);
  for (let r = 0; r < rows; r++) {
    const slab = Math.floor(r / slabColumns);
    floats[(slab * slabBytes) / 4 + stripIndex(r, r - slab * slabColumns, slabColumns)] = 1;
  }
}
