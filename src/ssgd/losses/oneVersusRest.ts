import type { Floats, Loss } from './loss.js';

/**
 * The sum of the losses of `rows` rows at the margins z[i·columns + c], each times the weight of its row. Writes over each margin the
 * derivative by it, times that weight. A loop for each loss: a function called for each margin would make objects of its numbers.
 */
export type MarginLoop = (
  z: Floats,
  rows: number,
  columns: number,
  weights: Float64Array | undefined,
) => number;

/**
 * Makes a classification loss from a function of the margin z = t·s, t = +1 for the row's class and −1 otherwise.
 * Two classes need one column (class 1 is positive); more classes have a column each, one against the rest.
 */
export function oneVersusRest(
  name: Loss['name'],
  curvature: number,
  largestCurvature: number,
  margins: MarginLoop,
): Loss {
  return {
    name,
    tasks: ['classification'],
    curvature,
    largestCurvature,
    columns: (_task, k) => (k <= 2 ? 1 : k),
    evaluate(scores, rows, columns, labels, slopes, weights) {
      turn(scores, rows, columns, labels, slopes);
      const sum = margins(slopes, rows, columns, weights);
      turn(slopes, rows, columns, labels, slopes);
      return sum;
    },
  };
}

/** Scores times the signs of their rows. */
function turn(source: Floats, rows: number, columns: number, labels: Float64Array, target: Floats): void {
  for (let i = 0, at = 0; i < rows; i++) {
    const positive = columns === 1 ? labels[i]! - 1 : labels[i]!;
    for (let c = 0; c < columns; c++, at++) {
      if (c === positive) target[at] = source[at]!;
      else target[at] = -source[at]!;
    }
  }
}
