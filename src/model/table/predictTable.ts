import type { TableSource } from '../../data/table/tableSource.js';
import type { Storage } from '../../storage/storage.js';
import type { ByteSink } from '../byteSink.js';
import type { PredictOptions } from '../predict.js';
import { type PredictionFormat, predictionFormat } from '../predictionFormat.js';
import { predictionSink } from '../predictionSink.js';
import { probabilityColumns } from '../probabilities.js';
import type { Model } from '../saveModel.js';
import { writePredictions } from '../writePredictions.js';
import { scoreTable, type TableScoringOptions } from './scoreTable.js';
import { fitTable } from './tableFit.js';

/** Options of `predictTable`. */
export interface PredictTableOptions extends PredictOptions, Pick<TableScoringOptions, 'budgetBytes'> {
  /** Column that names rows. Default: that of the training table, or one called `id`; else rows have numbers. */
  readonly id?: string;
  /** Default: from the name of the file. */
  readonly format?: PredictionFormat;
  /** Of Parquet: resident memory of the process that writes it. Default 280e6. */
  readonly queryBytes?: number;
}

/**
 * Predicts all rows of a table, streaming, into a file (CSV, JSON lines, NumPy or Parquet) or a sink: in their order, with their ids. Columns
 * are read as those of the training table were. The memory of the table's reader comes on top of `bufferBytes`. Returns the number of rows.
 *
 * @throws MlmlError `MLML_BAD_DATA` when columns are missing, or naming the place of a value that cannot be used
 */
export async function predictTable(
  storage: Storage,
  model: Model,
  source: TableSource,
  target: string | ByteSink,
  options: PredictTableOptions,
): Promise<number> {
  const format = options.format ?? (typeof target === 'string' ? predictionFormat(target) : 'csv');
  if (options.proba) probabilityColumns(model);
  const fit = fitTable(model, source, options.id);
  const scores = scoreTable(storage, model, source, fit, options);
  const id = fit.id === undefined ? {} : { idName: source.columns[fit.id]!, idType: source.types[fit.id]! };
  const sink =
    typeof target === 'string'
      ? await predictionSink(storage, target, { ...options, ...id, model, format })
      : target;
  return await writePredictions(model, undefined, scores, sink, { ...options, ...id, format });
}
