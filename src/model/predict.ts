import type { RowFile } from '../data/rowFile.js';
import type { Storage } from '../storage/storage.js';
import { predictionFormat } from './predictionFormat.js';
import { predictionSink } from './predictionSink.js';
import { probabilityColumns } from './probabilities.js';
import type { Model } from './saveModel.js';
import { type ScoringOptions, scoreModel } from './scoreModel.js';
import { writePredictions } from './writePredictions.js';

/** Options of `predict`. */
export interface PredictOptions extends ScoringOptions {
  /** Class probabilities too (csv, jsonl, parquet), or instead of classes (npy). Default false. */
  readonly proba?: boolean;
  /** Called now and then with the rows done. */
  readonly onProgress?: (rows: number) => void;
}

/**
 * Predicts all rows of a part of a data set, streaming, into a file: CSV (`row,class`, `row,class,name` or
 * `row,value`), JSON lines, Parquet (the columns of CSV), or NumPy (int32 classes, float64 values or probabilities). The file appears whole or not at all.
 *
 * @example
 * await predict(nodeStorage, model, dataset.test, 'predictions.npy', { bufferBytes: 1e6 });
 */
export async function predict(
  storage: Storage,
  model: Model,
  file: RowFile,
  path: string,
  options: PredictOptions,
): Promise<void> {
  const format = predictionFormat(path);
  if (options.proba) probabilityColumns(model);
  const scores = scoreModel(storage, model, file, options);
  const sink = await predictionSink(storage, path, { ...options, model, format });
  await writePredictions(model, file.rows, scores, sink, { ...options, format, file });
}
