import type { DatasetDescription } from '../data/format.js';
import { rowLayout } from '../data/rowLayout.js';
import { makeScaling, type ScalingName } from '../data/scaling.js';
import type { RowGeometry } from './functions/blockEvaluator.js';

/** How the rows of a data set become the vectors a kernel compares. */
export function geometryOf(description: DatasetDescription, scale: ScalingName): RowGeometry {
  const { d, dtype, labelDtype, statistics } = description;
  const { multiply, add } = makeScaling(scale, dtype, statistics);
  const mean = new Float64Array(d);
  let norm = 0;
  let centredNorm = 0;
  for (let j = 0; j < d; j++) {
    const scaled = (value: number) => multiply[j]! * value + add[j]!;
    mean[j] = scaled(statistics.mean[j]!);
    const [low, high] = [scaled(statistics.min[j]!), scaled(statistics.max[j]!)];
    // The corner of the box that holds all training rows: never less than the longest of them.
    norm += Math.max(low * low, high * high);
    centredNorm += Math.max((low - mean[j]!) ** 2, (high - mean[j]!) ** 2);
  }
  return {
    layout: rowLayout(d, dtype, labelDtype),
    multiply,
    add,
    mean,
    maxNorm: Math.sqrt(norm),
    maxCentredNorm: Math.sqrt(centredNorm),
  };
}
