import { panelIndex } from '../../arithmetic/normalProduct.js';

/**
 * Small symmetric systems (w x w, w a multiple of 4) in the panel layout, positive semidefinite: a pivot lost to
 * rounding drops its row and column, whose unknown becomes 0. So dependent directions leave a block by themselves.
 */
export class SmallSolver {
  readonly #w: number;
  /** Lower triangle by rows, of the matrix scaled to a unit diagonal. */
  readonly #factor: Float64Array;
  readonly #scale: Float64Array;
  readonly #column: Float64Array;

  constructor(w: number, factor: Float64Array) {
    this.#w = w;
    this.#factor = factor;
    this.#scale = new Float64Array(w);
    this.#column = new Float64Array(w);
  }

  /** Factorises; pivots at or below `tolerance` of the diagonal are dropped. Returns how many are kept. */
  factorise(matrix: Float64Array, tolerance: number): number {
    const w = this.#w;
    const l = this.#factor;
    const scale = this.#scale;
    let rank = 0;
    for (let i = 0; i < w; i++) {
      const diagonal = matrix[panelIndex(w, i, i)]!;
      scale[i] = diagonal > 0 ? 1 / Math.sqrt(diagonal) : 0;
    }
    for (let i = 0; i < w; i++) {
      for (let j = 0; j <= i; j++) {
        let value = matrix[panelIndex(w, i, j)]! * scale[i]! * scale[j]!;
        for (let m = 0; m < j; m++) value -= l[i * w + m]! * l[j * w + m]!;
        if (j < i) l[i * w + j] = scale[j] === 0 ? 0 : value / l[j * w + j]!;
        else if (value > tolerance && scale[i]! > 0) {
          l[i * w + i] = Math.sqrt(value);
          rank++;
        } else {
          scale[i] = 0;
          l.fill(0, i * w, i * w + i);
          l[i * w + i] = 1;
        }
      }
    }
    return rank;
  }

  /** target = factor·M⁻¹·right, all w x w in panels; dropped rows are 0. May be done in place. */
  solve(right: Float64Array, factor: number, target: Float64Array): void {
    const w = this.#w;
    const x = this.#column;
    for (let c = 0; c < w; c++) {
      for (let i = 0; i < w; i++) x[i] = right[panelIndex(w, i, c)]! * this.#scale[i]!;
      this.#forward(x);
      this.#backward(x);
      for (let i = 0; i < w; i++) target[panelIndex(w, i, c)] = factor * x[i]! * this.#scale[i]!;
    }
  }

  /** target = S·L⁻ᵀ: A·target has orthonormal columns when the matrix is AᵀA; dropped columns are 0. */
  inverseTransposed(target: Float64Array): void {
    const w = this.#w;
    const x = this.#column;
    for (let c = 0; c < w; c++) {
      x.fill(0);
      x[c] = this.#scale[c] === 0 ? 0 : 1;
      this.#backward(x);
      for (let i = 0; i < w; i++) target[panelIndex(w, i, c)] = x[i]! * this.#scale[i]!;
    }
  }

  #forward(x: Float64Array): void {
    const w = this.#w;
    for (let i = 0; i < w; i++) {
      let value = x[i]!;
      for (let m = 0; m < i; m++) value -= this.#factor[i * w + m]! * x[m]!;
      x[i] = value / this.#factor[i * w + i]!;
    }
  }

  #backward(x: Float64Array): void {
    const w = this.#w;
    for (let i = w - 1; i >= 0; i--) {
      const value = x[i]! / this.#factor[i * w + i]!;
      x[i] = value;
      for (let m = 0; m < i; m++) x[m]! -= this.#factor[i * w + m]! * value;
    }
  }
}
