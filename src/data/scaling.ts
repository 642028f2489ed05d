import type { Dtype } from '../arithmetic/dtype.js';
import type { FeatureStatistics } from './format.js';

/** The ways of scaling features while they are read. */
export const scalingNames = ['auto', 'none', 'unit', 'standard'] as const;
/** How features are scaled while they are read. */
export type ScalingName = (typeof scalingNames)[number];

/** Scaled feature j = multiply[j]·x + add[j]. Applied while reading, never stored. */
export interface Scaling {
  readonly name: Exclude<ScalingName, 'auto'>;
  readonly multiply: Float64Array;
  readonly add: Float64Array;
}

/**
 * none: as stored. unit: bytes /255, others onto [0, 1] by their training range; constant features become 0.
 * standard: mean 0 and variance 1 over the training rows; constant features become 0.
 * auto: unit for bytes, standard otherwise.
 */
export function makeScaling(name: ScalingName, dtype: Dtype, statistics: FeatureStatistics): Scaling {
  const d = statistics.mean.length;
  const multiply = new Float64Array(d).fill(1);
  const add = new Float64Array(d);
  const chosen = name === 'auto' ? (dtype === 'uint8' ? 'unit' : 'standard') : name;
  if (chosen === 'unit' && dtype === 'uint8') multiply.fill(1 / 255);
  else if (chosen === 'unit') {
    for (let j = 0; j < d; j++) {
      const inverse = 1 / (statistics.max[j]! - statistics.min[j]!);
      // The inverse of 0, or of a range near the smallest number there is, is no number: a constant feature.
      multiply[j] = Number.isFinite(inverse) ? inverse : 0;
      add[j] = -multiply[j]! * statistics.min[j]!;
    }
  } else if (chosen === 'standard') {
    for (let j = 0; j < d; j++) {
      const deviation = Math.sqrt(statistics.variance[j]!);
      // Rounding leaves a constant feature a variance near, not at, zero.
      const constant = !(deviation > 1e-12 * Math.abs(statistics.mean[j]!));
      multiply[j] = constant ? 0 : 1 / deviation;
      add[j] = -multiply[j]! * statistics.mean[j]!;
    }
  }
  return { name: chosen, multiply, add };
}
