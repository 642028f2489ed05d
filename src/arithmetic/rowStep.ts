/** Steps of stochastic gradient descent along rows of a kernel matrix. See assembly/rowStep.ts. */
export interface RowStepKernels {
  /**
   * For j < count: Δ_j = momentum·Δ_j + previous_j·step, b_j −= Δ_j; then `sums` := Σ_j next_j·b_j ([width]) and Σ_j
   * next_j². A row whose address is 0 is absent. `dtype` of rows: 1 float32, 2 float64; b, delta [count][width] doubles,
   * width even.
   */
  rowStep(
    previous: number,
    next: number,
    dtype: number,
    count: number,
    b: number,
    delta: number,
    width: number,
    momentum: number,
    step: number,
    sums: number,
  ): void;
}

export function plainRowStep(buffer: SharedArrayBuffer): RowStepKernels {
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);
  return {
    rowStep(previous, next, dtype, count, b, delta, width, momentum, step, sums) {
      const entry = (row: number, j: number) => (dtype === 1 ? floats[row / 4 + j]! : doubles[row / 8 + j]!);
      doubles.fill(0, sums / 8, sums / 8 + width + 1);
      for (let j = 0; j < count; j++) {
        for (let c = 0; c < width; c++) {
          const at = j * width + c;
          if (previous !== 0) {
            const change = momentum * doubles[delta / 8 + at]! + entry(previous, j) * doubles[step / 8 + c]!;
            doubles[delta / 8 + at] = change;
            doubles[b / 8 + at]! -= change;
          }
          if (next !== 0) doubles[sums / 8 + c]! += entry(next, j) * doubles[b / 8 + at]!;
        }
        if (next !== 0) doubles[sums / 8 + width]! += entry(next, j) ** 2;
      }
    },
  };
}
