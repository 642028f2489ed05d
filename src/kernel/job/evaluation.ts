import { loadKernels } from '../../arithmetic/kernels.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import type { Workspace } from '../../threads/workspace.js';
import type { BlockEvaluator, RowGeometry } from '../functions/blockEvaluator.js';
import { isCustom } from '../functions/customKernel.js';
import {
  createEvaluator,
  EVALUATION_REGION,
  evaluationThreadBytes,
  evaluatorRegions,
} from '../functions/evaluator.js';
import type { KernelFunction, TileDtype } from '../functions/kernelFunction.js';
import { mainEnvironment, plannedThreads, startThreads, threadRegions } from '../startThreads.js';

/** Room, never touched, for figures and scaling of the features of sparse rows, of which there may be very many. */
const FEATURE_FIGURES = 'features';
const FIGURES = 4;

/** Of scaled rows the figures their scaling was made from, and the arrays of the geometry, of which some are one. */
function figureBytes({ layout, multiply, add, mean, unscaled }: RowGeometry): number {
  const arrays = new Set([multiply, add, mean]).size;
  return 8 * layout.d * (unscaled === true ? arrays : arrays + FIGURES);
}

/** A kernel function over rows of one geometry, with the number type its entries come in. */
export interface Evaluation {
  readonly kernel: KernelFunction;
  readonly geometry: RowGeometry;
  readonly dtype: TileDtype;
}

/** Entries that are used at once gain nothing from half the bytes: they are floats, or doubles where that was asked for. */
export function computedDtype(dtype: TileDtype): TileDtype {
  return dtype === 'float64' ? 'float64' : 'float32';
}

/** False for a matrix that was given: then there is nothing to compute from rows, and no other row can be compared. */
export function comparesRows(kernel: KernelFunction): boolean {
  return kernel.kind !== 'precomputed';
}

/** Threads that can evaluate it: functions of the caller run in his thread only. */
export function evaluationThreads(kernel: KernelFunction, nthreads: number): number {
  return isCustom(kernel) ? 1 : nthreads;
}

/** What a plan says of its threads. */
export function threadsNote(threads: number): string {
  return threads === 1
    ? 'one thread'
    : `${threads} threads share the arithmetic; the result does not depend on them`;
}

/**
 * Regions of the threads and of the constants of the evaluation; the first of every layout of a job. `budgetBytes`: see
 * `threadRegions`.
 */
export function evaluationRegions(evaluation: Evaluation, threads: number, budgetBytes = 0) {
  const { kernel, geometry, dtype } = evaluation;
  if (!comparesRows(kernel)) return threadRegions(threads, budgetBytes);
  const own = evaluationThreadBytes(kernel, geometry, dtype);
  const count = plannedThreads(threads, budgetBytes, own);
  return [
    ...threadRegions(threads, budgetBytes),
    ...evaluatorRegions(kernel, geometry, dtype, count),
    ...(own === 0 ? [] : [{ name: FEATURE_FIGURES, bytes: figureBytes(geometry) }]),
  ];
}

/** Bytes of packed blocks, for plans: known by an evaluator that is never used. */
export function packedBytesOf(evaluation: Evaluation): (capacity: number) => number {
  const known = packings.get(evaluation);
  if (known !== undefined) return known;
  const packedBytes = comparesRows(evaluation.kernel) ? packingOf(evaluation) : () => 0;
  packings.set(evaluation, packedBytes);
  return packedBytes;
}

/** A search for the smallest budget asks again for each it tries, and a kernel with a memory of its own is no small thing. */
const packings = new WeakMap<Evaluation, (capacity: number) => number>();

function packingOf({ kernel, geometry: given, dtype }: Evaluation): (capacity: number) => number {
  const geometry = given.layout.longest === undefined ? given : fewFeatures(given);
  const arena = new Arena(evaluationRegions({ kernel, geometry, dtype }, 1));
  const environment = mainEnvironment(arena, loadKernels(arena.memory, 'plain'));
  const evaluator = createEvaluator(kernel, geometry, dtype, environment, arena.address(EVALUATION_REGION));
  return (capacity) => evaluator.packedBytes(capacity);
}

/** Sparse rows of two features that are packed as those given, which may have very many: their packed bytes do not depend on d. */
function fewFeatures(geometry: RowGeometry): RowGeometry {
  const { layout, multiply, add, unscaled } = geometry;
  const factor = multiply[0]!;
  const other = unscaled ? undefined : multiply.find((each) => each !== factor);
  const term = unscaled ? undefined : add.find((each) => each !== 0);
  return {
    ...geometry,
    layout: { ...layout, d: 2 },
    multiply: Float64Array.of(factor, other ?? factor),
    add: Float64Array.of(term ?? 0, 0),
    mean: new Float64Array(2),
  };
}

/** The evaluator of a workspace that has to have one. */
export function evaluatorOf({ evaluator }: EvaluatingWorkspace): BlockEvaluator {
  if (evaluator === undefined) {
    throw new MlmlError(
      'MLML_USAGE',
      'the kernel matrix was given (precomputed): other rows cannot be compared with those it was made from',
    );
  }
  return evaluator;
}

export interface EvaluatingWorkspace extends Workspace {
  /** The main thread's; undefined when rows are not compared. */
  readonly evaluator: BlockEvaluator | undefined;
}

/** Threads over an arena that begins with `evaluationRegions`, told how to evaluate. */
export async function startEvaluation(
  arena: Arena,
  { kernel, geometry, dtype }: Evaluation,
  threads: number,
): Promise<EvaluatingWorkspace> {
  if (!comparesRows(kernel)) return { ...(await startThreads(arena, threads, {})), evaluator: undefined };
  const constants = arena.address(EVALUATION_REGION);
  const setup = { evaluation: { kernel, geometry, dtype, constants } };
  const workspace = await startThreads(arena, threads, setup);
  const environment = mainEnvironment(arena, workspace.kernels);
  return { ...workspace, evaluator: createEvaluator(kernel, geometry, dtype, environment, constants) };
}
