import type { Scaling, ScalingName } from '../../data/scaling.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';

/**
 * Scaling of sparse rows: zeros stay zeros. none (and auto): as stored. unit: divided by the largest absolute value. standard:
 * divided by the standard deviation, not centred: an intercept, which is not penalised, takes up the means, so that the minimiser is
 * that of centred features. Features that are 0 in every training row, or the same in every one, become 0.
 */
export async function sparseScaling(dataset: SparseDataset, given: ScalingName): Promise<Scaling> {
  const { d } = dataset.description;
  const name = given === 'auto' ? 'none' : given;
  const multiply = new Float64Array(d).fill(1);
  const add = new Float64Array(d);
  // `add` is work space until the end.
  if (name === 'unit') {
    await dataset.readFeatures('min', multiply);
    await dataset.readFeatures('max', add);
    for (let j = 0; j < d; j++) multiply[j] = inverseOf(Math.max(Math.abs(multiply[j]!), Math.abs(add[j]!)));
  } else if (name === 'standard') {
    await dataset.readFeatures('variance', multiply);
    await dataset.readFeatures('mean', add);
    for (let j = 0; j < d; j++) {
      const deviation = Math.sqrt(multiply[j]!);
      // Rounding leaves a constant feature a variance near, not at, zero.
      multiply[j] = deviation > 1e-12 * Math.abs(add[j]!) ? inverseOf(deviation) : 0;
    }
  }
  add.fill(0);
  return { name, multiply, add };
}

/** 0 where the inverse is no number: a feature that is always 0, or nearly. */
function inverseOf(value: number): number {
  const inverse = 1 / value;
  return Number.isFinite(inverse) ? inverse : 0;
}
