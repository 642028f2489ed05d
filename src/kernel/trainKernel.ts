import type { Dataset } from '../data/dataset.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import { MlmlError } from '../errors.js';
import type { Plan } from '../memory/plan.js';
import { checkTrainOptions } from './checkOptions.js';
import { comparesRows } from './job/evaluation.js';
import { requireFiniteTraining } from './job/kernelData.js';
import { planNystromJob } from './job/planNystromJob.js';
import { trainNystrom } from './job/trainNystrom.js';
import { planSystem, type Source, sourceOf, trainSystem } from './job/trainSystem.js';
import { sampledJob } from './job/withSample.js';
import type { KernelContext, KernelTrainResult } from './jobs.js';
import { planKrr, trainKrr } from './krr/krr.js';
import type { KernelTrainOptions, SolverName } from './options.js';
import { kernelRows } from './rowGeometry.js';
import { worseThanMeanKernel } from './worseThanMeanKernel.js';

/** What a kernel verb would use and do. */
export async function planKernelTraining(
  solver: SolverName,
  data: Dataset | SparseDataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<Plan> {
  checkTrainOptions(options);
  const dataset = await kernelRows(data, options.scale);
  const sampled = sampledJob(dataset, options, context);
  if (sampled !== undefined)
    return sampled.told(await planKernelTraining(solver, sampled.dataset, sampled.options, sampled.context));
  if (solver === 'krr') return await planKrr(dataset, options, context);
  if (solver === 'nystrom') {
    const { evaluation, bytesBefore } = await pointsOf(dataset, options, context);
    return planNystromJob(dataset, evaluation, options, bytesBefore).plan;
  }
  return planSystem(solver, dataset, options, await sourceOf(dataset, options, context)).plan;
}

/**
 * Trains a kernel ridge regression inside `options.bufferBytes`.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`, `MLML_MISMATCH`, `MLML_NOT_DEFINITE`, `MLML_BUSY`, `MLML_USAGE`, …
 */
export async function trainKernel(
  solver: SolverName,
  data: Dataset | SparseDataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<KernelTrainResult> {
  const result = await trainAny(solver, data, options, context);
  const message = worseThanMeanKernel(result, options);
  if (message !== undefined) context.onEvent?.({ type: 'warning', message });
  return result;
}

async function trainAny(
  solver: SolverName,
  data: Dataset | SparseDataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<KernelTrainResult> {
  checkTrainOptions(options);
  const dataset = await kernelRows(data, options.scale);
  const sampled = sampledJob(dataset, options, context);
  if (sampled !== undefined) {
    const result = await trainAny(solver, sampled.dataset, sampled.options, sampled.context);
    return { ...result, plan: sampled.told(result.plan), model: sampled.ofStoredRows(result.model) };
  }
  // The rows of a stored kernel were looked through when it was made.
  if (options.memId === undefined) await requireFiniteTraining(dataset, options, context);
  if (solver === 'krr') return await trainKrr(dataset, options, context);
  if (solver === 'nystrom') {
    const { evaluation, bytesBefore } = await pointsOf(dataset, options, context);
    return await trainNystrom(dataset, evaluation, options, context, undefined, bytesBefore);
  }
  return await trainSystem(solver, dataset, options, context, await sourceOf(dataset, options, context));
}

/** The kernel of inducing points: always computed from rows. */
async function pointsOf(
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<Source> {
  const source = await sourceOf(dataset, options, context);
  if (comparesRows(source.evaluation.kernel)) return source;
  throw new MlmlError(
    'MLML_USAGE',
    'nystrom compares rows with its centres, a matrix that was given (precomputed) has none; use cg or closed',
  );
}
