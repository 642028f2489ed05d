import type { Loss } from './loss.js';

/**
 * The loss of rows as they are labelled: the loss itself, but for a regression with several columns, whose labels lie
 * [row][column] as the scores do. Each column has the slopes that it has alone.
 */
export function lossOfRows(loss: Loss, classification: boolean, columns: number): Loss {
  if (classification || columns === 1) return loss;
  const ofResidual = loss.ofResidual!;
  const result = { slope: 0 };
  return {
    ...loss,
    evaluate(scores, rows, columns, labels, slopes, weights) {
      if (weights === undefined) return loss.evaluate(scores, rows * columns, 1, labels, slopes);
      let sum = 0;
      for (let i = 0, at = 0; i < rows; i++) {
        for (let c = 0; c < columns; c++, at++) {
          sum += weights[i]! * ofResidual(scores[at]! - labels[at]!, result);
          slopes[at] = weights[i]! * result.slope;
        }
      }
      return sum;
    },
  };
}
