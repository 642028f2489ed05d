import { allFinite } from '../data/badValue.js';
import type { RowFile } from '../data/rowFile.js';
import type { SparseRowFile } from '../data/sparse/sparseRowFile.js';
import { badScoresError, classOf } from '../ssgd/evaluate.js';
import type { ScoreMeaning } from '../ssgd/linearModel.js';
import type { ByteSink } from './byteSink.js';
import { csvWriter } from './csvWriter.js';
import { jsonlWriter } from './jsonlWriter.js';
import { npyWriter } from './npyWriter.js';
import type { PredictionFormat } from './predictionFormat.js';
import type { PredictionWriter } from './predictionWriter.js';
import { probabilitiesOf, probabilityColumns } from './probabilities.js';

/** Scores of consecutive rows: rows × k, row by row. The array is reused for the next block. */
export interface ScoreBlock {
  readonly scores: Float64Array;
  readonly rows: number;
  readonly firstRow: number;
  /** Texts that name the rows. */
  readonly ids?: readonly string[];
  /** More rows may take their time: what is there is handed on. */
  readonly pause?: boolean;
}

export interface PredictionOptions {
  /** Parquet: the sink is one that makes it of CSV, see `predictionSink`. */
  readonly format: PredictionFormat;
  /** Class probabilities too (csv, jsonl, parquet), or instead (npy). Default false. */
  readonly proba?: boolean;
  /** What ids are called; absent when rows have none. */
  readonly idName?: string;
  /** The rows that are scored: one whose scores are not finite is then an error that names it. */
  readonly file?: RowFile | SparseRowFile;
  readonly signal?: AbortSignal;
  /** Called after each block with the rows done. */
  readonly onProgress?: (rows: number) => void;
}

/** The writer of a format. */
function writerOf(
  model: ScoreMeaning,
  rows: number | undefined,
  sink: ByteSink,
  columns: number,
  { format, idName }: PredictionOptions,
): PredictionWriter {
  switch (format) {
    case 'csv':
    case 'parquet':
      return csvWriter(sink, model, columns, idName);
    case 'jsonl':
      return jsonlWriter(sink, model, columns);
    case 'npy':
      return npyWriter(sink, model.task === 'classification' && columns === 0 ? '<i4' : '<f8', rows, columns);
  }
}

/**
 * Turns scores into predictions and streams them to a sink, which is finished, or discarded on an error. `rows`: undefined when not known
 * before. Returns how many there were.
 */
export async function writePredictions(
  model: ScoreMeaning,
  rows: number | undefined,
  blocks: AsyncIterable<ScoreBlock>,
  sink: ByteSink,
  options: PredictionOptions,
): Promise<number> {
  let done = 0;
  try {
    const several = model.labelNames !== undefined;
    const columns = options.proba ? probabilityColumns(model) : several ? model.k : 0;
    const probabilities = options.proba ? new Float64Array(columns) : undefined;
    const writer = writerOf(model, rows, sink, columns, options);
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
        const numbers = several ? block.scores.subarray(offset, offset + model.k) : probabilities;
        const full = writer.append(block.firstRow + i, prediction, numbers, block.ids?.[i]);
        if (full !== undefined) await full;
      }
      done = block.firstRow + block.rows;
      if (block.pause === true) await writer.flush();
      options.onProgress?.(done);
    }
    await writer.end();
    await sink.finish();
    return done;
  } catch (error) {
    await sink.discard();
    throw error;
  }
}
