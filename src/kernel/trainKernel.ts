import type { Dataset } from '../data/dataset.js';
import type { Plan } from '../memory/plan.js';
import { planSystem, sourceOf, trainSystem } from './job/trainSystem.js';
import type { KernelContext, KernelTrainResult } from './jobs.js';
import { planKrr, trainKrr } from './krr/krr.js';
import type { KernelTrainOptions, SolverName } from './options.js';

/** What a kernel verb would use and do. */
export async function planKernelTraining(
  solver: SolverName,
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<Plan> {
  if (solver === 'krr') return await planKrr(dataset, options, context);
  if (solver === 'nystrom') throw new Error('not yet');
  return planSystem(solver, dataset, options, await sourceOf(dataset, options, context)).plan;
}

/**
 * Trains a kernel ridge regression inside `options.bufferBytes`.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`, `MLML_MISMATCH`, `MLML_NOT_DEFINITE`, `MLML_BUSY`, `MLML_USAGE`, …
 */
export async function trainKernel(
  solver: SolverName,
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<KernelTrainResult> {
  if (solver === 'krr') return await trainKrr(dataset, options, context);
  if (solver === 'nystrom') throw new Error('not yet');
  return await trainSystem(solver, dataset, options, context, await sourceOf(dataset, options, context));
}
