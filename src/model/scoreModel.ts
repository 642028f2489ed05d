import type { RowFile } from '../data/rowFile.js';
import { SparseRowFile } from '../data/sparse/sparseRowFile.js';
import { leastKernelScoringBytes, scoreKernelRows } from '../kernel/predict/scoreKernelRows.js';
import { leastScoringBytes, type ScoredBlock, scoreRows } from '../ssgd/score.js';
import { leastSparseScoringBytes, scoreSparseRows } from '../ssgd/sparse/sparseScorer.js';
import type { Storage } from '../storage/storage.js';
import { defaultThreads } from '../threads/defaultThreads.js';
import { commonLayout, comparedIn, rowsIn } from './commonLayout.js';
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
  if (!isKernelModel(model)) {
    if (file instanceof SparseRowFile) yield* scoreSparseRows(model, file, options);
    else yield* scoreRows(model, file, options);
    return;
  }
  const layout = commonLayout(model, file);
  const source = await openModelRows(storage, model, layout);
  try {
    const { nthreads = defaultThreads() } = options;
    const compared = comparedIn(model, layout);
    yield* scoreKernelRows(compared, source.rows, rowsIn(file, layout), { ...options, nthreads });
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
  if (isKernelModel(model)) {
    const layout = commonLayout(model, file);
    const scored = layout.longest === undefined && !(file instanceof SparseRowFile) ? file.layout : layout;
    return leastKernelScoringBytes(comparedIn(model, layout), { rows: file.rows, layout: scored }, nthreads);
  }
  if (file instanceof SparseRowFile) return leastSparseScoringBytes(model, file);
  return leastScoringBytes(model, file.layout);
}
