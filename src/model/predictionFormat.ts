import { MlmlError } from '../errors.js';

export const predictionFormats = ['csv', 'jsonl', 'npy', 'parquet'] as const;
export type PredictionFormat = (typeof predictionFormats)[number];

/** Format of a predictions file, from its name. */
export function predictionFormat(path: string): PredictionFormat {
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase();
  const format = predictionFormats.find((name) => name === extension);
  if (format !== undefined) return format;
  throw new MlmlError(
    'MLML_USAGE',
    `--out=${path}: must end in .csv, .jsonl, .npy or .parquet (or give --format), or be - for stdout`,
  );
}
