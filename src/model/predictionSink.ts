import type { ColumnType } from '../data/table/tableSource.js';
import type { ScoreMeaning } from '../ssgd/linearModel.js';
import type { Storage } from '../storage/storage.js';
import { type ByteSink, fileSink } from './byteSink.js';
import type { PredictionFormat } from './predictionFormat.js';

/** What will be written into a file of predictions. */
export interface PredictionFile {
  readonly format: PredictionFormat;
  readonly model: ScoreMeaning;
  readonly proba?: boolean;
  /** What ids are called, and what is known of them, where rows have them. */
  readonly idName?: string;
  readonly idType?: ColumnType;
  /** Of Parquet: resident memory of the process that writes it. */
  readonly queryBytes?: number;
  readonly signal?: AbortSignal;
}

/** Where the writer of a format puts its bytes: a file that appears under its name, replacing an older one, only when it is whole. */
export async function predictionSink(
  storage: Storage,
  path: string,
  what: PredictionFile,
): Promise<ByteSink> {
  if (what.format !== 'parquet') return await fileSink(storage, path);
  // DuckDB's side is loaded when it is used.
  const { parquetSink } = await import('./parquetSink.js');
  return await parquetSink(storage, path, what);
}
