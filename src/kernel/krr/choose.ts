import type { Dataset } from '../../data/dataset.js';
import { MlmlError } from '../../errors.js';
import { formatBytes } from '../../memory/byteSize.js';
import type { Plan } from '../../memory/plan.js';
import { comparesRows, computedDtype, type Evaluation, evaluationThreads } from '../job/evaluation.js';
import { describeGeneration } from '../job/generateKernel.js';
import { trainingRows } from '../job/kernelData.js';
import { planNystromJob } from '../job/planNystromJob.js';
import { planSystem, type Source, sourceOf } from '../job/trainSystem.js';
import type { KernelContext } from '../jobs.js';
import type { KernelTrainOptions } from '../options.js';
import { allowsFloats } from '../solvers/cg/productPrecision.js';
import { vectorWidth } from '../solvers/solver.js';
import { type KernelDescription, kernelFolder, readKernelDescription } from '../store/kernelDescription.js';
import { findKernel } from '../store/storeList.js';
import { tileFileBytes } from '../store/tileLayout.js';
import { targetColumns } from '../targets.js';
import {
  type Candidate,
  type Job,
  type Prediction,
  predict,
  predictNystrom,
  quickest,
} from './candidates.js';
import { nameOf, optionText, pointsText, speedText } from './reasons.js';
import { measureSpeeds, type Speeds } from './speeds.js';

/** Of the free disk, how much a kernel may take. */
const DISK_SHARE = 0.9;

/** Beyond this predicted time, in seconds, inducing points are taken where they are quicker. */
const LONGEST = 3600;

/** A candidate that fits the budget and the disk. */
export interface Option extends Candidate {
  readonly solver: 'cg' | 'closed' | 'bcd';
  readonly source: Source;
  readonly plan: Plan;
  readonly prediction: Prediction;
}

/** Inducing points: approximate, so taken only where the whole system is out of reach. */
export interface Points {
  readonly solver: 'nystrom';
  readonly evaluation: Evaluation;
  readonly plan: Plan;
  readonly prediction: Prediction;
}

export interface Choice {
  readonly chosen: Option | Points;
  /** Bytes of the kernel that has to be stored first; 0 when none, or when it is there. */
  readonly missingBytes: number;
  readonly kernelBytes: number;
  readonly reasons: readonly string[];
}

/** Measures, predicts and picks. Only what fits the budget and the disk is considered. */
export async function choose(
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
  memory: WebAssembly.Memory,
  measure: typeof measureSpeeds = measureSpeeds,
): Promise<Choice> {
  const { storage } = context;
  const computed = await sourceOf(dataset, options, context);
  if (!comparesRows(computed.evaluation.kernel)) {
    throw new MlmlError(
      'MLML_USAGE',
      'krr measures how fast rows are compared; with a kernel matrix that was given use cg, or closed for its leave-one-out errors',
    );
  }
  const evaluation = { ...computed.evaluation, dtype: computedDtype(options.dtype) };
  const store = await storeOf(dataset, options, context, computed);
  const k = targetColumns(dataset.description);
  const width = vectorWidth({ k, regularizations: options.reg.length });
  const threads = evaluationThreads(evaluation.kernel, options.nthreads);
  const speeds = await measure(
    dataset,
    evaluation,
    { width, threads, memory, bufferBytes: options.bufferBytes },
    storage,
    options.kernels,
  );
  const n = trainingRows(dataset.description, options);
  const job: Job = {
    n,
    width,
    scored: dataset.description.parts.test.n + (options.simulated ? n : 0),
    storeBytes: store?.bytes ?? 0,
    missingBytes: store?.missingBytes ?? 0,
  };
  const found: Option[] = [];
  const left: string[] = [];
  let tooSmall: MlmlError | undefined;
  for (const [solver, stored] of candidates) {
    if (stored && store?.fits !== true) continue;
    if (!stored && options.memId !== undefined) continue;
    const source: Source = { evaluation, stored: stored ? store?.description : undefined };
    try {
      const planned = planSystem(solver, dataset, options, source);
      const scratch = planned.solver.scratchBytes;
      if (stored && store !== undefined && store.missingBytes + scratch > DISK_SHARE * store.free) {
        left.push(`${nameOf({ solver, stored })}: its factor would take ${formatBytes(scratch)} of the disk`);
        continue;
      }
      found.push(considered(solver, stored, planned, source, options, job, speeds));
    } catch (error) {
      if (!(error instanceof MlmlError) || error.code !== 'MLML_BUDGET_TOO_SMALL') throw error;
      // With this budget the kernel can be computed; whether one that is still to be made fits too is not said.
      if (!stored || options.memId !== undefined) tooSmall ??= error;
      left.push(`${nameOf({ solver, stored })}: does not fit --buffer`);
    }
  }
  const best = quickest(found);
  const points =
    options.memId === undefined ? pointsOf(dataset, evaluation, options, job, speeds) : undefined;
  const outOfReach = best === undefined || best.prediction.seconds > LONGEST;
  const usePoints =
    points !== undefined &&
    outOfReach &&
    !(points.prediction.seconds > (best?.prediction.seconds ?? Infinity));
  const chosen = usePoints ? points : best;
  if (chosen === undefined) throw tooSmall ?? new MlmlError('MLML_INTERNAL', 'no solver was considered');
  return {
    chosen,
    missingBytes: chosen.solver !== 'nystrom' && chosen.stored ? job.missingBytes : 0,
    kernelBytes: job.storeBytes,
    reasons: [
      speedText(speeds, threads),
      ...whyNotStored(store),
      ...found.map((option) => optionText(option, option === chosen)),
      ...left,
      ...(points === undefined ? [] : [pointsText(points, options.centers, points === chosen)]),
    ],
  };
}

