export interface SoftmaxKernels {
  /**
   * Softmax cross-entropy of m rows of k scores (floats), in place: the scores become the slopes. Labels are m
   * doubles. `result` receives two doubles: the sum of the losses, and the number of rows whose largest score (the
   * first of equals) is their label's. Up to 12 bytes behind the scores are overwritten. See assembly/softmax.ts.
   */
  softmaxSlopes(scores: number, m: number, k: number, labels: number, result: number): void;
}

export function plainSoftmax(buffer: SharedArrayBuffer): SoftmaxKernels {
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);
  return {
    softmaxSlopes(scores, m, k, labels, result) {
      let lossSum = 0;
      let right = 0;
      for (let i = 0; i < m; i++) {
        const row = scores / 4 + i * k;
        const label = doubles[labels / 8 + i]!;
        let first = 0;
        for (let c = 1; c < k; c++) if (floats[row + c]! > floats[row + first]!) first = c;
        if (first === label) right++;
        const largest = floats[row + first]!;
        const labelScore = floats[row + label]!;
        let total = 0;
        for (let c = row; c < row + k; c++) {
          floats[c] = Math.exp(floats[c]! - largest);
          total += floats[c]!;
        }
        lossSum += Math.log(total) + largest - labelScore;
        for (let c = row; c < row + k; c++) floats[c]! /= total;
        floats[row + label]! -= 1;
      }
      doubles[result / 8] = lossSum;
      doubles[result / 8 + 1] = right;
    },
  };
}
