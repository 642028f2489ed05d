import type { Dataset } from '../../data/dataset.js';
import type { DatasetDescription } from '../../data/format.js';
import { makeScaling } from '../../data/scaling.js';
import { MlmlError } from '../../errors.js';
import type { RowGeometry } from '../functions/blockEvaluator.js';
import type { KernelFunction, TileDtype } from '../functions/kernelFunction.js';
import { resolveKernel } from '../functions/resolveKernel.js';
import type { KernelContext } from '../jobs.js';
import type { KernelIdentity } from '../matrix/kernelDescription.js';
import type { KernelDataOptions } from '../options.js';

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

/** What tells a stored kernel from all others. */
export function kernelIdentity(
  { description, path }: Dataset,
  kernel: KernelFunction,
  dtype: TileDtype,
  options: Pick<KernelDataOptions, 'subset' | 'scale'>,
): KernelIdentity {
  const { name, fingerprint, statistics, dtype: rowDtype } = description;
  return {
    n: trainingRows(description, options),
    dtype,
    kernel,
    scale: makeScaling(options.scale, rowDtype, statistics).name,
    data: { name, path, fingerprint, subset: options.subset },
  };
}
