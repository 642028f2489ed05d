import type { RowFile } from '../data/rowFile.js';
import { leastKernelScoringBytes, scoreKernelRows } from '../kernel/predict/scoreKernelRows.js';
import { leastScoringBytes, type ScoredBlock, scoreRows } from '../ssgd/score.js';
import type { Storage } from '../storage/storage.js';
import { defaultThreads } from '../threads/defaultThreads.js';
import { openModelRows } from './kernelRows.js';
import { isKernelModel, type Model } from './saveModel.js';

/** Options of `scoreModel`. */
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

/** The smallest budget in which the rows of a file can be scored, to 10 kB. */
export function leastBytes(model: Model, file: Pick<RowFile, 'rows' | 'layout'>, nthreads: number): number {
  return isKernelModel(model)
    ? leastKernelScoringBytes(model, file, nthreads)
    : leastScoringBytes(model, file.layout);
}
