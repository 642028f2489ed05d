import type { Loss } from './loss.js';

/** Where the square ends and the line begins, in units of the target (Huber 1964). */
const DELTA = 1;

/** ½r² for |r| ≤ δ, δ(|r| − ½δ) beyond, with r = s − y; targets as for ridge. Slope: r clamped to [−δ, δ]. */
export const huber: Loss = {
  name: 'huber',
  tasks: ['classification', 'regression'],
  curvature: 1,
  // The slope δ over the error; 1 where the mean loss is that of the square.
  curvatureAt: (meanLoss) => 1 / Math.max(1, meanLoss / DELTA + 0.5 * DELTA),
  errorOf: (loss) => (loss <= 0.5 * DELTA * DELTA ? Math.sqrt(2 * loss) : loss / DELTA + 0.5 * DELTA),
  largestCurvature: 1,
  columns: (_task, k) => k,
  ofResidual(residual, result) {
    const size = Math.abs(residual);
    result.slope = Math.max(-DELTA, Math.min(DELTA, residual));
    return size <= DELTA ? 0.5 * residual * residual : DELTA * (size - 0.5 * DELTA);
  },
  evaluate(scores, rows, columns, labels, slopes, weights) {
    let sum = 0;
    for (let i = 0, at = 0; i < rows; i++) {
      const weight = weights === undefined ? 1 : weights[i]!;
      for (let c = 0; c < columns; c++, at++) {
        const target = columns === 1 ? labels[i]! : c === labels[i] ? 1 : 0;
        const residual = scores[at]! - target;
        const size = Math.abs(residual);
        const slope = Math.max(-DELTA, Math.min(DELTA, residual));
        slopes[at] = weight * slope;
        sum += weight * (size <= DELTA ? 0.5 * residual * residual : DELTA * (size - 0.5 * DELTA));
      }
    }
    return sum;
  },
};
