/** See assembly/scores.ts. Arguments x, w, intercept, scores are byte addresses. */
export interface ScoreKernels {
  /** scores[i·k + c] = x[i]·w[c] + intercept[c] in floats; rows of x and w are `stride` floats apart. */
  scores32(
    x: number,
    m: number,
    stride: number,
    w: number,
    k: number,
    intercept: number,
    scores: number,
  ): void;
  /** The same in doubles; rows of x and w are d doubles apart. */
  scores64(x: number, m: number, d: number, w: number, k: number, intercept: number, scores: number): void;
}

export function plainScores(buffer: SharedArrayBuffer): ScoreKernels {
  const scores =
    (array: Float32Array | Float64Array) =>
    (x: number, m: number, stride: number, w: number, k: number, intercept: number, target: number) => {
      const at = (address: number) => address / array.BYTES_PER_ELEMENT;
      for (let i = 0; i < m; i++) {
        for (let c = 0; c < k; c++) {
          let sum = array[at(intercept) + c]!;
          for (let j = 0; j < stride; j++)
            sum += array[at(x) + i * stride + j]! * array[at(w) + c * stride + j]!;
          array[at(target) + i * k + c] = sum;
        }
      }
    };
  return { scores32: scores(new Float32Array(buffer)), scores64: scores(new Float64Array(buffer)) };
}
