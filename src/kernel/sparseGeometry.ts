import type { Dataset } from '../data/dataset.js';
import type { DatasetDescription } from '../data/format.js';
import type { RowLayout } from '../data/rowLayout.js';
import type { Scaling } from '../data/scaling.js';
import type { RowGeometry } from './functions/blockEvaluator.js';

type Features = NonNullable<Dataset['features']>;
type SlotLayout = RowLayout & { readonly longest: number };

/** Figures of d features, 0 at first, that threads share instead of having copies. Those never written take no memory. */
export function sharedFigures(d: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(8 * d));
}

/**
 * How sparse rows in slots become the vectors a kernel compares, scaled so that rows stay sparse. unit: divided by the largest absolute
 * value. standard: less the mean and divided by the standard deviation, as dense rows are; what is subtracted drops out of distances and
 * is worked into products. Features that never vary become 0. Distances are taken around 0: only so do rows stay sparse.
 */
export function sparseGeometry(
  description: DatasetDescription,
  { mean, variance, min, max }: Features,
  layout: SlotLayout,
  name: Exclude<Scaling['name'], 'none'>,
): RowGeometry {
  const { d } = layout;
  const [multiply, add] = [sharedFigures(d), sharedFigures(d)];
  for (let j = 0; j < d; j++) {
    if (name === 'unit') {
      const inverse = 1 / Math.max(Math.abs(min[j]!), Math.abs(max[j]!));
      multiply[j] = Number.isFinite(inverse) ? inverse : 0;
    } else {
      const inverse = 1 / Math.sqrt(variance[j]!);
      // Rounding leaves a constant feature a variance near, not at, zero.
      const varies = variance[j]! > 1e-24 * mean[j]! ** 2 && Number.isFinite(inverse);
      multiply[j] = varies ? inverse : 0;
      if (varies) add[j] = -multiply[j]! * mean[j]!;
    }
  }
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
  return { layout, multiply, add, mean: sharedFigures(d), maxNorm: norm + shift, maxCentredNorm: norm };
}

/** The same for rows compared as they are stored: no figure of a feature is needed, and of what says so only the factors take memory. */
export function unscaledGeometry({ statistics }: DatasetDescription, layout: SlotLayout): RowGeometry {
  const nothing = sharedFigures(layout.d);
  const { maxRowNorm } = statistics;
  return {
    layout,
    unscaled: true,
    multiply: sharedFigures(layout.d).fill(1),
    add: nothing,
    mean: nothing,
    maxNorm: maxRowNorm,
    maxCentredNorm: maxRowNorm,
  };
}
