import type { RowFile } from '../data/rowFile.js';
import { SparseRowFile } from '../data/sparse/sparseRowFile.js';
import { MlmlError } from '../errors.js';
import { leastKernelScoringBytes, scoreKernelRows } from '../kernel/predict/scoreKernelRows.js';
import type { LinearModel } from '../ssgd/linearModel.js';
import { leastScoringBytes, type ScoredBlock, scoreRows } from '../ssgd/score.js';
import { leastSparseScoringBytes, scoreSparseRows } from '../ssgd/sparse/sparseScorer.js';
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
  file: RowFile | SparseRowFile,
  options: ScoringOptions,
): AsyncGenerator<ScoredBlock> {
  if (file instanceof SparseRowFile) {
    yield* scoreSparseRows(requireLinear(model, file), file, options);
    return;
  }
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
export function leastBytes(
  model: Model,
  file: Pick<RowFile, 'rows' | 'layout'> | SparseRowFile,
  nthreads: number,
): number {
  if (file instanceof SparseRowFile) return leastSparseScoringBytes(requireLinear(model, file), file);
  return isKernelModel(model)
    ? leastKernelScoringBytes(model, file, nthreads)
    : leastScoringBytes(model, file.layout);
}

function requireLinear(model: Model, { path }: SparseRowFile): LinearModel {
  if (!isKernelModel(model)) return model;
  throw new MlmlError(
    'MLML_USAGE',
    `${path}: holds sparse rows, which kernel models do not take; import the text again with --dense`,
  );
}
