import { MlmlError } from '../errors.js';
import type { ScoreMeaning } from '../ssgd/linearModel.js';
import { binaryScore, calibratedProbability, type ScoreCalibration } from '../ssgd/scoreCalibration.js';

/** Whether a model gives probabilities: it was calibrated, or its scores are probabilities in disguise. */
export function givesProbabilities({
  task,
  loss,
  calibration,
}: Pick<ScoreMeaning, 'task' | 'loss' | 'calibration'>): boolean {
  return (
    task === 'classification' && (calibration !== undefined || loss === 'softmax' || loss === 'logistic')
  );
}

/** Columns of class probabilities of a model; `MLML_USAGE` when it gives none. */
export function probabilityColumns(model: ScoreMeaning): number {
  if (givesProbabilities(model)) return Math.max(model.k, 2);
  const way =
    model.task === 'regression'
      ? 'probabilities are of classes'
      : 'fit them to its scores with mlml calibrate, or train with --loss=softmax or --loss=logistic';
  throw new MlmlError(
    'MLML_USAGE',
    `--proba: a model of loss ${model.loss} for ${model.task} gives no probabilities; ${way}`,
  );
}

/**
 * Class probabilities of one row of scores, into `target` from 0. Of a calibrated model its curves; softmax: exp(s_c)/Σ exp(s);
 * logistic: 1/(1+exp(−s)). With one column that is class 1; with several, one against the rest, the values are divided by their sum.
 */
export function probabilitiesOf(
  model: ScoreMeaning,
  scores: Float64Array,
  offset: number,
  target: Float64Array,
): void {
  const { k, loss, calibration } = model;
  if (calibration !== undefined) return calibrated(calibration, k, scores, offset, target);
  if (k === 1) {
    target[1] = 1 / (1 + Math.exp(-scores[offset]!));
    target[0] = 1 / (1 + Math.exp(scores[offset]!));
    return;
  }
  let largest = -Infinity;
  for (let c = 0; c < k; c++) largest = Math.max(largest, scores[offset + c]!);
  for (let c = 0; c < k; c++) {
    const score = scores[offset + c]!;
    target[c] = loss === 'softmax' ? Math.exp(score - largest) : 1 / (1 + Math.exp(-score));
  }
  divideBySum(target, k);
}

function calibrated(
  calibration: ScoreCalibration,
  k: number,
  scores: Float64Array,
  offset: number,
  target: Float64Array,
): void {
  if (k <= 2) {
    target[1] = calibratedProbability(calibration, 0, binaryScore(scores, offset, k));
    target[0] = 1 - target[1];
    return;
  }
  for (let c = 0; c < k; c++) target[c] = calibratedProbability(calibration, c, scores[offset + c]!);
  divideBySum(target, k);
}

/** Every one-against-the-rest model may be sure that it is not its class: then all are alike. */
function divideBySum(target: Float64Array, k: number): void {
  let sum = 0;
  for (let c = 0; c < k; c++) sum += target[c]!;
  for (let c = 0; c < k; c++) target[c] = sum > 0 ? target[c]! / sum : 1 / k;
}
