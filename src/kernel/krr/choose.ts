import type { Dataset } from '../../data/dataset.js';
import { MlmlError } from '../../errors.js';
import { formatBytes } from '../../memory/byteSize.js';
import { budgetTooSmall, type Plan } from '../../memory/plan.js';
import { smallestBudget } from '../../memory/smallestBudget.js';
import { comparesRows, computedDtype, type Evaluation, evaluationThreads } from '../job/evaluation.js';
import { describeGeneration } from '../job/generateKernel.js';
import { trainingRows } from '../job/kernelData.js';
import { centersOf, nystromBytes, planNystromJob } from '../job/planNystromJob.js';
import { planSystem, type Source, sourceOf, systemBytes, tooFewPasses } from '../job/trainSystem.js';
import type { KernelContext, KrrPick } from '../jobs.js';
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
import { measureSpeeds, measuringBytes, type Speeds } from './speeds.js';

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
  readonly centers: number;
  readonly source: Source;
  readonly plan: Plan;
  readonly prediction: Prediction;
}

export interface Choice {
  readonly chosen: Option | Points;
  /** Bytes of the kernel that has to be stored first; 0 when none, or when it is there. */
  readonly missingBytes: number;
  /** Bytes of rows that making it reads. */
  readonly missingRead: number;
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
  const measuring = measuringBytes(dataset, evaluation, width, threads);
  const tooSmall = () => tooSmallForAny(dataset, evaluation, options, computed, measuring);
  if (measuring > options.bufferBytes) throw tooSmall();
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
  for (const [solver, stored] of candidates) {
    if (stored && store?.fits !== true) continue;
    if (!stored && options.memId !== undefined) continue;
    const tooFew = tooFewPasses(solver, options);
    if (tooFew !== undefined) {
      left.push(`${nameOf({ solver, stored })}: ${tooFew}`);
      continue;
    }
    const source: Source = { ...computed, evaluation, stored: stored ? store?.description : undefined };
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
      left.push(`${nameOf({ solver, stored })}: does not fit --buffer`);
    }
  }
  const { pick } = context;
  const least = quickest(found);
  const best = found.find((option) => isPick(option, pick)) ?? least;
  const points =
    options.memId === undefined
      ? pointsOf(dataset, { ...computed, evaluation }, options, job, speeds)
      : undefined;
  const chosen = pointsOrBest(points, best, pick);
  if (chosen === undefined) throw tooSmall();
  const stores = chosen.solver !== 'nystrom' && chosen.stored;
  context.onPick?.({ solver: chosen.solver, stored: stores });
  return {
    chosen,
    missingBytes: stores ? job.missingBytes : 0,
    missingRead: stores ? (store?.missingRead ?? 0) : 0,
    kernelBytes: job.storeBytes,
    reasons: [
      speedText(speeds, threads),
      ...whyNotStored(store),
      ...found.map((option) => optionText(option, { chosen: option === chosen, quickest: option === least })),
      ...left,
      ...(points === undefined ? [] : [pointsText(points, points.centers, points === chosen)]),
    ],
  };
}

function isPick({ solver, stored }: Option, pick: KrrPick | undefined): boolean {
  return solver === pick?.solver && stored === pick.stored;
}

function pointsOrBest(
  points: Points | undefined,
  best: Option | undefined,
  pick: KrrPick | undefined,
): Points | Option | undefined {
  if (points === undefined || best === undefined) return points ?? best;
  if (pick?.solver === 'nystrom') return points;
  if (isPick(best, pick)) return best;
  const [seconds, without] = [points.prediction.seconds, best.prediction.seconds];
  return without > LONGEST && !(seconds > without) ? points : best;
}

/** Without a stored kernel, and with one. */
const computing = ['cg', 'bcd'] as const;
const reading = ['cg', 'closed', 'bcd'] as const;

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
  /** Bytes of rows that making them reads. */
  readonly missingRead: number;
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
    return {
      description: stored,
      bytes: tileFileBytes(stored),
      missingBytes: 0,
      missingRead: 0,
      free,
      fits: true,
    };
  }
  const described = whereItFits(() =>
    describeGeneration(dataset, { ...evaluation, dtype: options.dtype }, options),
  );
  if (described === undefined) return undefined;
  const { memId } = described.description;
  const begun = await readKernelDescription(storage, kernelFolder(options.kernels, memId));
  const there = begun === undefined ? undefined : await findKernel(storage, options.kernels, memId);
  const description = begun ?? described.description;
  const bytes = tileFileBytes(description);
  const missingBytes = there === undefined ? bytes : bytes * (1 - there.tilesDone / there.tiles);
  const missingRead = bytes === 0 ? 0 : Math.round((described.plan.bytesRead * missingBytes) / bytes);
  return { description, bytes, missingBytes, missingRead, free, fits: missingBytes <= DISK_SHARE * free };
}

function considered(
  solver: Option['solver'],
  stored: boolean,
  { plan, solver: solverPlan, bytesPerPass }: ReturnType<typeof planSystem>,
  source: Source,
  options: KernelTrainOptions,
  job: Job,
  speeds: Speeds,
): Option {
  const candidate: Candidate = {
    solver,
    stored,
    passes: solverPlan.passes,
    bytesPerPass,
    scratchBytes: solverPlan.scratchBytes,
    flops: solverPlan.flops,
    floats: solver === 'cg' && options.dtype !== 'float64' && allowsFloats(options, solverPlan.passes),
  };
  return { ...candidate, solver, source, plan, prediction: predict(candidate, job, speeds) };
}

/** Inducing points, when they fit the budget and the rows. */
function pointsOf(
  dataset: Dataset,
  source: Source,
  options: KernelTrainOptions,
  job: Job,
  speeds: Speeds,
): Points | undefined {
  const centers = fewCenters(job.n, options);
  if (centers === undefined) return undefined;
  return whereItFits(() => {
    const { plan, flops } = planNystromJob(dataset, source.evaluation, options, source.bytesBefore);
    const prediction = predictNystrom(centers, flops, job, speeds);
    return { solver: 'nystrom', centers, source, plan, prediction };
  });
}

/** Inducing points, where they are fewer than half of the rows: else there is nothing to gain. */
function fewCenters(n: number, options: KernelTrainOptions): number | undefined {
  if (options.centers >= n / 2) return undefined;
  const centers = centersOf(n, options);
  return centers < n / 2 ? centers : undefined;
}

/** Names a budget in which speeds can be measured and some solver fits; whether a kernel still to be stored fits is not said. */
function tooSmallForAny(
  dataset: Dataset,
  evaluation: Evaluation,
  options: KernelTrainOptions,
  { stored }: Source,
  measuring: number,
): MlmlError {
  const { description } = dataset;
  const n = trainingRows(description, options);
  const source: Source = { evaluation, stored };
  const systems = (stored === undefined ? computing : reading).filter(
    (solver) => tooFewPasses(solver, options) === undefined,
  );
  const points = stored === undefined && fewCenters(n, options) !== undefined;
  if (systems.length === 0 && !points) {
    return new MlmlError('MLML_USAGE', tooFewPasses('cg', options) ?? 'krr: there is no solver to choose');
  }
  const needed = (budget: number) =>
    Math.max(
      measuring,
      Math.min(
        ...systems.map((solver) => systemBytes(solver, dataset, options, source, budget)),
        ...(points ? [nystromBytes(dataset, evaluation, options, budget)] : []),
      ),
    );
  const job = `krr on ${n} rows of ${description.d} features x ${targetColumns(description)} columns`;
  return budgetTooSmall(job, smallestBudget(needed, options.bufferBytes), options.bufferBytes);
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
