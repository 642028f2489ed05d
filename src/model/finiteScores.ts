import { allFinite } from '../data/badValue.js';
import type { RowFile } from '../data/rowFile.js';
import type { SparseRowFile } from '../data/sparse/sparseRowFile.js';
import { badScoresError } from '../ssgd/evaluate.js';
import type { ScoredBlock } from '../ssgd/score.js';
import type { Storage } from '../storage/storage.js';
import type { Model } from './saveModel.js';
import { type ScoringOptions, scoreModel } from './scoreModel.js';

/** Bytes that are left beside scoring, which keeps the least it can do with, and otherwise half: it gains little from more. */
export function bytesBeside(bufferBytes: number, least: number): number {
  return Math.max(0, Math.min(bufferBytes / 2, bufferBytes - least));
}

/** The budget of which so many bytes are left beside scoring. */
export function budgetFor(bytes: number, least: number): number {
  return Math.max(2 * bytes, bytes + least);
}

/**
 * The blocks of `scoreModel`, for sums over scores. `onProgress`: called after each with the rows done.
 *
 * @throws MlmlError `MLML_BAD_DATA` naming the row whose scores are not finite
 */
export async function* finiteScores(
  storage: Storage,
  model: Model,
  file: RowFile | SparseRowFile,
  options: ScoringOptions & { readonly onProgress?: (rows: number) => void },
): AsyncGenerator<ScoredBlock> {
  for await (const block of scoreModel(storage, model, file, options)) {
    const { firstRow, rows } = block;
    if (!allFinite(block.scores, rows * model.k))
      throw await badScoresError(file, firstRow, rows, options.signal);
    yield block;
    options.onProgress?.(firstRow + rows);
  }
}
