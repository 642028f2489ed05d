import type { Dataset } from '../data/dataset.js';
import type { DatasetDescription } from '../data/format.js';
import { layoutOf, type RowLayout } from '../data/rowLayout.js';
import { makeScaling, type Scaling, type ScalingName } from '../data/scaling.js';
import { openSlots, openUnscaledSlots } from '../data/sparse/slotFile.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import type { RowGeometry } from './functions/blockEvaluator.js';
import { sparseGeometry, unscaledGeometry } from './sparseGeometry.js';

/** What geometry and scaling are made of. */
export type DescribedRows = Pick<Dataset, 'description'> & Partial<Pick<Dataset, 'layout' | 'features'>>;

/** How features are scaled for a kernel: those of sparse rows (in slots) are left as stored unless another way is asked for. */
export function kernelScalingName(
  { description, layout }: DescribedRows,
  scale: ScalingName,
): Scaling['name'] {
  if (scale !== 'auto') return scale;
  if (layout?.longest !== undefined) return 'none';
  return description.dtype === 'uint8' ? 'unit' : 'standard';
}

/**
 * Rows in slots of data sets that are open, and by the layout of these rows, which their samples share, how they are compared:
 * both take memory that grows with the features, and a job that is planned and then run asks for them more than once.
 */
const slotsOf = new WeakMap<SparseDataset, Map<ScalingName, Dataset>>();
const geometriesOf = new WeakMap<RowLayout, Map<ScalingName, RowGeometry>>();

/** The rows of a data set by their number, with what `geometryOf` needs to know of their features for this scaling. */
export async function kernelRows(data: Dataset | SparseDataset, scale: ScalingName): Promise<Dataset> {
  if ('layout' in data) return data;
  const name = scale === 'auto' ? 'none' : scale;
  const known = slotsOf.get(data) ?? new Map<ScalingName, Dataset>();
  slotsOf.set(data, known);
  const rows = known.get(name) ?? (name === 'none' ? await openUnscaledSlots(data) : await openSlots(data));
  known.set(name, rows);
  return rows;
}

/** How the rows of a data set become the vectors a kernel compares. */
export function geometryOf(dataset: DescribedRows, scale: ScalingName): RowGeometry {
  const { description, layout } = dataset;
  if (layout?.longest === undefined) return denseGeometry(description, scale);
  const geometries = geometriesOf.get(layout) ?? new Map<ScalingName, RowGeometry>();
  geometriesOf.set(layout, geometries);
  const name = kernelScalingName(dataset, scale);
  const geometry =
    geometries.get(name) ?? slotGeometry(dataset, { ...layout, longest: layout.longest }, name);
  geometries.set(name, geometry);
  return geometry;
}

function slotGeometry(
  { description, features }: DescribedRows,
  layout: RowLayout & { readonly longest: number },
  name: Scaling['name'],
): RowGeometry {
  if (name === 'none') return unscaledGeometry(description, layout);
  if (features !== undefined) return sparseGeometry(description, features, layout, name);
  throw new Error(`--scale=${name} of sparse rows needs the figures of their features`);
}

function denseGeometry(description: DatasetDescription, scale: ScalingName): RowGeometry {
  const { d, dtype, statistics } = description;
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
  const row = rowBounds(description, multiply, add, mean);
  return {
    layout: layoutOf(description),
    multiply,
    add,
    mean,
    maxNorm: Math.min(Math.sqrt(norm), row.maxNorm),
    maxCentredNorm: Math.min(Math.sqrt(centredNorm), row.maxCentredNorm),
  };
}

/**
 * Bounds from the longest training row, where one factor scales all features and nothing is added; else Infinity. No sparse
 * row comes near the corner of the box.
 */
function rowBounds(
  { statistics }: DatasetDescription,
  multiply: Float64Array,
  add: Float64Array,
  mean: Float64Array,
): Pick<RowGeometry, 'maxNorm' | 'maxCentredNorm'> {
  const factor = multiply[0]!;
  const scaledAlike = multiply.every((m) => m === factor) && add.every((a) => a === 0);
  if (!scaledAlike) return { maxNorm: Infinity, maxCentredNorm: Infinity };
  const longest = Math.abs(factor) * statistics.maxRowNorm;
  const meanNorm = Math.sqrt(mean.reduce((sum, m) => sum + m * m, 0));
  // ‖x − m‖² = ‖x‖² − 2x·m + ‖m‖², where x·m cannot be negative when no feature is.
  const nonNegative = statistics.min.every((x) => x >= 0);
  return {
    maxNorm: longest,
    maxCentredNorm: nonNegative ? Math.hypot(longest, meanNorm) : longest + meanNorm,
  };
}
