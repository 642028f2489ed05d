import { dtypeBytes } from '../../../arithmetic/dtype.js';
import { tileDtypeCodes } from '../../../arithmetic/tileProduct.js';
import { largestOf } from '../heldOut.js';
import { vectorWidth } from '../solver.js';
import type { CrossBlocks, NystromProblem } from './nystromProblem.js';

/** Rows of one call. */
const STRIP = 128;

/**
 * Accuracy (or root mean squared error) of each regularization on rows that were not learnt from, in one pass over them.
 * `coefficients` is [m][width], the columns of regularization l from l·k on.
 */
export async function validate(
  { workspace, size, classification, signal }: NystromProblem,
  rows: CrossBlocks,
  coefficients: Float64Array,
): Promise<number[]> {
  const { arena, threads } = workspace;
  const { m, k, regularizations } = size;
  const width = vectorWidth(size);
  const scores = arena.float64('nystrom scores');
  const targets = arena.float64('nystrom targets');
  const sums = new Float64Array(regularizations);
  for await (const block of rows.blocks(0, signal)) {
    if (block.firstColumn === 0) scores.fill(0);
    for (let r = 0; r < block.rows; r += STRIP) {
      threads.add(
        'addTileProduct',
        block.address + r * block.stride * dtypeBytes[block.dtype],
        tileDtypeCodes.indexOf(block.dtype),
        block.stride,
        Math.min(STRIP, block.rows - r),
        block.columns,
        coefficients.byteOffset + 8 * block.firstColumn * width,
        width,
        scores.byteOffset + 8 * r * width,
      );
    }
    threads.run();
    if (block.firstColumn + block.columns < m) continue;
    await rows.readTargets(block.firstRow, block.rows, targets.subarray(0, block.rows * k));
    for (let r = 0; r < block.rows; r++) {
      for (let l = 0; l < regularizations; l++) {
        const at = r * width + l * k;
        if (classification) sums[l]! += largestOf(scores, at, k) === largestOf(targets, r * k, k) ? 1 : 0;
        else for (let c = 0; c < k; c++) sums[l]! += (scores[at + c]! - targets[r * k + c]!) ** 2 / k;
      }
    }
  }
  return Array.from(sums, (sum) => (classification ? sum / rows.rows : Math.sqrt(sum / rows.rows)));
}
