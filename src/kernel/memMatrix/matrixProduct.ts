import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import type { Threads } from '../../threads/threads.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { entriesOf } from '../store/tileEntries.js';
import { type MatrixShape, slotBytes, tilesOf } from '../store/tileLayout.js';
import { TileStream } from '../store/tileStream.js';
import { TileTable } from '../store/tileTable.js';
import type { TileWriter } from '../store/tileWriter.js';
import { balancedTileSize } from '../tiles/kernelMatrix.js';
import { type MatrixView, readBlock } from './blockReader.js';
import type { OpenMatrix } from './openMatrix.js';

/** Rows of a block that one call works on, and the number type of blocks: float64. */
const STRIP = 128;
const FLOAT64 = 2;
const TILE_SIZES = [512, 256, 128, 64, 32, 16];

export interface MatrixProductPlan {
  /** Of the product. */
  readonly shape: MatrixShape;
  /** Rows and columns of a block of the product, a multiple of its tile size. */
  readonly block: number;
  /** Columns of the left and rows of the right matrix that are multiplied at a time. */
  readonly inner: number;
  /** Bytes of work: a slot of each matrix and of the product, three blocks of doubles, the product's table. */
  readonly bytes: number;
}

/**
 * Sizes for C = A·B, A (rows x inner) and B (inner x columns) on disk, in at most `bytes` bytes: the larger a block of C,
 * the less often A and B are read, which is ⌈columns/block⌉ and ⌈rows/block⌉ times. Pure. When nothing fits, the plan
 * is the smallest, and takes more than `bytes`.
 */
export function planMatrixProduct(
  size: {
    readonly rows: number;
    readonly inner: number;
    readonly columns: number;
    readonly dtype: TileDtype;
  },
  slots: { readonly left: number; readonly right: number; readonly leftTile: number },
  bytes: number,
): MatrixProductPlan {
  const { rows, columns, dtype } = size;
  const longest = Math.max(rows, columns);
  let best: MatrixProductPlan | undefined;
  for (const largest of TILE_SIZES) {
    const tileSize = balancedTileSize(longest, largest);
    const shape: MatrixShape = { rows, columns, symmetric: false, tileSize, dtype };
    const fixed = slots.left + slots.right + slotBytes(shape) + 5 * tilesOf(shape) + 8;
    for (let inner = Math.min(size.inner, slots.leftTile); ; inner = Math.ceil(inner / 2)) {
      // block² + 2·block·inner doubles
      const room = Math.max(0, bytes - fixed) / 8;
      const most = Math.floor((Math.sqrt(inner * inner + room) - inner) / tileSize) * tileSize;
      const block = Math.max(tileSize, Math.min(most, Math.ceil(longest / tileSize) * tileSize));
      const plan = { shape, block, inner, bytes: fixed + 8 * (block * block + 2 * block * inner) };
      const fits = plan.bytes <= bytes;
      if (
        best === undefined ||
        (fits && (best.bytes > bytes || block > best.block)) ||
        (best.bytes > bytes && plan.bytes < best.bytes)
      )
        best = plan;
      if (inner <= 16) break;
    }
  }
  return best!;
}

/** A factor of a product: an open matrix as it is looked at. */
export interface Factor {
  readonly open: OpenMatrix;
  readonly view: MatrixView;
}

/** The table of the product, in the work of `left`, behind everything else. */
export function productTable({ open }: Factor, { shape, bytes }: MatrixProductPlan): TileTable {
  const tiles = tilesOf(shape);
  const address = Math.floor((open.workAddress + bytes - 5 * tiles) / 4) * 4;
  return new TileTable(tiles, open.workspace.arena.buffer, address);
}

