import { dtypeBytes } from '../../arithmetic/dtype.js';
import { entriesOf } from '../store/tileEntries.js';
import type { MatrixShape, TileExtent } from '../store/tileLayout.js';
import type { TileStream } from '../store/tileStream.js';
import type { Tile, TileIndex } from '../tiles/kernelMatrix.js';

/** A matrix as it is looked at: M, or Mᵀ, plus shift·I. */
export interface MatrixView {
  readonly shape: MatrixShape;
  readonly transposed: boolean;
  readonly shift: number;
}

/** Where a block of doubles lies: element (r, c) at address + 8·(r·rowStride + c·columnStride). */
interface Target {
  readonly numbers: Float64Array;
  readonly rowStride: number;
  readonly columnStride: number;
}

/**
 * Reads a block of a view as doubles, row-major, `stride` doubles from one row to the next, to `address` in the stream's arena.
 * Each tile that holds a part of it is read once.
 */
export async function readBlock(
  view: MatrixView,
  stream: TileStream,
  buffer: SharedArrayBuffer,
  block: TileExtent,
  address: number,
  stride: number,
  signal?: AbortSignal,
): Promise<void> {
  const { shape, transposed, shift } = view;
  const { firstRow, rows, firstColumn, columns } = block;
  const numbers = new Float64Array(buffer, address, (rows - 1) * stride + columns);
  const stored: TileExtent = transposed
    ? { firstRow: firstColumn, rows: columns, firstColumn: firstRow, columns: rows }
    : block;
  const target: Target = {
    numbers,
    rowStride: transposed ? 1 : stride,
    columnStride: transposed ? stride : 1,
  };
  const copy = copier(buffer, shape);
  for await (const tile of stream.tiles(tilesOfBlock(shape, stored), signal)) {
    copy(tile, false, stored, target);
    if (shape.symmetric && tile.row !== tile.column) copy(tile, true, stored, target);
  }
  if (shift === 0) return;
  const last = Math.min(firstRow + rows, firstColumn + columns);
  for (let i = Math.max(firstRow, firstColumn); i < last; i++)
    numbers[(i - firstRow) * stride + i - firstColumn]! += shift;
}

/** The stored tiles that hold a part of a block, each once. */
function* tilesOfBlock(shape: MatrixShape, block: TileExtent): Generator<TileIndex> {
  const { tileSize, symmetric } = shape;
  const tileOf = (place: number) => Math.floor(place / tileSize);
  const [top, bottom] = [tileOf(block.firstRow), tileOf(block.firstRow + block.rows - 1)];
  const [left, right] = [tileOf(block.firstColumn), tileOf(block.firstColumn + block.columns - 1)];
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      if (!symmetric || column <= row) yield { row, column };
      // Its mirror image is stored; the block may hold that too, and then it comes by itself.
      else if (column < top || column > bottom || row < left || row > right)
        yield { row: column, column: row };
    }
  }
}

/** Copies what a tile, or its mirror image, shares with a block. */
function copier(buffer: SharedArrayBuffer, { dtype }: MatrixShape) {
  const entries = entriesOf(buffer, dtype);
  return (tile: Tile, mirrored: boolean, block: TileExtent, target: Target) => {
    const first = tile.address / dtypeBytes[dtype];
    const [tileRow, tileColumn] = mirrored
      ? [tile.firstColumn, tile.firstRow]
      : [tile.firstRow, tile.firstColumn];
    const [tileRows, tileColumns] = mirrored ? [tile.columns, tile.rows] : [tile.rows, tile.columns];
    const [rowStep, columnStep] = mirrored ? [1, tile.stride] : [tile.stride, 1];
    const from = Math.max(tileRow, block.firstRow);
    const to = Math.min(tileRow + tileRows, block.firstRow + block.rows);
    const left = Math.max(tileColumn, block.firstColumn);
    const right = Math.min(tileColumn + tileColumns, block.firstColumn + block.columns);
    const { numbers, rowStride, columnStride } = target;
    for (let i = from; i < to; i++) {
      let source = first + (i - tileRow) * rowStep + (left - tileColumn) * columnStep;
      let place = (i - block.firstRow) * rowStride + (left - block.firstColumn) * columnStride;
      for (let j = left; j < right; j++) {
        numbers[place] = entries.get(source);
        source += columnStep;
        place += columnStride;
      }
    }
  };
}
