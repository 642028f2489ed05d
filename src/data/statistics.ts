import { readNumber } from '../arithmetic/dtype.js';
import { MlmlError } from '../errors.js';
import type { FeatureStatistics } from './format.js';
import { type RowLayout, rowNumbers } from './rowLayout.js';

/**
 * Mean, variance, minimum and maximum of each feature and the largest row norm, in one pass over rows.
 * Bytes: exact sums. Other types: Welford's update (Technometrics 1962), stable for any offset.
 */
export class StatisticsAccumulator {
  readonly #layout: RowLayout;
  readonly #mean: Float64Array;
  /** Σx² for bytes, Σ(x − mean)² for other types. */
  readonly #squares: Float64Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  #n = 0;
  #maxSquaredNorm = 0;

  constructor(layout: RowLayout) {
    this.#layout = layout;
    this.#mean = new Float64Array(layout.d);
    this.#squares = new Float64Array(layout.d);
    this.#min = new Float64Array(layout.d).fill(Infinity);
    this.#max = new Float64Array(layout.d).fill(-Infinity);
  }

  /** Adds `rows` encoded rows. A feature that is not a finite number is `MLML_BAD_DATA`. */
  add(bytes: Uint8Array, rows: number): void {
    const { rowBytes, d, dtype } = this.#layout;
    if (dtype === 'uint8') return this.#addBytes(bytes, rows);
    const numbers = rowNumbers(this.#layout, bytes, rows);
    if (numbers !== undefined) return this.#addNumbers(numbers, rows);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const step = this.#layout.labelOffset / d;
    for (let row = 0; row < rows; row++) {
      this.#n++;
      let squaredNorm = 0;
      for (let j = 0; j < d; j++) {
        const x = readNumber(view, row * rowBytes + j * step, dtype);
        if (!Number.isFinite(x)) throw notFinite(this.#n - 1, j, x);
        const before = x - this.#mean[j]!;
        this.#mean[j]! += before / this.#n;
        this.#squares[j]! += before * (x - this.#mean[j]!);
        if (x < this.#min[j]!) this.#min[j] = x;
        if (x > this.#max[j]!) this.#max[j] = x;
        squaredNorm += x * x;
      }
      if (squaredNorm > this.#maxSquaredNorm) this.#maxSquaredNorm = squaredNorm;
    }
  }

  /** The same sums, in the same order, over an array. */
  #addNumbers(numbers: Float32Array | Float64Array, rows: number): void {
    const { d, labels } = this.#layout;
    const mean = this.#mean;
    const squares = this.#squares;
    const min = this.#min;
    const max = this.#max;
    let n = this.#n;
    let largest = this.#maxSquaredNorm;
    for (let row = 0, at = 0; row < rows; row++, at += labels) {
      n++;
      let squaredNorm = 0;
      for (let j = 0; j < d; j++, at++) {
        const x = numbers[at]!;
        if (!Number.isFinite(x)) throw notFinite(n - 1, j, x);
        const before = x - mean[j]!;
        const after = mean[j]! + before / n;
        mean[j] = after;
        squares[j] = squares[j]! + before * (x - after);
        if (x < min[j]!) min[j] = x;
        if (x > max[j]!) max[j] = x;
        squaredNorm += x * x;
      }
      if (squaredNorm > largest) largest = squaredNorm;
    }
    this.#n = n;
    this.#maxSquaredNorm = largest;
  }

  /** Bytes: sums and sums of squares are integers below 2^53, so nothing is rounded before the end. */
  #addBytes(bytes: Uint8Array, rows: number): void {
    const { rowBytes, d } = this.#layout;
    const sums = this.#mean;
    const squares = this.#squares;
    const min = this.#min;
    const max = this.#max;
    for (let row = 0; row < rows; row++) {
      const start = row * rowBytes;
      let squaredNorm = 0;
      for (let j = 0; j < d; j++) {
        const x = bytes[start + j]!;
        const square = x * x;
        sums[j]! += x;
        squares[j]! += square;
        squaredNorm += square;
        if (x < min[j]!) min[j] = x;
        if (x > max[j]!) max[j] = x;
      }
      if (squaredNorm > this.#maxSquaredNorm) this.#maxSquaredNorm = squaredNorm;
    }
    this.#n += rows;
  }

  finish(): FeatureStatistics {
    const n = Math.max(this.#n, 1);
    const exact = this.#layout.dtype === 'uint8';
    const mean = Array.from(this.#mean, (value) => (exact ? value / n : value));
    return {
      mean,
      variance: Array.from(this.#squares, (value, j) =>
        Math.max(0, exact ? value / n - mean[j]! ** 2 : value / n),
      ),
      min: Array.from(this.#min),
      max: Array.from(this.#max),
      maxRowNorm: Math.sqrt(this.#maxSquaredNorm),
    };
  }
}

function notFinite(row: number, feature: number, x: number): MlmlError {
  return new MlmlError(
    'MLML_BAD_DATA',
    `training row ${row}, feature ${feature}: ${x} is not a finite number`,
  );
}