/** Writes all tiles of left·right, worked out in doubles. The work lies in the arena of `left`. */
export async function multiplyMatrices(
  left: Factor,
  right: Factor,
  plan: MatrixProductPlan,
  size: { readonly inner: number },
  writer: TileWriter,
  signal?: AbortSignal,
): Promise<void> {
  const { workspace, workAddress } = left.open;
  const { buffer } = workspace.arena;
  const { shape, block, inner } = plan;
  const [leftSlot, rightSlot] = [slotBytes(left.open.shape), slotBytes(right.open.shape)];
  const leftStream = left.open.stream(0, leftSlot);
  const rightStream = new TileStream(workspace, right.open.file, workAddress + leftSlot, rightSlot);
  const out = workAddress + leftSlot + rightSlot;
  const a = out + slotBytes(shape);
  const b = a + 8 * block * inner;
  const c = b + 8 * inner * block;
  const sums = new Float64Array(buffer, c, block * block);
  for (let firstRow = 0; firstRow < shape.rows; firstRow += block) {
    const rows = Math.min(block, shape.rows - firstRow);
    for (let firstColumn = 0; firstColumn < shape.columns; firstColumn += block) {
      const columns = Math.min(block, shape.columns - firstColumn);
      // Blocks of vectors have an even number of columns.
      const width = columns + (columns % 2);
      sums.fill(0, 0, rows * width);
      for (let first = 0; first < size.inner; first += inner) {
        const depth = Math.min(inner, size.inner - first);
        const leftBlock = { firstRow, rows, firstColumn: first, columns: depth };
        await readBlock(left.view, leftStream, buffer, leftBlock, a, depth, signal);
        if (width > columns) new Float64Array(buffer, b, depth * width).fill(0);
        const rightBlock = { firstRow: first, rows: depth, firstColumn, columns };
        await readBlock(right.view, rightStream, buffer, rightBlock, b, width, signal);
        addBlockProduct(workspace.threads, a, rows, depth, b, width, c);
      }
      const extent = { firstRow, rows, firstColumn, columns };
      await writeBlock(writer, shape, extent, { sums, width }, { buffer, address: out });
    }
  }
}

/** c += a·b for dense blocks of doubles: a (rows x depth), b (depth x width), c (rows x width). */
function addBlockProduct(
  threads: Threads,
  a: number,
  rows: number,
  depth: number,
  b: number,
  width: number,
  c: number,
): void {
  for (let r = 0; r < rows; r += STRIP) {
    const strip = Math.min(STRIP, rows - r);
    threads.add(
      'addTileProduct',
      a + 8 * r * depth,
      FLOAT64,
      depth,
      strip,
      depth,
      b,
      width,
      c + 8 * r * width,
    );
  }
  threads.run();
}

async function writeBlock(
  writer: TileWriter,
  shape: MatrixShape,
  block: {
    readonly firstRow: number;
    readonly rows: number;
    readonly firstColumn: number;
    readonly columns: number;
  },
  from: { readonly sums: Float64Array; readonly width: number },
  slot: { readonly buffer: SharedArrayBuffer; readonly address: number },
): Promise<void> {
  const { tileSize, dtype } = shape;
  const entries = entriesOf(slot.buffer, dtype);
  const base = slot.address / dtypeBytes[dtype];
  for (let top = 0; top < block.rows; top += tileSize) {
    for (let left = 0; left < block.columns; left += tileSize) {
      const rows = Math.min(tileSize, block.rows - top);
      const columns = Math.min(tileSize, block.columns - left);
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          const value = from.sums[(top + r) * from.width + left + c]!;
          entries.set(base + r * tileSize + c, value);
          if (!Number.isFinite(entries.get(base + r * tileSize + c))) {
            const place = `row ${block.firstRow + top + r}, column ${block.firstColumn + left + c}`;
            throw new MlmlError(
              'MLML_BAD_DATA',
              `the product has ${value} in ${place}, which does not fit ${dtype}; choose a wider dtype`,
            );
          }
        }
      }
      const row = (block.firstRow + top) / tileSize;
      await writer.write({ row, column: (block.firstColumn + left) / tileSize }, slot.address);
    }
  }
}
