import type { ScoreMeaning } from '../ssgd/linearModel.js';

/** Names of the predictions of a model of several outputs, `prediction_<label>`; undefined where a row has one prediction. */
export function outputNames({ labelNames }: Pick<ScoreMeaning, 'labelNames'>): string[] | undefined {
  return labelNames?.map((name) => `prediction_${name}`);
}
