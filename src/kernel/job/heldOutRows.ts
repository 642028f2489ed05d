import { MlmlError } from '../../errors.js';
import { Random } from '../../memory/random.js';
import type { KernelTrainOptions } from '../options.js';

/** Held-out rows choose among several regularizations, and say when accuracy has settled. */
export function needsHeldOut({ reg, patience }: Pick<KernelTrainOptions, 'reg' | 'patience'>): boolean {
  return reg.length > 1 || patience > 0;
}

/** Marks a random share of the rows with 1, at least one and never all; the same for a seed. */
export function markHeldOut(
  marks: Uint8Array,
  { holdout, seed }: Pick<KernelTrainOptions, 'holdout' | 'seed'>,
): void {
  const n = marks.length;
  const count = Math.round(holdout * n);
  if (count < 1 || count > n - 1) {
    throw new MlmlError(
      'MLML_USAGE',
      `--holdout=${holdout}: leaves ${n - count} of ${n} rows to learn from and ${count} to choose by; give a share between 0 and 1 that leaves some of both`,
    );
  }
  marks.fill(0);
  const random = Random.of(seed, n, 0x48);
  // Selection sampling (Knuth, TAOCP vol. 2, 3.4.2, algorithm S).
  let wanted = count;
  for (let i = 0; i < n; i++) {
    if (random.below(n - i) >= wanted) continue;
    marks[i] = 1;
    wanted--;
  }
}
