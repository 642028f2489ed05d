import type { FeatureStatistics } from '../../data/format.js';

/** What sums in single precision may be above the true ones. */
const ROUNDING = 1 + 1e-4;

/**
 * A bound on the squared norms of all rows of a data set once they are scaled, from the figures of its features and the largest
 * norm of its rows: what no row of it exceeds need not be looked for. Infinity where nothing is known.
 */
export function squareBound(
  { multiply, add }: { readonly multiply: Float64Array; readonly add: Float64Array },
  { min, max, maxRowNorm }: FeatureStatistics,
): number {
  let factor = 0;
  let shift = 0;
  for (let j = 0; j < multiply.length; j++) {
    factor = Math.max(factor, Math.abs(multiply[j]!));
    shift += add[j]! ** 2;
  }
  let bound = (factor * maxRowNorm + Math.sqrt(shift)) ** 2;
  // Sparse rows have the figures of their features elsewhere.
  if (min.length === multiply.length) {
    let box = 0;
    for (let j = 0; j < multiply.length; j++) {
      const [low, high] = [multiply[j]! * min[j]! + add[j]!, multiply[j]! * max[j]! + add[j]!];
      box += Math.max(low * low, high * high);
    }
    bound = Math.min(bound, box);
  }
  return Number.isFinite(bound) ? ROUNDING * bound : Number.POSITIVE_INFINITY;
}
