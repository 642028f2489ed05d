import { dtypeBytes } from '../../../arithmetic/dtype.js';
import { tileDtypeCodes } from '../../../arithmetic/tileProduct.js';
import { type Tile, tileRows } from '../../tiles/kernelMatrix.js';
import { type TileSpan, tilesOfSpans } from '../../tiles/tileSpan.js';
import type { KernelProblem } from '../solver.js';

/** Some consecutive rows of one tile row. */
export interface Strip {
  readonly tileRow: number;
  readonly firstRow: number;
  readonly rows: number;
}

/** Cuts every tile row into strips of at most `most` rows, nearly equal in size. */
export function cutStrips(n: number, tileSize: number, most: number): Strip[] {
  const strips: Strip[] = [];
  const size = stripSize(tileSize, most);
  for (let tileRow = 0; tileRow < tileRows(n, tileSize); tileRow++) {
    const end = Math.min(n, (tileRow + 1) * tileSize);
    for (let firstRow = tileRow * tileSize; firstRow < end; firstRow += size)
      strips.push({ tileRow, firstRow, rows: Math.min(size, end - firstRow) });
  }
  return strips;
}

/** Rows of a strip. */
function stripSize(tileSize: number, most: number): number {
  return Math.ceil(tileSize / Math.ceil(tileSize / most));
}

/** Into how many strips a tile row is cut. */
export function stripsOfRow(n: number, tileSize: number, most: number, tileRow: number): number {
  return Math.ceil(Math.min(tileSize, n - tileRow * tileSize) / stripSize(tileSize, most));
}

/** Tiles that hold the rows of a tile row in full, by symmetry. */
export function spansOfRow(tileRow: number, rows: number): readonly TileSpan[] {
  const next = tileRow + 1;
  return [
    { firstRow: tileRow, endRow: next, firstColumn: 0, endColumn: next },
    { firstRow: next, endRow: rows, firstColumn: tileRow, endColumn: next },
  ];
}

/** Rows of K in memory, all n columns of each, as floats (doubles for float64 tiles); columns of held-out rows are 0. */
export class RowStrip {
  readonly #problem: KernelProblem;
  readonly #address: number;
  /** 1 float32, 2 float64. */
  readonly dtype: number;
  readonly entryBytes: number;
  readonly #entries: Float32Array | Float64Array;

  constructor(problem: KernelProblem) {
    this.#problem = problem;
    this.#address = problem.workspace.arena.address('ssgd strip');
    this.dtype = problem.matrix.dtype === 'float64' ? 2 : 1;
    this.entryBytes = this.dtype === 2 ? 8 : 4;
    const { arena } = problem.workspace;
    this.#entries = this.dtype === 2 ? arena.float64('ssgd strip') : arena.float32('ssgd strip');
  }

  /** Address of a row, counted from the strip's first. */
  row(index: number): number {
    return this.#address + index * this.#problem.size.n * this.entryBytes;
  }

  /** K[row, column] of the row counted from the strip's first. */
  entry(index: number, column: number): number {
    return this.#entries[index * this.#problem.size.n + column]!;
  }

  /** Puts the rows of a strip there. */
  async fill(strip: Strip): Promise<void> {
    const { matrix, workspace, size, heldOut, signal } = this.#problem;
    const list = tilesOfSpans(spansOfRow(strip.tileRow, tileRows(size.n, matrix.tileSize)));
    for await (const tile of matrix.tiles(list, signal)) {
      if (tile.row === strip.tileRow) this.#copyRows(tile, strip);
      else this.#copyColumns(tile, strip);
      workspace.threads.run();
    }
    if (heldOut === undefined) return;
    for (let j = 0; j < size.n; j++)
      if (heldOut[j] === 1) for (let r = 0; r < strip.rows; r++) this.#entries[r * size.n + j] = 0;
  }

  #copyRows(tile: Tile, { firstRow, rows }: Strip): void {
    const from = (firstRow - tile.firstRow) * tile.stride;
    this.#copy(tile, from, tile.stride, 1, rows, tile.columns, tile.firstColumn);
  }

  #copyColumns(tile: Tile, { firstRow, rows }: Strip): void {
    this.#copy(tile, firstRow - tile.firstColumn, 1, tile.stride, rows, tile.rows, tile.firstRow);
  }

  /** In parts of 32 rows, for all threads. */
  #copy(
    tile: Tile,
    from: number,
    rowStep: number,
    columnStep: number,
    rows: number,
    columns: number,
    target: number,
  ): void {
    const { n } = this.#problem.size;
    for (let r = 0; r < rows; r += 32) {
      this.#problem.workspace.threads.add(
        'copyEntries',
        tile.address + (from + r * rowStep) * dtypeBytes[tile.dtype],
        tileDtypeCodes.indexOf(tile.dtype),
        rowStep,
        columnStep,
        Math.min(32, rows - r),
        columns,
        this.row(r) + target * this.entryBytes,
        n,
      );
    }
  }
}
