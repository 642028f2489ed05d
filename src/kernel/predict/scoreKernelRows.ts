import type { RowFile } from '../../data/rowFile.js';
import { Arena } from '../../memory/arena.js';
import { budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import type { ScoredBlock } from '../../ssgd/score.js';
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
  const { kernel, geometry, k, n, coefficients } = model;
  const evaluation: Evaluation = { kernel, geometry, dtype: 'float32' };
  const threads = evaluationThreads(kernel, options.nthreads);
  const first = evaluationRegions(evaluation, threads, options.bufferBytes);
  const budget = options.bufferBytes - coefficients.byteLength;
  const sizes = {
    rows: Math.max(1, file.rows),
    n,
    k,
    rowBytes: file.layout.rowBytes,
    packedBytes: packedBytesOf(evaluation),
    resident: false,
  };
  const plan = planScoring(sizes, evaluation.dtype, budget - layOut(first).totalBytes);
  const regions: Region[] = [...first, ...plan.regions];
  const { totalBytes } = layOut(regions);
  if (totalBytes > budget) {
    const needed = totalBytes + coefficients.byteLength;
    throw budgetTooSmall(
      `scoring by ${n} rows of ${model.d} features x ${k} columns`,
      needed,
      options.bufferBytes,
      threads > 1 ? 'fewer --nthreads take less' : '',
    );
  }
  const workspace = await startEvaluation(new Arena(regions), evaluation, threads);
  try {
    const scorer = new KernelScorer(
      workspace,
      evaluation,
      source,
      { values: coefficients, stride: k },
      k,
      plan,
    );
    yield* scorer.blocks(file, options.signal);
  } finally {
    await workspace.threads.close();
  }
}
