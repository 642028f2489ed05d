import type { RowFile } from '../data/rowFile.js';
import { scoreKernelRows } from '../kernel/predict/scoreKernelRows.js';
import { evaluateWith } from '../ssgd/evaluate.js';
import type { Evaluation } from '../ssgd/events.js';
import { lossOf } from '../ssgd/losses/losses.js';
import { type ScoredBlock, scoreRows } from '../ssgd/score.js';
import type { Storage } from '../storage/storage.js';
import { defaultThreads } from '../threads/defaultThreads.js';
import { openModelRows } from './kernelRows.js';
import { isKernelModel, type Model } from './saveModel.js';

export interface ScoringOptions {
  /** Bound on the memory of reading and scoring, in bytes. */
  readonly bufferBytes: number;
  /** Threads at most. Default: one for each processor. */
  readonly nthreads?: number;
  readonly signal?: AbortSignal;
}

/** Scores of all rows of a part by a linear or a kernel model, in stored order, inside `bufferBytes`. */
export async function* scoreModel(
  storage: Storage,
  model: Model,
  file: RowFile,
  options: ScoringOptions,
): AsyncGenerator<ScoredBlock> {
  if (!isKernelModel(model)) {
    yield* scoreRows(model, file, options);
    return;
  }
  const source = await openModelRows(storage, model);
  try {
    const { nthreads = defaultThreads() } = options;
    yield* scoreKernelRows(model, source.rows, file, { ...options, nthreads });
  } finally {
    await source.close();
  }
}

/**
 * Loss per row and accuracy (classification) or rmse and r2 (regression) of a model on a part of a data set, streamed
 * inside `bufferBytes`.
 */
export async function evaluate(
  storage: Storage,
  model: Model,
  file: RowFile,
  options: ScoringOptions,
): Promise<Evaluation> {
  const scorer = { blocks: () => scoreModel(storage, model, file, options) };
  return await evaluateWith(scorer, lossOf(model.loss), model.task, model.k, file, options.signal);
}
