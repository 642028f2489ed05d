import { join } from 'node:path';
import { nearest } from '../data/suggest.js';
import { MlmlError } from '../errors.js';
import type { KernelJobs, StoredKernel } from '../kernel/jobs.js';
import {
  defaultKernelOptions,
  type GenerateOptions,
  type KernelTrainOptions,
  type SolverName,
} from '../kernel/options.js';
import type { Storage } from '../storage/storage.js';
import { defaultThreads } from '../threads/defaultThreads.js';
import type { CommandName } from './optionSpec.js';
import { optionsOf } from './optionsOf.js';
import type { Arguments } from './parseArguments.js';

const parameters = ['sigma', 'gamma', 'degree', 'coef0', 'nu', 'depth'] as const;
/** What `auto` is for the library. */
const automatic: Readonly<Record<string, number>> = { rank: -1, block: 0, tile: 0, centers: -1 };

/** The options that were given, under the names of `KernelTrainOptions`. */
function changes(given: Arguments): Record<string, unknown> {
  const changed: Record<string, unknown> = {};
  for (const name of [...Object.keys(defaultKernelOptions), ...parameters, 'memId', 'matrix', 'nthreads']) {
    if (!given.has(name)) continue;
    const value: unknown = given.text(name);
    changed[name] = value === 'auto' && name in automatic ? automatic[name] : value;
  }
  if (given.has('nu')) changed['nu'] = Number(given.text('nu'));
  const bufferBytes = given.number('buffer');
  if (bufferBytes !== undefined) changed['bufferBytes'] = bufferBytes;
  return changed;
}

/** The options of `mlml generate`, over the defaults. */
export function generateOptions(given: Arguments): GenerateOptions {
  const { reg: _, ...changed } = changes(given);
  const { bufferBytes, kernel, scale, subset, sample, seed, kernels, dtype, tile } = defaultKernelOptions;
  return {
    ...{ bufferBytes, kernel, scale, subset, sample, seed, kernels, dtype, tile },
    nthreads: defaultThreads(),
    ...changed,
  };
}

/**
 * The options of a verb that solves, over the defaults; a stored kernel brings its rows and their scaling along.
 *
 * @throws MlmlError `MLML_NOT_FOUND` when there is no kernel of that memId
 */
export async function solverOptions(
  jobs: Pick<KernelJobs, 'findKernel'>,
  storage: Storage,
  solver: SolverName,
  given: Arguments,
): Promise<KernelTrainOptions> {
  const memId = given.text('memId');
  if (given.has('folds'))
    throw new MlmlError(
      'MLML_USAGE',
      `--folds=${given.text('folds')}: is for linear models, not for a stored kernel; closed with --memId tells its leave-one-out errors`,
    );
  const options = kernelTrainOptions(solver, given, undefined);
  if (memId === undefined) return options;
  await requireMemId(storage, options.kernels, memId);
  return kernelTrainOptions(solver, given, await jobs.findKernel(storage, options.kernels, memId));
}

function kernelTrainOptions(
  solver: SolverName,
  given: Arguments,
  stored: StoredKernel | undefined,
): KernelTrainOptions {
  const changed = changes(given);
  // On these verbs it is the number type of raw rows.
  if (solver === 'closed' || solver === 'ssgd') delete changed['dtype'];
  return {
    ...defaultKernelOptions,
    nthreads: defaultThreads(),
    ...(stored === undefined ? {} : storedSettings(stored)),
    ...changed,
    ...(stored === undefined ? {} : { dtype: stored.dtype }),
  };
}

function storedSettings({
  dataset,
  scale,
}: StoredKernel): Pick<KernelTrainOptions, 'subset' | 'sample' | 'sampleSeed' | 'scale'> {
  const { subset, sampleSeed } = dataset;
  return {
    subset,
    ...(sampleSeed === undefined ? { sample: 'first' } : { sample: 'random', sampleSeed }),
    scale: scale as KernelTrainOptions['scale'],
  };
}

/** One sentence for each option that was given but changes nothing in a kernel job. */
export function uselessKernelOptions(verb: CommandName, given: Arguments, isFile: boolean): string[] {
  const warnings: string[] = [];
  const stored = given.has('memId');
  for (const { name, effective, ofKernel, linearOnly, rawOnly } of optionsOf(verb, 'kernel')) {
    if (!given.has(name)) continue;
    if (verb === 'generate' && name === 'reg') {
      warnings.push('--reg has no effect on generate: regularization is applied when solving');
    } else if (linearOnly) {
      warnings.push(`--${name} has no effect on a kernel (--memId)`);
    } else if (ofKernel && stored) {
      warnings.push(`--${name} has no effect with --memId: the stored kernel is as it was generated`);
    } else if (effective !== undefined && !effective.includes(verb)) {
      warnings.push(`--${name} has no effect on ${verb}, only on ${effective.join(', ')}`);
    } else if (rawOnly && !isFile && !given.has('train')) {
      warnings.push(`--${name} has no effect on a data set; it describes raw row files (--train)`);
    }
  }
  return warnings;
}

/**
 * Makes sure that there is something of that memId.
 *
 * @throws MlmlError `MLML_NOT_FOUND`, naming the memId that was probably meant
 */
export async function requireMemId(storage: Storage, folder: string, memId: string): Promise<void> {
  if (!/^[^.\\/][^\\/]*$/.test(memId)) {
    throw new MlmlError('MLML_USAGE', `${memId}: is not a name of a stored kernel; mlml kernels lists them`);
  }
  const path = join(folder, memId);
  if ((await storage.status(path)) !== undefined) return;
  const ids = (await storage.list(folder)).filter((name) => !name.startsWith('.'));
  const meant = nearest(memId, ids);
  const hint =
    meant !== undefined
      ? `did you mean ${meant}?`
      : ids.length === 0
        ? 'make one with mlml generate'
        : 'mlml kernels lists those that are there';
  throw new MlmlError('MLML_NOT_FOUND', `${path}: there is no such kernel; ${hint}`);
}
