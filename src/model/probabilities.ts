import { MlmlError } from '../errors.js';
import type { ScoreMeaning } from '../ssgd/linearModel.js';

/** Whether the scores of a model are probabilities in disguise. */
export function givesProbabilities({ task, loss }: Pick<ScoreMeaning, 'task' | 'loss'>): boolean {
  return task === 'classification' && (loss === 'softmax' || loss === 'logistic');
}

/** Columns of class probabilities of a model; `MLML_USAGE` when its scores are not probabilities in disguise. */
export function probabilityColumns(model: ScoreMeaning): number {
  if (!givesProbabilities(model)) {
    throw new MlmlError(
      'MLML_USAGE',
      `--proba: a model of loss ${model.loss} for ${model.task} gives no probabilities; train with --loss=softmax or --loss=logistic`,
    );
  }
  return Math.max(model.k, 2);
}

/**
 * Class probabilities of one row of scores, into `target` from 0. softmax: exp(s_c)/Σ exp(s). logistic with one
 * column: 1/(1+exp(−s)) for class 1; with several (one against the rest): those values divided by their sum.
 */
export function probabilitiesOf(
  model: ScoreMeaning,
  scores: Float64Array,
  offset: number,
  target: Float64Array,
): void {
  const { k, loss } = model;
  if (k === 1) {
    target[1] = 1 / (1 + Math.exp(-scores[offset]!));
    target[0] = 1 / (1 + Math.exp(scores[offset]!));
    return;
  }
  let largest = -Infinity;
  for (let c = 0; c < k; c++) largest = Math.max(largest, scores[offset + c]!);
  let sum = 0;
  for (let c = 0; c < k; c++) {
    const score = scores[offset + c]!;
    target[c] = loss === 'softmax' ? Math.exp(score - largest) : 1 / (1 + Math.exp(-score));
    sum += target[c]!;
  }
  // Every one-against-the-rest model may be sure that it is not its class.
  for (let c = 0; c < k; c++) target[c] = sum > 0 ? target[c]! / sum : 1 / k;
}
