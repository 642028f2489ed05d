import type { Dataset } from '../../data/dataset.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { evaluateWith } from '../../ssgd/evaluate.js';
import type { Evaluation as Quality } from '../../ssgd/events.js';
import { lossOf } from '../../ssgd/losses/losses.js';
import { type CheckpointOptions, jobFolder, openCheckpoint } from '../../storage/checkpoint.js';
import type { KernelContext } from '../jobs.js';
import type { KernelTrainOptions } from '../options.js';
import { KernelScorer } from '../predict/kernelScorer.js';
import { type KernelSolution, type Solver, vectorWidth } from '../solvers/solver.js';
import type { KernelDescription } from '../store/kernelDescription.js';
import { kernelFolder } from '../store/kernelDescription.js';
import { StoredKernelMatrix } from '../store/storedKernelMatrix.js';
import { readTargets } from '../targets.js';
import { ComputedKernel } from '../tiles/computedKernel.js';
import type { KernelMatrix } from '../tiles/kernelMatrix.js';
import { RowsAndTiles } from '../tiles/rowsAndTiles.js';
import { type EvaluatingWorkspace, evaluatorOf, startEvaluation } from './evaluation.js';
import { markHeldOut } from './heldOutRows.js';
import type { SolvePlan } from './planSolve.js';
import { roundingWarning } from './roundingWarning.js';

export interface SolveJob {
  readonly name: string;
  readonly dataset: Dataset;
  readonly solver: Solver;
  readonly plan: SolvePlan;
  readonly options: KernelTrainOptions;
  readonly stored: KernelDescription | undefined;
  readonly context: KernelContext;
  /** That of a larger job. */
  readonly memory?: WebAssembly.Memory;
  /** Default: every 30 s. */
  readonly checkpoints?: CheckpointOptions;
}

