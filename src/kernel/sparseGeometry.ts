import type { Dataset } from '../data/dataset.js';
import type { DatasetDescription } from '../data/format.js';
import type { RowLayout } from '../data/rowLayout.js';
import type { Scaling, ScalingName } from '../data/scaling.js';
import type { RowGeometry } from './functions/blockEvaluator.js';

type Features = NonNullable<Dataset['features']>;

/**
 * Scaling of sparse rows for kernels. none (and auto): as stored. unit: divided by the largest absolute value. standard: less the mean and
 * divided by the standard deviation, as dense rows are; what is subtracted drops out of distances and is worked into products, so that
 * rows stay sparse. Features that never vary become 0.
 */
export function sparseKernelScaling({ mean, variance, min, max }: Features, given: ScalingName): Scaling {
  const name = given === 'auto' ? 'none' : given;
  const multiply = new Float64Array(mean.length).fill(1);
  const add = new Float64Array(mean.length);
  for (let j = 0; j < mean.length; j++) {
    if (name === 'unit') {
      const inverse = 1 / Math.max(Math.abs(min[j]!), Math.abs(max[j]!));
      multiply[j] = Number.isFinite(inverse) ? inverse : 0;
    } else if (name === 'standard') {
      const inverse = 1 / Math.sqrt(variance[j]!);
      // Rounding leaves a constant feature a variance near, not at, zero.
      const varies = variance[j]! > 1e-24 * mean[j]! ** 2 && Number.isFinite(inverse);
      multiply[j] = varies ? inverse : 0;
      add[j] = -multiply[j]! * mean[j]!;
    }
  }
  return { name, multiply, add };
}

/** How sparse rows in slots become the vectors a kernel compares. Distances are taken around 0: only so do rows stay sparse. */
export function sparseGeometry(
  description: DatasetDescription,
  { min, max }: Features,
  layout: RowLayout & { readonly longest: number },
  { multiply, add }: Scaling,
): RowGeometry {
  const { d } = layout;
  const squares = new Float64Array(d);
  for (let j = 0; j < d; j++)
    squares[j] = (multiply[j]! * Math.max(Math.abs(min[j]!), Math.abs(max[j]!))) ** 2;
  // No row has more features than the longest.
  squares.sort();
  let norm = 0;
  for (let j = Math.max(0, d - layout.longest); j < d; j++) norm += squares[j]!;
  norm = Math.sqrt(norm);
  const alike = multiply.every((factor) => factor === multiply[0]);
  if (alike) norm = Math.min(norm, Math.abs(multiply[0]!) * description.statistics.maxRowNorm);
  const shift = Math.sqrt(add.reduce((sum, term) => sum + term * term, 0));
  return {
    layout,
    multiply,
    add,
    mean: new Float64Array(d),
    maxNorm: norm + shift,
    maxCentredNorm: norm,
  };
}
