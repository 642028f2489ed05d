import type { Loss } from './loss.js';

/**
 * Squared error ½‖s − y‖². Classes are one-hot: y_c = 1 for the row's class, else 0.
 * Regression (one column): y is the target.
 */
export const ridge: Loss = {
  name: 'ridge',
  tasks: ['classification', 'regression'],
  curvature: 1,
  errorOf: (loss) => Math.sqrt(2 * loss),
  largestCurvature: 1,
  columns: (_task, k) => k,
  ofResidual(residual, result) {
    result.slope = residual;
    return 0.5 * residual * residual;
  },
  evaluate(scores, rows, columns, labels, slopes, weights) {
    let sum = 0;
    if (columns === 1) {
      for (let i = 0; i < rows; i++) {
        const weight = weights === undefined ? 1 : weights[i]!;
        const residual = scores[i]! - labels[i]!;
        slopes[i] = weight * residual;
        sum += weight * residual * residual;
      }
      return sum / 2;
    }
    for (let i = 0, at = 0; i < rows; i++) {
      const label = labels[i]!;
      const weight = weights === undefined ? 1 : weights[i]!;
      for (let c = 0; c < columns; c++, at++) {
        const residual = c === label ? scores[at]! - 1 : scores[at]!;
        slopes[at] = weight * residual;
        sum += weight * residual * residual;
      }
    }
    return sum / 2;
  },
};
