import { allFinite, badValueError } from '../data/badValue.js';
import type { Task } from '../data/format.js';
import type { RowFile } from '../data/rowFile.js';
import { MlmlError } from '../errors.js';
import { checkLabels } from './checkLabels.js';
import type { Evaluation } from './events.js';
import type { LinearModel } from './linearModel.js';
import type { Loss } from './losses/loss.js';
import { lossOf } from './losses/losses.js';
import { openScorer, type RowScorer } from './score.js';

/**
 * The class of the row whose scores start at `at`: with one column, 1 if its score is positive, else 0;
 * otherwise the column with the largest score, the first of equals.
 */
export function classOf(scores: Float32Array | Float64Array, at: number, columns: number): number {
  if (columns === 1) return scores[at]! > 0 ? 1 : 0;
  let best = 0;
  let largest = scores[at]!;
  for (let c = 1; c < columns; c++) {
    if (scores[at + c]! > largest) {
      largest = scores[at + c]!;
      best = c;
    }
  }
  return best;
}

/** Why scores of rows are not finite: a value of theirs is not, or values and weights are too large together. */
export async function badScoresError(
  file: RowFile,
  firstRow: number,
  rows: number,
  signal?: AbortSignal,
): Promise<MlmlError> {
  return (
    (await badValueError(file, signal, firstRow, rows)) ??
    new MlmlError(
      'MLML_BAD_DATA',
      `the scores of row ${firstRow}${rows > 1 ? `, or of one of the ${rows - 1} after it,` : ''} are not finite: ` +
        'its values are far larger than those the model was trained on',
    )
  );
}

/** Loss and accuracy (or rmse and r2) of the model a scorer holds, over all rows of a file. */
export async function evaluateWith(
  scorer: RowScorer,
  loss: Loss,
  task: Task,
  columns: number,
  file: RowFile,
  signal?: AbortSignal,
): Promise<Evaluation> {
  let lossSum = 0;
  let right = 0;
  let squaredError = 0;
  // Welford's running mean and squared deviations of the targets.
  let mean = 0;
  let deviations = 0;
  let seen = 0;
  for await (const { firstRow, rows, scores, labels } of scorer.blocks(file, signal)) {
    if (!allFinite(scores, rows * columns)) throw await badScoresError(file, firstRow, rows, signal);
    // One column stands for two classes.
    if (task === 'classification') checkLabels(labels, rows, Math.max(columns, 2));
    for (let i = 0; i < rows; i++) {
      seen++;
      if (task === 'classification') {
        if (classOf(scores, i * columns, columns) === labels[i]) right++;
        continue;
      }
      const target = labels[i]!;
      squaredError += (scores[i]! - target) ** 2;
      const before = target - mean;
      mean += before / seen;
      deviations += before * (target - mean);
    }
    // Last, since it may overwrite the scores with slopes.
    lossSum += loss.evaluate(scores, rows, columns, labels, scores);
  }
  if (Number.isNaN(lossSum)) {
    throw (
      (await badValueError(file, signal)) ??
      new MlmlError('MLML_BAD_DATA', 'the loss is not a number: some targets of these rows are too large')
    );
  }
  const common = { rows: seen, loss: lossSum / Math.max(seen, 1) };
  if (task === 'classification') return { ...common, accuracy: right / Math.max(seen, 1) };
  return {
    ...common,
    rmse: Math.sqrt(squaredError / Math.max(seen, 1)),
    r2: deviations > 0 ? 1 - squaredError / deviations : 0,
  };
}

/**
 * Loss per row and accuracy (classification) or rmse and r2 (regression) of a model on a part of a data set,
 * streamed inside `bufferBytes`.
 *
 * @throws MlmlError `MLML_BAD_DATA` when the model has another number of features than the data
 */
export async function evaluateModel(
  model: LinearModel,
  file: RowFile,
  options: { readonly bufferBytes: number; readonly signal?: AbortSignal },
): Promise<Evaluation> {
  const scorer = openScorer(model, file.layout, options.bufferBytes);
  return await evaluateWith(scorer, lossOf(model.loss), model.task, model.k, file, options.signal);
}
