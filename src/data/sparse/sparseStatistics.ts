import { HEADER_WORDS, type RecordBatch } from './sparseRecord.js';

/** Figures of each feature over the training rows, zeros counted; arrays of d numbers. */
export interface SparseFeatures {
  readonly mean: Float64Array;
  /** Divided by the number of rows. */
  readonly variance: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** Rows in which the feature is not 0. */
  readonly nonzeros: Float64Array;
}

export const FEATURE_COLUMNS = ['mean', 'variance', 'min', 'max', 'nonzeros'] as const;

/**
 * Statistics of features at the cost of their nonzeros: Welford's update over the nonzeros of a feature, into which its zeros
 * are merged at the end (Chan, Golub, LeVeque, The American Statistician 1983): with m nonzeros of mean μ among n rows,
 * mean = μ·m/n and Σ(x − mean)² = Σ over the nonzeros of (x − μ)² + μ²·m·(n − m)/n.
 */
export class SparseStatistics {
  /** One more than the largest index seen. */
  d = 0;
  rows = 0;
  #maxSquaredNorm = 0;
  #mean = new Float64Array(0);
  #squares = new Float64Array(0);
  #min = new Float64Array(0);
  #max = new Float64Array(0);
  #count = new Float64Array(0);

  /** Makes room for d features. */
  grow(d: number): void {
    if (d > this.#count.length) {
      const length = Math.max(d, Math.min(2 * this.#count.length, this.#count.length + (1 << 20)), 64);
      const grown = (array: Float64Array) => {
        const longer = new Float64Array(length);
        longer.set(array);
        return longer;
      };
      this.#mean = grown(this.#mean);
      this.#squares = grown(this.#squares);
      this.#min = grown(this.#min);
      this.#max = grown(this.#max);
      this.#count = grown(this.#count);
    }
    this.d = Math.max(this.d, d);
  }

  /** Counts a row whose nonzeros are given to `add`. */
  addRow(squaredNorm: number): void {
    this.rows++;
    if (squaredNorm > this.#maxSquaredNorm) this.#maxSquaredNorm = squaredNorm;
  }

  /** A nonzero of a feature for which there is room. */
  add(index: number, value: number): void {
    const count = this.#count[index]! + 1;
    this.#count[index] = count;
    if (count === 1) {
      this.#mean[index] = value;
      this.#min[index] = value;
      this.#max[index] = value;
      return;
    }
    const before = value - this.#mean[index]!;
    // Most features of text and of categories have one value: nothing to do.
    if (before === 0) return;
    const mean = this.#mean[index]! + before / count;
    this.#mean[index] = mean;
    this.#squares[index]! += before * (value - mean);
    if (value < this.#min[index]!) this.#min[index] = value;
    if (value > this.#max[index]!) this.#max[index] = value;
  }

  /**
   * The same for whole rows at once, from `from` to `to` of a batch, for whose features there is room. Equals `add` and `addRow` for each.
   */
  addRows(batch: RecordBatch, from: number, to: number): void {
    const { words } = batch.record;
    const { values } = batch;
    const counts = this.#count;
    const means = this.#mean;
    for (let row = from; row < to; row++) {
      const word = batch.wordOf(row);
      const start = word + HEADER_WORDS;
      const first = batch.valueOf(row);
      const nonzeros = words[word]!;
      let squares = 0;
      for (let i = 0; i < nonzeros; i++) {
        const index = words[start + i]!;
        const value = values[first + i]!;
        squares += value * value;
        // Most features of text and of categories have one value.
        if (counts[index]! > 0 && means[index] === value) counts[index]!++;
        else this.add(index, value);
      }
      this.addRow(squares);
    }
  }

  get maxRowNorm(): number {
    return Math.sqrt(this.#maxSquaredNorm);
  }

  /** The figures of d features. The accumulator is used up: they lie in its arrays. */
  finish(d: number): SparseFeatures {
    this.grow(d);
    const n = Math.max(this.rows, 1);
    for (let j = 0; j < d; j++) {
      const count = this.#count[j]!;
      const mean = this.#mean[j]!;
      this.#squares[j] = Math.max(0, (this.#squares[j]! + (mean * mean * count * (n - count)) / n) / n);
      this.#mean[j] = (mean * count) / n;
      if (count < n) {
        this.#min[j] = Math.min(0, this.#min[j]!);
        this.#max[j] = Math.max(0, this.#max[j]!);
      }
    }
    const first = (array: Float64Array) => array.subarray(0, d);
    return {
      mean: first(this.#mean),
      variance: first(this.#squares),
      min: first(this.#min),
      max: first(this.#max),
      nonzeros: first(this.#count),
    };
  }
}
