import { oneVersusRest } from './oneVersusRest.js';

// Both are written so that NaN stays NaN and divergence is seen.

/** max(0, 1 − z): the support vector machine. Slope −1 inside the margin, 0 beyond. */
export const hinge = oneVersusRest('hinge', 1, 1, (margins, rows, columns, weights) => {
  let sum = 0;
  for (let i = 0, at = 0; i < rows; i++) {
    const weight = weights === undefined ? 1 : weights[i]!;
    for (let c = 0; c < columns; c++, at++) {
      const z = margins[at]!;
      if (z >= 1) margins[at] = 0;
      else {
        margins[at] = weight * (z < 1 ? -1 : z);
        sum += weight * (1 - z);
      }
    }
  }
  return sum;
});

/** max(0, 1 − z)². Slope −2(1 − z) inside the margin. */
export const squaredHinge = oneVersusRest('squared_hinge', 2, 2, (margins, rows, columns, weights) => {
  let sum = 0;
  for (let i = 0, at = 0; i < rows; i++) {
    const weight = weights === undefined ? 1 : weights[i]!;
    for (let c = 0; c < columns; c++, at++) {
      const z = margins[at]!;
      if (z >= 1) margins[at] = 0;
      else {
        margins[at] = weight * (-2 * (1 - z));
        sum += weight * ((1 - z) * (1 - z));
      }
    }
  }
  return sum;
});