export interface SolvedSystem {
  readonly solution: KernelSolution;
  /** n × k, those of the regularization kept; memory of its own. */
  readonly coefficients: Float64Array;
  readonly train: Quality | undefined;
  readonly test: Quality | undefined;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** Solves (K + λI)A = Y inside the plan's memory and scores what came out. */
export async function solveSystem(job: SolveJob): Promise<SolvedSystem> {
  const { plan, dataset } = job;
  // One memory for all phases: each lays it out anew behind the regions they share.
  const memory = job.memory ?? Arena.memory(plan.bytes);
  const first = new Arena(plan.readingLayout, memory);
  const workspace = await startEvaluation(first, plan.evaluation, plan.threads);
  try {
    const { size, options, context } = { ...job, size: plan.size };
    const rows = dataset.train.first(size.n);
    const width = vectorWidth(size);
    const targets = first.float64('targets');
    await readTargets(
      rows,
      dataset.description,
      workspace,
      targets,
      width,
      options.reg.length,
      context.signal,
    );
    const solving = { ...workspace, arena: new Arena(plan.solvingLayout, first.memory) };
    const { solution, bytesRead } = await solveIn(solving, job);
    const scoring = { ...workspace, arena: new Arena(plan.scoringLayout, first.memory) };
    const coefficients = keepBest(
      scoring.arena.float64('coefficients'),
      size.n,
      size.k,
      width,
      solution.best,
    );
    const scores = await scoreIn(scoring, job, rows);
    return {
      solution,
      coefficients,
      train: scores.train,
      test: scores.test,
      bytesRead: bytesRead + scores.bytesRead + rows.rows * rows.layout.rowBytes,
      bytesWritten: plan.solver.scratchBytes,
    };
  } finally {
    await workspace.threads.close();
  }
}

async function solveIn(
  workspace: EvaluatingWorkspace,
  job: SolveJob,
): Promise<{ solution: KernelSolution; bytesRead: number }> {
  const { plan, dataset, options, stored, context, solver } = job;
  const { size, evaluation } = plan;
  const { storage, signal } = context;
  const computed =
    plan.computed === undefined
      ? undefined
      : new ComputedKernel({
          workspace,
          source: dataset.train.first(size.n),
          evaluator: evaluatorOf(workspace),
          rowBytes: dataset.layout.rowBytes,
          tileSize: plan.computed.tileSize,
          dtype: evaluation.dtype,
        });
  const file =
    stored === undefined
      ? undefined
      : await StoredKernelMatrix.open(storage, options.kernels, stored, workspace);
  try {
    const matrix = matrixOf(file, computed);
    const place =
      stored === undefined
        ? { scratchFolder: context.scratchFolder }
        : { kernelFolder: kernelFolder(options.kernels, stored.memId) };
    const key = jobKey(job);
    const checkpoint = await openCheckpoint(storage, jobFolder(place, key), key, {
      onWarning: (message) => context.onEvent?.({ type: 'warning', message }),
      ...context.checkpoint,
      ...job.checkpoints,
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      const { arena } = workspace;
      const heldOut = size.heldOut ? arena.uint8('held out') : undefined;
      if (heldOut !== undefined) markHeldOut(heldOut, options);
      const rounding = await roundingWarning(matrix, options.reg, arena.float64('coefficients'));
      if (rounding !== undefined) context.onEvent?.({ type: 'warning', message: rounding });
      const coefficients = arena.float64('coefficients').fill(0);
      let scratchRead = 0;
      const solution = await solver.solve({
        workspace,
        matrix,
        size,
        options,
        targets: arena.float64('targets'),
        coefficients,
        heldOut,
        classification: dataset.description.task === 'classification',
        checkpoint,
        storage,
        ...(signal === undefined ? {} : { signal }),
        onEvent: context.onEvent ?? (() => {}),
        onScratchRead: (bytes) => {
          scratchRead += bytes;
        },
      });
      await checkpoint.done();
      return { solution, bytesRead: matrix.bytesRead + scratchRead };
    } catch (error) {
      await checkpoint.rescue();
      throw error;
    } finally {
      await checkpoint.release();
    }
  } finally {
    await file?.close();
  }
}

function matrixOf(
  stored: StoredKernelMatrix | undefined,
  computed: ComputedKernel | undefined,
): KernelMatrix {
  if (stored !== undefined && computed !== undefined) return new RowsAndTiles(stored, computed);
  const matrix = stored ?? computed;
  if (matrix === undefined)
    throw new MlmlError('MLML_INTERNAL', 'a kernel is neither stored nor can it be computed');
  return matrix;
}

/** Options that decide the bits of the result. */
const RESULT_OPTIONS = [
  'bufferBytes',
  'reg',
  'tol',
  'patience',
  'holdout',
  'refit',
  'passes',
  'rank',
  'block',
  'epochs',
  'eta0',
  'momentum',
  'seed',
] as const;

/** Everything that decides the bits of the result. */
function jobKey({ name, plan, dataset, options, stored }: SolveJob): object {
  const { evaluation, size } = plan;
  return {
    solver: name,
    fingerprint: dataset.description.fingerprint,
    sampleSeed: dataset.sample?.seed,
    kernel: evaluation.kernel,
    dtype: stored?.dtype ?? evaluation.dtype,
    memId: stored?.memId ?? null,
    made: stored?.created ?? null,
    scale: options.scale,
    size: { ...size, threads: 0 },
    options: Object.fromEntries(RESULT_OPTIONS.map((option) => [option, options[option]])),
  };
}

/**
 * Moves the columns of one regularization to the front, [n][even k], and returns a copy of them, n × k.
 */
function keepBest(columns: Float64Array, n: number, k: number, width: number, best: number): Float64Array {
  const even = vectorWidth({ k, regularizations: 1 });
  const kept = new Float64Array(n * k);
  for (let i = 0; i < n; i++) {
    // Never beyond what has been read: even·i + c is at most width·i + best·k + c.
    for (let c = 0; c < even; c++) {
      const value = c < k ? columns[i * width + best * k + c]! : 0;
      columns[i * even + c] = value;
      if (c < k) kept[i * k + c] = value;
    }
  }
  return kept;
}

async function scoreIn(workspace: EvaluatingWorkspace, job: SolveJob, rows: Dataset['train']) {
  const { plan, dataset, options, context } = job;
  const { description } = dataset;
  const { k } = plan.size;
  const { scoring } = plan;
  if (scoring === undefined) {
    const message =
      'the kernel matrix was given: test rows cannot be compared with the training rows, so nothing is scored';
    context.onEvent?.({ type: 'warning', message });
    return { train: undefined, test: undefined, bytesRead: 0 };
  }
  const { arena } = workspace;
  const coefficients = {
    values: arena.float64('coefficients'),
    stride: vectorWidth({ k, regularizations: 1 }),
    address: arena.address('coefficients'),
  };
  let bytesRead = 0;
  const evaluate = async (part: 'train' | 'test'): Promise<Quality | undefined> => {
    const file = part === 'train' ? rows : dataset.test;
    if (file.rows === 0) return undefined;
    const scorer = new KernelScorer(workspace, plan.evaluation, rows, coefficients, k, scoring);
    const evaluation = await evaluateWith(scorer, lossOf('ridge'), description.task, k, file, context.signal);
    bytesRead += scorer.bytesRead;
    context.onEvent?.({ type: 'evaluation', part, epoch: 0, evaluation });
    return evaluation;
  };
  const test = await evaluate('test');
  const train = options.simulated ? await evaluate('train') : undefined;
  return { train, test, bytesRead };
}
