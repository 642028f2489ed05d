import type { Loss } from './loss.js';

/**
 * Makes a classification loss from a function of the margin z = t·s, t = +1 for the row's class and −1 otherwise.
 * Two classes need one column (class 1 is positive); more classes have a column each, one against the rest.
 *
 * @param margin returns the loss at z and leaves its derivative in `result.slope`
 */
export function oneVersusRest(
  name: Loss['name'],
  curvature: number,
  largestCurvature: number,
  margin: (z: number, result: { slope: number }) => number,
): Loss {
  const result = { slope: 0 };
  return {
    name,
    tasks: ['classification'],
    curvature,
    largestCurvature,
    columns: (_task, k) => (k <= 2 ? 1 : k),
    evaluate(scores, rows, columns, labels, slopes, weights) {
      let sum = 0;
      for (let i = 0, at = 0; i < rows; i++) {
        const weight = weights === undefined ? 1 : weights[i]!;
        const positive = columns === 1 ? labels[i]! - 1 : labels[i]!;
        for (let c = 0; c < columns; c++, at++) {
          const sign = c === positive ? 1 : -1;
          sum += weight * margin(sign * scores[at]!, result);
          slopes[at] = weight * sign * result.slope;
        }
      }
      return sum;
    },
  };
}
