/** Products of float32 matrices into doubles. See assembly/floatProduct.ts. Numbers named like a matrix are addresses. */
export interface FloatProductKernels {
  /**
   * target[o][c] += Σ_i A(o, i)·v[i][c] for o < outputs, i < terms, c < width (a multiple of 4); element (o, i) of A lies
   * at a + 4·(o·outputStride + i·termStride), rows of v are vStride floats apart, the target is [outputs][width] doubles.
   * Up to 64 terms are summed in floats.
   */
  addFloatProduct(
    a: number,
    outputStride: number,
    termStride: number,
    outputs: number,
    terms: number,
    v: number,
    vStride: number,
    width: number,
    target: number,
  ): void;
}

export function plainFloatProduct(buffer: SharedArrayBuffer): FloatProductKernels {
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);
  return {
    addFloatProduct(a, outputStride, termStride, outputs, terms, v, vStride, width, target) {
      for (let o = 0; o < outputs; o++) {
        for (let c = 0; c < width; c++) {
          let sum = 0;
          for (let i = 0; i < terms; i++)
            sum += floats[a / 4 + o * outputStride + i * termStride]! * floats[v / 4 + i * vStride + c]!;
          doubles[target / 8 + o * width + c]! += sum;
        }
      }
    },
  };
}
