/** Pivots at or below this share of their diagonal element are lost to rounding. */
const LEAST_PIVOT = 1e-13;

/**
 * A small symmetric positive semidefinite matrix M (w × w) as SLLᵀS, S diagonal. A row that depends on the rows before
 * it is dropped: its unknown becomes 0. So dependent directions leave a block of them by themselves.
 */
export class SmallSystem {
  readonly #w: number;
  readonly #factor: Float64Array;
  /** 1/√M[i][i], 0 for dropped rows. */
  readonly #scale: Float64Array;

  /** `factor` is room for w² numbers. */
  constructor(w: number, factor: Float64Array) {
    this.#w = w;
    this.#factor = factor;
    this.#scale = new Float64Array(w);
  }

  /**
   * Element (i, j) of the matrix is matrix[first + i·stride + j]; its lower triangle is read. Returns the rows kept, or
   * −1 when a diagonal element is negative: the matrix is indefinite.
   */
  factorise(matrix: Float64Array, first: number, stride: number): number {
    const w = this.#w;
    const l = this.#factor;
    const scale = this.#scale;
    let rank = 0;
    for (let i = 0; i < w; i++) {
      const diagonal = matrix[first + i * stride + i]!;
      if (diagonal < 0) return -1;
      scale[i] = diagonal > 0 ? 1 / Math.sqrt(diagonal) : 0;
    }
    for (let i = 0; i < w; i++) {
      for (let j = 0; j <= i; j++) {
        let value = matrix[first + i * stride + j]! * scale[i]! * scale[j]!;
        for (let m = 0; m < j; m++) value -= l[i * w + m]! * l[j * w + m]!;
        if (j < i) l[i * w + j] = scale[j] === 0 ? 0 : value / l[j * w + j]!;
        else if (scale[i]! > 0 && value > LEAST_PIVOT) {
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

  /** x := M⁻¹x for column `column` of a block of vectors, rows `stride` apart. */
  solve(x: Float64Array, first: number, stride: number, column: number): void {
    const w = this.#w;
    for (let i = 0; i < w; i++) x[first + i * stride + column]! *= this.#scale[i]!;
    this.#forward(x, first + column, stride);
    this.#backward(x, first + column, stride);
    for (let i = 0; i < w; i++) x[first + i * stride + column]! *= this.#scale[i]!;
  }

  /** target := SL⁻ᵀ: for M = VᵀV the columns of V·target are orthonormal, or 0 where a row was dropped. */
  inverseTransposed(target: Float64Array, first: number, stride: number): void {
    const w = this.#w;
    for (let c = 0; c < w; c++) {
      for (let i = 0; i < w; i++) target[first + i * stride + c] = i === c && this.#scale[c]! > 0 ? 1 : 0;
      this.#backward(target, first + c, stride);
      for (let i = 0; i < w; i++) target[first + i * stride + c]! *= this.#scale[i]!;
    }
  }

  #forward(x: Float64Array, at: number, stride: number): void {
    const w = this.#w;
    for (let i = 0; i < w; i++) {
      let value = x[at + i * stride]!;
      for (let m = 0; m < i; m++) value -= this.#factor[i * w + m]! * x[at + m * stride]!;
      x[at + i * stride] = value / this.#factor[i * w + i]!;
    }
  }

  #backward(x: Float64Array, at: number, stride: number): void {
    const w = this.#w;
    for (let i = w - 1; i >= 0; i--) {
      const value = x[at + i * stride]! / this.#factor[i * w + i]!;
      x[at + i * stride] = value;
      for (let m = 0; m < i; m++) x[at + m * stride]! -= this.#factor[i * w + m]! * value;
    }
  }
}
