// Small data sets and kernel jobs on them.
import type { Dtype } from '../../src/arithmetic/dtype.js';
import type { Dataset } from '../../src/data/dataset.js';
import type { SparseDataset } from '../../src/data/sparse/sparseDataset.js';
import type { KernelEvent } from '../../src/kernel/events.js';
import { generateKernel } from '../../src/kernel/job/generateKernel.js';
import type { KernelContext } from '../../src/kernel/jobs.js';
import { defaultKernelOptions, type KernelTrainOptions, type SolverName } from '../../src/kernel/options.js';
import { trainKernel } from '../../src/kernel/trainKernel.js';
import type { Storage } from '../../src/storage/storage.js';
import { clouds, linearTargets, makeDataset, type TinyRows } from './tinyDataset.js';

/** Options of a small job on one thread, everything below `/`. */
export function jobOptions(changes: Partial<KernelTrainOptions> = {}): KernelTrainOptions {
  const given = { bufferBytes: 4e6, nthreads: 1, kernels: '/kernels', tol: 1e-9 };
  return { ...defaultKernelOptions, ...given, ...changes };
}

/** A context that keeps its events. */
export function jobContext(storage: Storage, signal?: AbortSignal) {
  const events: KernelEvent[] = [];
  const context: KernelContext = {
    storage,
    scratchFolder: '/scratch',
    onEvent: (event) => events.push(event),
    ...(signal === undefined ? {} : { signal }),
  };
  const warnings = () => events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  return { context, events, warnings };
}

/** As bytes: rounded into their range. */
function asBytes({ features, labels }: TinyRows): TinyRows {
  const byte = (x: number) => Math.max(0, Math.min(255, Math.round(128 + 25 * x)));
  return { labels, features: features.map((row) => row.map(byte)) };
}

/** Rows around k centres, 40 of them for testing. */
export async function classes(storage: Storage, k: number, dtype: Dtype, n = 90, d = 6): Promise<Dataset> {
  const rows = (count: number, seed: number) => {
    const made = clouds(count, d, k, seed);
    return dtype === 'uint8' ? asBytes(made) : made;
  };
  return await makeDataset({ k, dtype, train: rows(n, 1), test: rows(40, 2) }, storage);
}

/** Rows whose targets are nearly linear in 5 features, 40 of them for testing. */
export async function targets(storage: Storage, dtype: Dtype = 'float64', n = 90): Promise<Dataset> {
  const train = linearTargets(n, 5, 1, 0.5);
  return await makeDataset({ task: 'regression', dtype, train, test: linearTargets(40, 5, 2, 0.5) }, storage);
}

/** Trains, generating the kernel first for the solvers that want a stored one. */
export async function trained(
  solver: SolverName,
  storage: Storage,
  dataset: Dataset | SparseDataset,
  changes: Partial<KernelTrainOptions>,
  store = solver === 'closed' || solver === 'ssgd',
) {
  const job = jobContext(storage);
  const options = jobOptions(changes);
  const given = store
    ? { ...options, memId: (await generateKernel(dataset, options, job.context)).memId }
    : options;
  return { ...job, options: given, result: await trainKernel(solver, dataset, given, job.context) };
}
