import type { RowFile } from '../../data/rowFile.js';
import { Arena } from '../../memory/arena.js';
import { budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import { smallestBudget } from '../../memory/smallestBudget.js';
import type { RowScorer, ScoredBlock } from '../../ssgd/score.js';
import {
  type Evaluation,
  evaluationRegions,
  evaluationThreads,
  packedBytesOf,
  startEvaluation,
} from '../job/evaluation.js';
import type { KernelModel } from '../kernelModel.js';
import type { RowSource } from '../tiles/rowSource.js';
import { KernelScorer, planScoring } from './kernelScorer.js';

export interface KernelScoringOptions {
  /** Bound on the memory of scoring, the model's coefficients included, in bytes. */
  readonly bufferBytes: number;
  readonly nthreads: number;
  readonly signal?: AbortSignal;
}

/** What scoring the rows of a file takes inside a budget. */
function planner(model: KernelModel, file: Pick<RowFile, 'rows' | 'layout'>, nthreads: number) {
  const { kernel, geometry, k, n, coefficients } = model;
  const evaluation: Evaluation = { kernel, geometry, dtype: 'float32' };
  const threads = evaluationThreads(kernel, nthreads);
  const sizes = {
    rows: Math.max(1, file.rows),
    n,
    k,
    labels: file.layout.labels,
    rowBytes: file.layout.rowBytes,
    packedBytes: packedBytesOf(evaluation),
    resident: false,
  };
  const planFor = (bufferBytes: number) => {
    const first = evaluationRegions(evaluation, threads, bufferBytes);
    const left = bufferBytes - coefficients.byteLength - layOut(first).totalBytes;
    const plan = planScoring(sizes, evaluation.dtype, left);
    const regions: Region[] = [...first, ...plan.regions];
    return { plan, regions, bytes: layOut(regions).totalBytes + coefficients.byteLength };
  };
  return { evaluation, threads, planFor };
}

/** The smallest budget in which rows can be scored, at most 10 kB more. */
export function leastKernelScoringBytes(
  model: KernelModel,
  file: Pick<RowFile, 'rows' | 'layout'>,
  nthreads: number,
): number {
  const { planFor } = planner(model, file, nthreads);
  return smallestBudget((budget) => planFor(budget).bytes, 0);
}

/** A kernel model ready to score files of one layout, of at most as many rows as it was opened for. */
export interface OpenKernelScorer extends RowScorer {
  close(): Promise<void>;
}

/**
 * Starts the threads that score rows by a kernel model whose training rows are open, inside `bufferBytes`. Close it when all is scored.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`
 */
export async function openKernelScorer(
  model: KernelModel,
  source: RowSource,
  file: Pick<RowFile, 'rows' | 'layout'>,
  options: KernelScoringOptions,
): Promise<OpenKernelScorer> {
  const { k, n, coefficients } = model;
  const { evaluation, threads, planFor } = planner(model, file, options.nthreads);
  const { plan, regions, bytes } = planFor(options.bufferBytes);
  if (bytes > options.bufferBytes) {
    throw budgetTooSmall(
      `scoring by ${n} rows of ${model.d} features x ${k} columns`,
      smallestBudget((budget) => planFor(budget).bytes, options.bufferBytes),
      options.bufferBytes,
      threads > 1 ? 'fewer --nthreads take less' : '',
    );
  }
  const workspace = await startEvaluation(new Arena(regions), evaluation, threads);
  const vectors = { values: coefficients, stride: k };
  const scorer = new KernelScorer(workspace, evaluation, source, vectors, k, plan);
  return {
    blocks: (rows: RowFile, signal?: AbortSignal) => scorer.blocks(rows, signal),
    close: () => workspace.threads.close(),
  };
}

/**
 * Scores of all rows of a file by a kernel model whose training rows are open, in stored order, inside `bufferBytes`.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`
 */
export async function* scoreKernelRows(
  model: KernelModel,
  source: RowSource,
  file: RowFile,
  options: KernelScoringOptions,
): AsyncGenerator<ScoredBlock> {
  const scorer = await openKernelScorer(model, source, file, options);
  try {
    yield* scorer.blocks(file, options.signal);
  } finally {
    await scorer.close();
  }
}
