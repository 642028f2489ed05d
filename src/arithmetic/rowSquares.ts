/** Squared norms of rows of floats that are not packed. See assembly/rowSquares.ts. */
export interface RowSquareKernels {
  /** The largest squared norm of m rows at address x, `stride` floats apart (a multiple of 16); with m = 1 that of one row. */
  largestSquare32(x: number, m: number, stride: number): number;
}

export function plainRowSquares(buffer: SharedArrayBuffer): RowSquareKernels {
  const floats = new Float32Array(buffer);
  return {
    largestSquare32: (x, m, stride) => {
      let largest = 0;
      for (let row = x / 4; row < x / 4 + m * stride; row += stride) {
        let sum = 0;
        for (let j = row; j < row + stride; j++) sum += floats[j]! ** 2;
        if (!(sum <= largest)) largest = sum;
      }
      return Math.fround(largest);
    },
  };
}
