/**
 * Rows that are too long for the learning rate.
 *
 * A step of rate α from B rows, momentum μ included, moves the score of a row x of weight w by about
 *
 *     α/(1 − μ) · h·w·‖x‖²/B
 *
 * of its error, h being the curvature of the loss. An automatic rate keeps that small for usual rows. Where it is more than all of
 * the error, the row would be thrown beyond its target, and farther each time it comes: such rows count for so much less
 * that all of them in the batch together move by their error at most, as in normalised least mean squares (Nagumo, Noda, IEEE
 * Transactions on Automatic Control 1967). The bound is in inverse proportion to the rate: as the rate falls, rows count in full again.
 */
import type { OptimizerName } from '../options.js';
import type { StepBatch } from './runParts.js';

/** Whether the steps of an optimiser are as long as the gradient. Those of the others are not, whatever the rows. */
export function followsLength(optimizer: OptimizerName): boolean {
  return optimizer === 'sgd' || optimizer === 'nesterov';
}

/** The largest w·‖x‖² with which a row counts in full in a step from so many rows. */
export function fullSquare(rate: number, curvature: number, rows: number, momentum: number): number {
  return (rows * (1 - momentum)) / (curvature * rate);
}

/** What row number i of a batch weighs for a model that leaves out a fold, or none. */
export function weightOf({ weights, folds }: StepBatch, i: number, fold: number | undefined): number {
  if (fold !== undefined && folds![i] === fold) return 0;
  return weights === undefined ? 1 : weights[i]!;
}

/**
 * Takes from the slopes of those rows in the batch that are too long, `columns` slopes for each row. `bias`: 1 with an intercept,
 * which is one more feature, constantly 1, else 0. `fold`: that of the rows that the model leaves out.
 */
export function holdLongRows(
  batch: StepBatch,
  slopes: Float32Array,
  columns: number,
  bias: number,
  full: number,
  fold?: number,
): void {
  const { filled, weights } = batch;
  let weight = 1;
  if (weights !== undefined) {
    weight = 0;
    for (let i = 0; i < filled; i++) weight = Math.max(weight, weights[i]!);
  }
  if (weight * (batch.squareBound + bias) <= full) return;
  if (weight * (batch.largestSquare + bias) <= full) return;
  let long = 0;
  for (let i = 0; i < filled; i++) {
    const square = weightOf(batch, i, fold) * (batch.squareOf(i) + bias);
    if (square > full) long += square;
  }
  if (long === 0) return;
  const share = full / long;
  for (let i = 0; i < filled; i++) {
    if (!(weightOf(batch, i, fold) * (batch.squareOf(i) + bias) > full)) continue;
    for (let at = i * columns; at < (i + 1) * columns; at++) slopes[at]! *= share;
  }
}
