import { oneVersusRest } from './oneVersusRest.js';

/** max(0, 1 − z): the support vector machine. Slope −1 inside the margin, 0 beyond. */
export const hinge = oneVersusRest('hinge', 1, 1, (z, result) => {
  // Written so that NaN stays NaN and divergence is seen.
  if (z >= 1) {
    result.slope = 0;
    return 0;
  }
  result.slope = z < 1 ? -1 : z;
  return 1 - z;
});

/** max(0, 1 − z)². Slope −2(1 − z) inside the margin. */
export const squaredHinge = oneVersusRest('squared_hinge', 2, 2, (z, result) => {
  if (z >= 1) {
    result.slope = 0;
    return 0;
  }
  result.slope = -2 * (1 - z);
  return (1 - z) * (1 - z);
});
