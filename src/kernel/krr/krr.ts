import type { Dataset } from '../../data/dataset.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { formatBytes } from '../../memory/byteSize.js';
import type { Plan } from '../../memory/plan.js';
import { comparesRows, computedDtype, evaluationThreads } from '../job/evaluation.js';
import { describeGeneration, generateKernel } from '../job/generateKernel.js';
import { planSystem, type Source, sourceOf, trainSystem } from '../job/trainSystem.js';
import type { KernelContext, KernelTrainResult } from '../jobs.js';
import {
  type KernelDescription,
  kernelFolder,
  readKernelDescription,
  requireKernelDescription,
} from '../matrix/kernelDescription.js';
import { tileFileBytes } from '../matrix/tileLayout.js';
import type { GenerateOptions, KernelTrainOptions } from '../options.js';
import { vectorWidth } from '../solvers/solver.js';
import { findKernel } from '../storeList.js';
import { targetColumns } from '../targets.js';
import { type Candidate, type Job, type Prediction, predict, quickest } from './candidates.js';
import { measureSpeeds, type Speeds } from './speeds.js';

/** Of the free disk, how much a kernel may take. */
const DISK_SHARE = 0.9;

/** A candidate that fits the budget and the disk. */
interface Option extends Candidate {
  readonly solver: 'cg' | 'closed' | 'bcd';
  readonly source: Source;
  readonly plan: Plan;
  readonly prediction: Prediction;
}

interface Choice {
  readonly chosen: Option;
  /** Bytes of the kernel that has to be stored first; 0 when none, or when it is there. */
  readonly missingBytes: number;
  readonly kernelBytes: number;
  readonly reasons: readonly string[];
}

/** What krr would do, the reasons among its notes. */
export async function planKrr(
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<Plan> {
  return planOf(await choose(dataset, options, context, Arena.memory(options.bufferBytes)));
}

/** Picks the quickest solver that fits, says why, and runs it. */
export async function trainKrr(
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<KernelTrainResult> {
  const start = performance.now();
  // One memory for all that follows, so that no part adds to another's.
  const memory = Arena.memory(options.bufferBytes);
  const choice = await choose(dataset, options, context, memory);
  const { chosen, reasons } = choice;
  context.onEvent?.({ type: 'plan', plan: planOf(choice) });
  const { kernel } = chosen.source.evaluation;
  let bytesRead = 0;
  let bytesWritten = 0;
  if (choice.missingBytes > 0) {
    const made = await generateKernel(dataset, generateOptions(options), context, { kernel, memory });
    ({ bytesRead, bytesWritten } = made);
  }
  const { stored } = chosen.source;
  const source =
    stored === undefined
      ? chosen.source
      : {
          ...chosen.source,
          stored: await requireKernelDescription(context.storage, options.kernels, stored.memId),
        };
  const result = await trainSystem(chosen.solver, dataset, options, context, source, memory);
  return {
    ...result,
    reasons,
    seconds: (performance.now() - start) / 1000,
    bytesRead: bytesRead + result.bytesRead,
    bytesWritten: bytesWritten + result.bytesWritten,
  };
}

function generateOptions(options: KernelTrainOptions): GenerateOptions {
  return options;
}

/** The plan of the solver, with the passes and bytes of generating the kernel and the reasons of the choice. */
function planOf({ chosen, missingBytes, kernelBytes, reasons }: Choice): Plan {
  const { plan } = chosen;
  return {
    ...plan,
    job: plan.job.replace(/^[a-z]+/, `krr by ${chosen.solver}`),
    bytesWritten: plan.bytesWritten + missingBytes,
    scratchBytes: plan.scratchBytes + (chosen.stored ? kernelBytes : 0),
    notes: [...reasons, ...plan.notes],
  };
}

async function choose(
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
  memory: WebAssembly.Memory,
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
  const speeds = await measureSpeeds(
    dataset,
    evaluation,
    { width, threads, memory },
    storage,
    options.kernels,
  );
  const n = store.description.rows;
  const job: Job = {
    n,
    width,
    scored: dataset.description.parts.test.n + (options.simulated ? n : 0),
    storeBytes: store.bytes,
    missingBytes: store.missingBytes,
  };
  const found: Option[] = [];
  const left: string[] = [];
  let tooSmall: MlmlError | undefined;
  for (const [solver, stored] of candidates) {
    if (stored && !store.fits) continue;
    if (!stored && options.memId !== undefined) continue;
    const source: Source = { evaluation, stored: stored ? store.description : undefined };
    try {
      const option = considered(
        solver,
        stored,
        planSystem(solver, dataset, options, source),
        source,
        job,
        speeds,
      );
      found.push(option);
    } catch (error) {
      if (!(error instanceof MlmlError) || error.code !== 'MLML_BUDGET_TOO_SMALL') throw error;
      tooSmall ??= error;
      left.push(`${nameOf({ solver, stored })}: does not fit --buffer`);
    }
  }
  const chosen = quickest(found);
  if (chosen === undefined) throw tooSmall ?? new MlmlError('MLML_INTERNAL', 'no solver was considered');
  return {
    chosen,
    missingBytes: chosen.stored ? store.missingBytes : 0,
    kernelBytes: store.bytes,
    reasons: [
      speedText(speeds, threads),
      ...(store.fits
        ? []
        : [
            `a stored kernel would take ${formatBytes(store.bytes)}, ${formatBytes(store.free)} of the disk are free`,
          ]),
      ...found.map((option) => optionText(option, option === chosen)),
      ...left,
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

/** The stored kernel there is or would be. */
async function storeOf(
  dataset: Dataset,
  options: KernelTrainOptions,
  { storage }: KernelContext,
  { evaluation, stored }: Source,
): Promise<Store> {
  const free = await storage.freeBytes(options.kernels);
  if (stored !== undefined) {
    return { description: stored, bytes: tileFileBytes(stored), missingBytes: 0, free, fits: true };
  }
  const described = describeGeneration(
    dataset,
    { ...evaluation, dtype: options.dtype },
    generateOptions(options),
  ).description;
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
  };
  return { ...candidate, solver, source, plan, prediction: predict(candidate, job, speeds) };
}

function nameOf({ solver, stored }: Pick<Candidate, 'solver' | 'stored'>): string {
  return stored ? `${solver} on a stored kernel` : `${solver} computing the kernel in each pass`;
}

function optionText(option: Option, chosen: boolean): string {
  const { seconds, generate, solve, score } = option.prediction;
  const parts = [
    ...(option.stored ? [`storing ${minutes(generate)}`] : []),
    `${Math.round(option.passes)} passes ${minutes(solve)}`,
    `scoring ${minutes(score)}`,
  ];
  return `${nameOf(option)}: ${minutes(seconds)} predicted (${parts.join(', ')})${chosen ? ': the quickest, chosen' : ''}`;
}

function speedText({ entries, products, written, read }: Speeds, threads: number): string {
  const million = (value: number) => `${(value / 1e6).toPrecision(3)} million`;
  const disk = read > 0 ? `, disk ${formatBytes(written)}/s written and ${formatBytes(read)}/s read` : '';
  return (
    `measured with ${threads} ${threads === 1 ? 'thread' : 'threads'}: ${million(entries)} kernel entries/s, ` +
    `${(products / 1e9).toPrecision(3)} billion multiply-adds/s${disk}`
  );
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${(seconds / 60).toFixed(1)} min`;
}
