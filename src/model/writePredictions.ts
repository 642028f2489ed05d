import { allFinite } from '../data/badValue.js';
import type { RowFile } from '../data/rowFile.js';
import { badScoresError, classOf } from '../ssgd/evaluate.js';
import type { ScoreMeaning } from '../ssgd/linearModel.js';
import type { ByteSink } from './byteSink.js';

import { csvWriter } from './csvWriter.js';
import { npyWriter } from './npyWriter.js';
import { probabilitiesOf, probabilityColumns } from './probabilities.js';

/** Scores of consecutive rows: rows × k, row by row. The array is reused for the next block. */
export interface ScoreBlock {
  readonly scores: Float64Array;
  readonly rows: number;
  readonly firstRow: number;
}

export interface PredictionOptions {
  readonly format: 'csv' | 'npy';
  /** Class probabilities too (csv), or instead (npy). Default false. */
  readonly proba?: boolean;
  /** The rows that are scored: one whose scores are not finite is then an error that names it. */
  readonly file?: RowFile;
  readonly signal?: AbortSignal;
  /** Called after each block with the rows done. */
  readonly onProgress?: (rows: number) => void;
}

/** Turns scores into predictions and streams them to a sink, which is finished, or discarded on an error. */
export async function writePredictions(
  model: ScoreMeaning,
  rows: number,
  blocks: AsyncIterable<ScoreBlock>,
  sink: ByteSink,
  options: PredictionOptions,
): Promise<void> {
  try {
    const columns = options.proba ? probabilityColumns(model) : 0;
    const probabilities = options.proba ? new Float64Array(columns) : undefined;
    const dtype = model.task === 'classification' && columns === 0 ? '<i4' : '<f8';
    const writer =
      options.format === 'npy' ? npyWriter(sink, dtype, rows, columns) : csvWriter(sink, model, columns);
    await writer.begin();
    for await (const block of blocks) {
      options.signal?.throwIfAborted();
      if (options.file !== undefined && !allFinite(block.scores, block.rows * model.k))
        throw await badScoresError(options.file, block.firstRow, block.rows, options.signal);
      for (let i = 0; i < block.rows; i++) {
        const offset = i * model.k;
        if (probabilities !== undefined) probabilitiesOf(model, block.scores, offset, probabilities);
        const prediction =
          model.task === 'classification' ? classOf(block.scores, offset, model.k) : block.scores[offset]!;
        const full = writer.append(block.firstRow + i, prediction, probabilities);
        if (full !== undefined) await full;
      }
      options.onProgress?.(block.firstRow + block.rows);
    }
    await writer.end();
    await sink.finish();
  } catch (error) {
    await sink.discard();
    throw error;
  }
}
