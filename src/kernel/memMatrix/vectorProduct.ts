import { alignUp } from '../../memory/plan.js';
import { type MatrixShape, slotBytes } from '../store/tileLayout.js';
import { planTileSlots } from '../store/tileStream.js';
import { addTimesTile, addTimesTransposedTile } from '../tiles/multiply.js';
import type { MatrixView } from './blockReader.js';
import type { OpenMatrix } from './openMatrix.js';

export interface VectorProductPlan {
  /** Vectors taken in one pass, an even number. */
  readonly width: number;
  readonly passes: number;
  /** Of tile slots, at the start of the work; the vectors follow. */
  readonly slotBytes: number;
  readonly bytes: number;
}

/**
 * How to multiply a matrix with `width` vectors in at most `bytes` bytes of work: as many vectors a pass as fit beside one
 * tile, then as many tiles as fit beside them. Pure. When two vectors do not fit, the plan takes more than `bytes`.
 */
export function planVectorProduct(shape: MatrixShape, width: number, bytes: number): VectorProductPlan {
  const each = 8 * (shape.rows + shape.columns);
  const slot = slotBytes(shape);
  const fit = Math.floor((bytes - slot) / (2 * each)) * 2;
  const wide = Math.max(2, Math.min(alignUp(width, 2), fit));
  const slots = planTileSlots(shape, bytes - wide * each).bytes;
  return {
    width: wide,
    passes: Math.ceil(width / wide),
    slotBytes: slots,
    bytes: slots + wide * each,
  };
}

/** result = view · block; `block` and `result` have `width` columns, row by row. */
export async function addViewProduct(
  open: OpenMatrix,
  { shape, transposed, shift }: MatrixView,
  plan: VectorProductPlan,
  block: Float64Array,
  width: number,
  result: Float64Array,
): Promise<void> {
  const [rows, columns] = transposed ? [shape.columns, shape.rows] : [shape.rows, shape.columns];
  const { threads, arena } = open.workspace;
  const v = open.workAddress + plan.slotBytes;
  const target = v + 8 * columns * plan.width;
  const vectors = new Float64Array(arena.buffer, v, columns * plan.width);
  const sums = new Float64Array(arena.buffer, target, rows * plan.width);
  const stream = open.stream(0, plan.slotBytes);
  for (let first = 0; first < width; first += plan.width) {
    const count = Math.min(plan.width, width - first);
    vectors.fill(0);
    for (let i = 0; i < columns; i++)
      for (let c = 0; c < count; c++) vectors[i * plan.width + c] = block[i * width + first + c]!;
    sums.fill(0);
    for await (const tile of stream.tiles(undefined, open.options.signal)) {
      if (!transposed) addTimesTile(threads, tile, v, plan.width, target);
      if (transposed || (shape.symmetric && tile.row !== tile.column))
        addTimesTransposedTile(threads, tile, v, plan.width, target);
      threads.run();
    }
    for (let i = 0; i < rows; i++) {
      for (let c = 0; c < count; c++) {
        const added = shift === 0 ? 0 : shift * block[i * width + first + c]!;
        result[i * width + first + c] = sums[i * plan.width + c]! + added;
      }
    }
  }
}
