import { MlmlError } from '../../errors.js';
import { Random } from '../../memory/random.js';
import { selectionSample } from '../../memory/selectionSample.js';
import type { KernelTrainOptions } from '../options.js';

/** Number of the random stream that draws them. */
const HELD_OUT_STREAM = 0x48;

/** Held-out rows choose among several regularizations, and say when accuracy has settled. */
export function needsHeldOut({ reg, patience }: Pick<KernelTrainOptions, 'reg' | 'patience'>): boolean {
  return reg.length > 1 || patience > 0;
}

/** Rows held out of n: at least one and never all. */
export function heldOutCount(n: number, { holdout }: Pick<KernelTrainOptions, 'holdout'>): number {
  const count = Math.round(holdout * n);
  if (count < 1 || count > n - 1) {
    throw new MlmlError(
      'MLML_USAGE',
      `--holdout=${holdout}: leaves ${n - count} of ${n} rows to learn from and ${count} to choose by; give a share between 0 and 1 that leaves some of both`,
    );
  }
  return count;
}

/** Marks a random share of the rows with 1; the same for a seed. */
export function markHeldOut(marks: Uint8Array, options: Pick<KernelTrainOptions, 'holdout' | 'seed'>): void {
  const n = marks.length;
  marks.fill(0);
  const random = Random.of(options.seed, n, HELD_OUT_STREAM);
  for (const row of selectionSample(n, heldOutCount(n, options), random)) marks[row] = 1;
}
