import type { TrainOptions } from '../options.js';
import { isWeighted } from '../rowWeights.js';

/**
 * The rmse that a mean loss of rows stands for, where it stands for one: with squared loss, one output, and rows that all weigh
 * the same. Otherwise nothing, and r2 is never known while training.
 */
export function runningRmse(
  options: Pick<TrainOptions, 'loss' | 'classWeight' | 'weightColumn'>,
  columns: number,
  meanLoss: number,
): { readonly rmse?: number } {
  return options.loss === 'ridge' && columns === 1 && !isWeighted(options)
    ? { rmse: Math.sqrt(2 * meanLoss) }
    : {};
}
