import { oneVersusRest } from './oneVersusRest.js';

/**
 * log(1 + exp(−z)), evaluated so that neither sign of z overflows. Slope: −1/(1 + exp(z)). The second derivative
 * p(1−p) is ¼ at the start and falls as rows are classified right.
 */
export const logistic = oneVersusRest('logistic', 0.08, 0.25, (z, result) => {
  if (z > 0) {
    const power = Math.exp(-z);
    result.slope = -power / (1 + power);
    return Math.log1p(power);
  }
  const power = Math.exp(z);
  result.slope = -1 / (1 + power);
  return Math.log1p(power) - z;
});
