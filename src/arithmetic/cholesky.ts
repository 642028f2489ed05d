import { packedLength } from './gram.js';

/** Cholesky factorisation of a packed lower triangle of doubles. See assembly/cholesky.ts. */
export interface CholeskyKernels {
  /**
   * A becomes L with A = LLᵀ, in place. Returns d, or the first row whose pivot is not above `tolerance`
   * times its diagonal element (A is then not positive definite).
   */
  choleskyPacked(a: number, d: number, tolerance: number): number;
  /** Solves LLᵀx = b in place for `count` vectors of d doubles, one after the other. */
  solvePacked(a: number, d: number, vectors: number, count: number): void;
}

export function plainCholesky(buffer: SharedArrayBuffer): CholeskyKernels {
  const doubles = new Float64Array(buffer);
  return {
    choleskyPacked(a, d, tolerance) {
      const l = doubles.subarray(a / 8, a / 8 + packedLength(d));
      for (let i = 0; i < d; i++) {
        for (let j = 0; j <= i; j++) {
          const at = packedLength(i) + j;
          const before = l[at]!;
          let value = before;
          for (let m = 0; m < j; m++) value -= l[packedLength(i) + m]! * l[packedLength(j) + m]!;
          if (i !== j) l[at] = value / l[packedLength(j) + j]!;
          else if (value > tolerance * before) l[at] = Math.sqrt(value);
          else return i;
        }
      }
      return d;
    },
    solvePacked(a, d, vectors, count) {
      const l = doubles.subarray(a / 8, a / 8 + packedLength(d));
      for (let c = 0; c < count; c++) {
        const x = doubles.subarray(vectors / 8 + c * d, vectors / 8 + (c + 1) * d);
        for (let i = 0; i < d; i++) {
          for (let j = 0; j < i; j++) x[i]! -= l[packedLength(i) + j]! * x[j]!;
          x[i]! /= l[packedLength(i) + i]!;
        }
        for (let i = d - 1; i >= 0; i--) {
          x[i]! /= l[packedLength(i) + i]!;
          for (let j = 0; j < i; j++) x[j]! -= l[packedLength(i) + j]! * x[i]!;
        }
      }
    },
  };
}
