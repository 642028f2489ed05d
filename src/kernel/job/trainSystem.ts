import type { Dataset } from '../../data/dataset.js';
import { makeScaling } from '../../data/scaling.js';
import { MlmlError } from '../../errors.js';
import type { KernelContext, KernelTrainResult } from '../jobs.js';
import type { KernelModel } from '../kernelModel.js';
import type { KernelTrainOptions } from '../options.js';
import { geometryOf } from '../rowGeometry.js';
import { type SystemSolverName, solvers } from '../solvers/solvers.js';
import {
  checkKernelFits,
  type KernelDescription,
  kernelFolder,
  requireKernelDescription,
} from '../store/kernelDescription.js';
import { comparesRows, computedDtype, type Evaluation } from './evaluation.js';
import { heldOutCount, needsHeldOut } from './heldOutRows.js';
import { resolveFor, trainingRows } from './kernelData.js';
import { planSolve, type SolvePlan } from './planSolve.js';
import { solveSystem } from './solveSystem.js';

/** A kernel and where its tiles come from. */
export interface Source {
  readonly evaluation: Evaluation;
  readonly stored: KernelDescription | undefined;
}

/** The stored kernel that is asked for, which must have been made from these rows; or the one the options describe. */
export async function sourceOf(
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<Source> {
  const { description } = dataset;
  const geometry = geometryOf(description, options.scale);
  if (options.memId === undefined) {
    const kernel = await resolveFor(dataset, geometry, options, context);
    return { evaluation: { kernel, geometry, dtype: computedDtype(options.dtype) }, stored: undefined };
  }
  const stored = await requireKernelDescription(context.storage, options.kernels, options.memId);
  checkKernelFits(stored, kernelFolder(options.kernels, options.memId), {
    name: description.name,
    fingerprint: description.fingerprint,
    n: trainingRows(description, options),
    scale: makeScaling(options.scale, description.dtype, description.statistics).name,
  });
  context.onEvent?.({ type: 'kernel', kernel: stored.kernel, reason: `stored as ${stored.memId}` });
  return { evaluation: { kernel: stored.kernel, geometry, dtype: computedDtype(stored.dtype) }, stored };
}

/** What a solver would use and do. */
export function planSystem(
  name: SystemSolverName,
  dataset: Dataset,
  options: KernelTrainOptions,
  { evaluation, stored }: Source,
): SolvePlan {
  if ((name === 'closed' || name === 'ssgd') && stored === undefined) {
    throw new MlmlError(
      'MLML_USAGE',
      `${name} on a kernel needs a stored one: make it with \`mlml generate\` and give its --memId`,
    );
  }
  if (stored === undefined && !comparesRows(evaluation.kernel)) {
    throw new MlmlError(
      'MLML_USAGE',
      '--kernel=precomputed: store the matrix with `mlml generate --matrix` and give its --memId',
    );
  }
  const solver = solvers[name];
  const heldOut = needsHeldOut(options) && name !== 'closed';
  if (heldOut) heldOutCount(trainingRows(dataset.description, options), options);
  return planSolve({ dataset, name, solver, evaluation, options, stored, heldOut });
}

/** Trains by one of the solvers of the whole system. */
export async function trainSystem(
  name: SystemSolverName,
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
  source: Source,
  memory?: WebAssembly.Memory,
): Promise<KernelTrainResult> {
  const start = performance.now();
  const plan = planSystem(name, dataset, options, source);
  context.onEvent?.({ type: 'plan', plan: plan.plan });
  const solved = await solveSystem({
    name,
    dataset,
    solver: solvers[name],
    plan,
    options,
    stored: source.stored,
    context,
    ...(memory === undefined ? {} : { memory }),
  });
  const { solution } = solved;
  const validation = solution.heldOut ?? solution.leaveOneOut;
  return {
    model: modelOf(dataset, source.evaluation, options, plan, solved.coefficients, solution.best),
    plan: plan.plan,
    solver: name,
    reasons: [],
    memId: source.stored?.memId,
    passes: solution.passes,
    residual: solution.residuals[solution.best]!,
    stopped: solution.stopped,
    regularizations: options.reg.map((regularization, l) => ({
      regularization,
      residual: solution.residuals[l]!,
      ...(validation === undefined ? {} : { validation: validation[l]! }),
    })),
    leaveOneOut: solution.leaveOneOut?.[solution.best],
    seconds: (performance.now() - start) / 1000,
    bytesRead: solved.bytesRead,
    bytesWritten: solved.bytesWritten,
    train: solved.train,
    test: solved.test,
  };
}

function modelOf(
  { description, path }: Dataset,
  { kernel, geometry }: Evaluation,
  options: KernelTrainOptions,
  { size }: SolvePlan,
  coefficients: Float64Array,
  best: number,
): KernelModel {
  return {
    task: description.task,
    loss: 'ridge',
    kernel,
    d: description.d,
    k: size.k,
    n: size.n,
    regularization: options.reg[best]!,
    scaling: makeScaling(options.scale, description.dtype, description.statistics).name,
    geometry,
    coefficients,
    rows: { kind: 'dataset', path },
    classNames: description.classNames,
    fingerprint: description.fingerprint,
  };
}
