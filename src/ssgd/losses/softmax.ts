import type { Loss } from './loss.js';

/** Cross-entropy of the softmax: log Σ_c exp(s_c) − s_y. Slope: p_c − [c = y]. */
export const softmax: Loss = {
  name: 'softmax',
  tasks: ['classification'],
  // p(1−p), which is ¼ at the start and falls as rows are classified right.
  curvature: 0.08,
  // The largest eigenvalue diag(p) − ppᵀ can have.
  largestCurvature: 0.5,
  columns: (_task, k) => Math.max(k, 2),
  kernel: (kernels, scores, rows, columns, labels, result) =>
    kernels.softmaxSlopes(scores, rows, columns, labels, result),
  evaluate(scores, rows, columns, labels, slopes, weights) {
    let sum = 0;
    for (let i = 0, row = 0; i < rows; i++, row += columns) {
      let largest = scores[row]!;
      for (let c = 1; c < columns; c++) if (scores[row + c]! > largest) largest = scores[row + c]!;
      const label = row + labels[i]!;
      const labelScore = scores[label]!;
      let total = 0;
      for (let c = row; c < row + columns; c++) {
        const power = Math.exp(scores[c]! - largest);
        slopes[c] = power;
        total += power;
      }
      const weight = weights === undefined ? 1 : weights[i]!;
      const share = weight / total;
      for (let c = row; c < row + columns; c++) slopes[c]! *= share;
      slopes[label]! -= weight;
      sum += weight * (Math.log(total) + largest - labelScore);
    }
    return sum;
  },
};
