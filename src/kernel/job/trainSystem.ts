import { columnsOf } from '../../data/columns/columnMapping.js';
import type { Dataset } from '../../data/dataset.js';
import { MlmlError } from '../../errors.js';
import type { KernelContext, KernelTrainResult } from '../jobs.js';
import type { KernelModel } from '../kernelModel.js';
import type { KernelTrainOptions } from '../options.js';
import { geometryOf, kernelScalingName } from '../rowGeometry.js';
import { type SystemSolverName, solvers } from '../solvers/solvers.js';
import {
  checkKernelFits,
  type KernelDescription,
  kernelFolder,
  requireKernelDescription,
} from '../store/kernelDescription.js';
import { comparesRows, computedDtype, type Evaluation } from './evaluation.js';
import { heldOutCount, needsHeldOut } from './heldOutRows.js';
import { finiteTrainingBytes, resolveFor, trainingRows } from './kernelData.js';
import { planSolve, type SolvePlan, type SolveRequest, solveBytes } from './planSolve.js';
import { solveSystem } from './solveSystem.js';

/** A kernel and where its tiles come from. */
export interface Source {
  readonly evaluation: Evaluation;
  readonly stored: KernelDescription | undefined;
  /** Bytes read before anything is planned: to look for values that are no numbers, and for a lengthscale. Default 0. */
  readonly bytesBefore?: number;
}

/** The stored kernel that is asked for, which must have been made from these rows; or the one the options describe. */
export async function sourceOf(
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<Source> {
  const { description } = dataset;
  const geometry = geometryOf(dataset, options.scale);
  if (options.memId === undefined) {
    const { kernel, bytesRead } = await resolveFor(dataset, geometry, options, context);
    const evaluation = { kernel, geometry, dtype: computedDtype(options.dtype) };
    // The rows of a stored kernel were looked through when it was made.
    return { evaluation, stored: undefined, bytesBefore: finiteTrainingBytes(dataset, options) + bytesRead };
  }
  const stored = await requireKernelDescription(context.storage, options.kernels, options.memId);
  checkKernelFits(stored, kernelFolder(options.kernels, options.memId), {
    name: description.name,
    fingerprint: description.fingerprint,
    n: trainingRows(description, options),
    sampleSeed: dataset.sample?.seed,
    scale: kernelScalingName(dataset, options.scale),
  });
  context.onEvent?.({ type: 'kernel', kernel: stored.kernel, reason: `stored as ${stored.memId}` });
  return { evaluation: { kernel: stored.kernel, geometry, dtype: computedDtype(stored.dtype) }, stored };
}

/** What is wrong when `--passes` allows a solver no step; undefined when it does. */
export function tooFewPasses(name: SystemSolverName, options: KernelTrainOptions): string | undefined {
  const heldOut = holdsOut(name, options);
  const least = solvers[name].leastPasses?.(options, heldOut) ?? 1;
  if (options.passes >= least) return undefined;
  const why = name === 'cg' && heldOut ? ' when rows are held out' : '';
  return `--passes=${options.passes}: ${name} needs at least ${least}${why}, the last of them for the true residual`;
}

function holdsOut(name: SystemSolverName, options: KernelTrainOptions): boolean {
  return needsHeldOut(options) && name !== 'closed';
}

/** What a solver would use and do. */
export function planSystem(
  name: SystemSolverName,
  dataset: Dataset,
  options: KernelTrainOptions,
  source: Source,
): SolvePlan {
  return planSolve(requestOf(name, dataset, options, source));
}

/** Bytes that the plan of a solver takes with a budget: more than the budget when that is too small. */
export function systemBytes(
  name: SystemSolverName,
  dataset: Dataset,
  options: KernelTrainOptions,
  source: Source,
  budget: number,
): number {
  return solveBytes(requestOf(name, dataset, options, source), budget);
}

function requestOf(
  name: SystemSolverName,
  dataset: Dataset,
  options: KernelTrainOptions,
  { evaluation, stored, bytesBefore = 0 }: Source,
): SolveRequest {
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
  const heldOut = holdsOut(name, options);
  if (heldOut) heldOutCount(trainingRows(dataset.description, options), options);
  const tooFew = tooFewPasses(name, options);
  if (tooFew !== undefined) throw new MlmlError('MLML_USAGE', tooFew);
  return { dataset, name, solver, evaluation, options, stored, heldOut, bytesBefore };
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
    bytesRead: (source.bytesBefore ?? 0) + solved.bytesRead,
    bytesWritten: solved.bytesWritten,
    train: solved.train,
    test: solved.test,
  };
}

function modelOf(
  dataset: Dataset,
  { kernel, geometry }: Evaluation,
  options: KernelTrainOptions,
  { size }: SolvePlan,
  coefficients: Float64Array,
  best: number,
): KernelModel {
  const { description, path } = dataset;
  return {
    task: description.task,
    loss: 'ridge',
    kernel,
    d: description.d,
    k: size.k,
    n: size.n,
    regularization: options.reg[best]!,
    scaling: kernelScalingName(dataset, options.scale),
    geometry,
    coefficients,
    rows: { kind: 'dataset', path },
    classNames: description.classNames,
    fingerprint: description.fingerprint,
    ...columnsOf(description),
  };
}
