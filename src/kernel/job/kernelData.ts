import { finiteCheckBytes, requireFiniteRows } from '../../data/badValue.js';
import type { Dataset } from '../../data/dataset.js';
import type { DatasetDescription } from '../../data/format.js';
import { MlmlError } from '../../errors.js';
import type { RowGeometry } from '../functions/blockEvaluator.js';
import type { KernelFunction, TileDtype } from '../functions/kernelFunction.js';
import { medianDistance, medianRowsRead } from '../functions/medianDistance.js';
import { resolveKernel } from '../functions/resolveKernel.js';
import type { KernelContext } from '../jobs.js';
import type { KernelDataOptions } from '../options.js';
import { kernelScalingName } from '../rowGeometry.js';
import type { KernelIdentity } from '../store/kernelDescription.js';

/** Rows a job works on. */
export function trainingRows(
  { parts, name }: DatasetDescription,
  { subset }: Pick<KernelDataOptions, 'subset'>,
): number {
  const { n } = parts.train;
  if (subset > n) {
    throw new MlmlError('MLML_USAGE', `--subset=${subset}: ${name} has only ${n} training rows`);
  }
  return subset > 0 ? subset : n;
}

/**
 * `MLML_BAD_DATA` naming the first feature or label of the rows of a job that is not finite. The pass it takes is to the
 * arithmetic of a kernel as 1 is to the number of rows; bytes need none.
 */
export async function requireFiniteTraining(
  { description, train }: Dataset,
  options: Pick<KernelDataOptions, 'subset'>,
  { signal }: Pick<KernelContext, 'signal'>,
): Promise<void> {
  await requireFiniteRows(train.first(trainingRows(description, options)), signal);
}

/** Bytes that `requireFiniteTraining` reads. */
export function finiteTrainingBytes(
  { description, layout }: Pick<Dataset, 'description' | 'layout'>,
  options: Pick<KernelDataOptions, 'subset'>,
): number {
  return finiteCheckBytes(layout, trainingRows(description, options));
}

/** Numbers of a row that an entry of the kernel is made of. */
export function rowLength({ d, sparse, parts }: DatasetDescription): number {
  return sparse === undefined ? d : Math.max(1, sparse.train.nonzeros / Math.max(1, parts.train.n));
}

/** What tells a stored kernel from all others. */
export function kernelIdentity(
  dataset: Dataset,
  kernel: KernelFunction,
  dtype: TileDtype,
  options: Pick<KernelDataOptions, 'subset' | 'scale'>,
): KernelIdentity {
  const { description, path, sample } = dataset;
  const { name, fingerprint } = description;
  return {
    n: trainingRows(description, options),
    dtype,
    kernel,
    scale: kernelScalingName(dataset, options.scale),
    data:
      sample === undefined
        ? { name, path, fingerprint, subset: options.subset }
        : { name, path, fingerprint, subset: sample.size, sampleSeed: sample.seed },
  };
}

/**
 * The kernel an option list means for these rows; told as an event, with where its parameters come from. Reads a sample of
 * rows when the lengthscale is to be found; `bytesRead` says how much.
 */
export async function resolveFor(
  dataset: Dataset,
  geometry: RowGeometry,
  options: KernelDataOptions,
  context: Pick<KernelContext, 'onEvent'>,
): Promise<{ readonly kernel: KernelFunction; readonly bytesRead: number }> {
  const { description, train, layout } = dataset;
  const { d } = description;
  const rows = train.first(trainingRows(description, options));
  let rowsRead = 0;
  const { kernel, reason, warning } = await resolveKernel(options, {
    d,
    smallestFeature: smallestFeatureOf(dataset, geometry),
    medianDistance: (measure) => {
      rowsRead += medianRowsRead(rows.rows);
      return medianDistance(rows, geometry, measure, options.seed);
    },
  });
  context.onEvent?.({ type: 'kernel', kernel, reason });
  if (warning !== undefined) context.onEvent?.({ type: 'warning', message: warning });
  return { kernel, bytesRead: rowsRead * layout.rowBytes };
}

/** The least scaled feature of the training rows. */
function smallestFeatureOf(dataset: Dataset, { multiply, add, unscaled }: RowGeometry): number {
  if (unscaled === true && dataset.smallestFeature !== undefined) return dataset.smallestFeature;
  const { min, max } = dataset.features ?? dataset.description.statistics;
  let smallest = Number.POSITIVE_INFINITY;
  for (let j = 0; j < multiply.length; j++) {
    const [low, high] = [multiply[j]! * min[j]! + add[j]!, multiply[j]! * max[j]! + add[j]!];
    smallest = Math.min(smallest, low, high);
  }
  return smallest;
}
