import type { Scaling } from '../../data/scaling.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import type { Arena } from '../../memory/arena.js';
import type { SparsePlan } from './planSparse.js';

/** Fills the regions that hold a number for each feature: factors, and for threads without locks the inverse of its nonzeros. */
export async function writeFactors(
  plan: SparsePlan,
  dataset: SparseDataset,
  { multiply }: Scaling,
  arena: Arena,
): Promise<void> {
  if (arena.has('scaling')) arena.float32('scaling').set(multiply);
  if (!arena.has('hogwild inverse')) return;
  // Where scores are computed later.
  const counts = arena.float64('score weights').subarray(0, plan.layout.d);
  await dataset.readFeatures('nonzeros', counts);
  const inverse = arena.float32('hogwild inverse');
  const share = plan.used / dataset.description.parts.train.n;
  for (let j = 0; j < counts.length; j++) inverse[j] = 1 / Math.max(1, counts[j]! * share);
  counts.fill(0);
}