const candidates: readonly (readonly ['cg' | 'closed' | 'bcd', boolean])[] = [
  ['cg', true],
  ['cg', false],
  ['closed', true],
  ['bcd', true],
  ['bcd', false],
];

interface Store {
  readonly description: KernelDescription;
  readonly bytes: number;
  /** Of the tiles that are not there yet. */
  readonly missingBytes: number;
  readonly free: number;
  readonly fits: boolean;
}

/** The stored kernel there is or would be; undefined when making it does not fit the budget. */
async function storeOf(
  dataset: Dataset,
  options: KernelTrainOptions,
  { storage }: KernelContext,
  { evaluation, stored }: Source,
): Promise<Store | undefined> {
  const free = await storage.freeBytes(options.kernels);
  if (stored !== undefined) {
    return { description: stored, bytes: tileFileBytes(stored), missingBytes: 0, free, fits: true };
  }
  const described = whereItFits(
    () => describeGeneration(dataset, { ...evaluation, dtype: options.dtype }, options).description,
  );
  if (described === undefined) return undefined;
  const { memId } = described;
  const begun = await readKernelDescription(storage, kernelFolder(options.kernels, memId));
  const there = begun === undefined ? undefined : await findKernel(storage, options.kernels, memId);
  const description = begun ?? described;
  const bytes = tileFileBytes(description);
  const missingBytes = there === undefined ? bytes : bytes * (1 - there.tilesDone / there.tiles);
  return { description, bytes, missingBytes, free, fits: missingBytes <= DISK_SHARE * free };
}

function considered(
  solver: Option['solver'],
  stored: boolean,
  { plan, solver: solverPlan }: ReturnType<typeof planSystem>,
  source: Source,
  options: KernelTrainOptions,
  job: Job,
  speeds: Speeds,
): Option {
  const candidate: Candidate = {
    solver,
    stored,
    passes: solverPlan.passes,
    bytesPerPass: (plan.bytesRead - solverPlan.scratchBytes) / Math.max(1, solverPlan.passes),
    scratchBytes: solverPlan.scratchBytes,
    flops: solverPlan.flops,
    floats: solver === 'cg' && options.dtype !== 'float64' && allowsFloats(options, solverPlan.passes),
  };
  return { ...candidate, solver, source, plan, prediction: predict(candidate, job, speeds) };
}

/** Inducing points, when they fit the budget and the rows. */
function pointsOf(
  dataset: Dataset,
  evaluation: Evaluation,
  options: KernelTrainOptions,
  job: Job,
  speeds: Speeds,
): Points | undefined {
  if (options.centers >= job.n / 2) return undefined;
  return whereItFits(() => {
    const { plan, flops } = planNystromJob(dataset, evaluation, options);
    const prediction = predictNystrom(options.centers, flops, job, speeds);
    return { solver: 'nystrom', evaluation, plan, prediction };
  });
}

/** What a planner says; undefined when the budget is too small. */
function whereItFits<T>(plan: () => T): T | undefined {
  try {
    return plan();
  } catch (error) {
    if (error instanceof MlmlError && error.code === 'MLML_BUDGET_TOO_SMALL') return undefined;
    throw error;
  }
}

function whyNotStored(store: Store | undefined): string[] {
  if (store === undefined) return ['a stored kernel: making it does not fit --buffer'];
  if (store.fits) return [];
  return [
    `a stored kernel would take ${formatBytes(store.bytes)}, ${formatBytes(store.free)} of the disk are free`,
  ];
}
