import { oneVersusRest } from './oneVersusRest.js';

/**
 * log(1 + exp(−z)), evaluated so that neither sign of z overflows. Slope: −1/(1 + exp(z)). The second derivative
 * p(1−p) is ¼ at the start and falls as rows are classified right.
 */
export const logistic = oneVersusRest('logistic', 0.08, 0.25, (margins, rows, columns, weights) => {
  let sum = 0;
  for (let i = 0, at = 0; i < rows; i++) {
    const weight = weights === undefined ? 1 : weights[i]!;
    for (let c = 0; c < columns; c++, at++) {
      const z = margins[at]!;
      if (z > 0) {
        const power = Math.exp(-z);
        margins[at] = weight * (-power / (1 + power));
        sum += weight * Math.log1p(power);
      } else {
        const power = Math.exp(z);
        margins[at] = weight * (-1 / (1 + power));
        sum += weight * (Math.log1p(power) - z);
      }
    }
  }
  return sum;
});
