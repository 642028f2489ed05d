import { type Dtype, dtypeBytes } from '../../arithmetic/dtype.js';
import { allFinite } from '../../data/badValue.js';
import { LARGEST_VALUE } from '../../data/checkRows.js';
import type { Task } from '../../data/format.js';
import { labelCount, type RowLayout } from '../../data/rowLayout.js';
import { MlmlError } from '../../errors.js';

/** Features of rows, one row after the other. */
export type LearnerFeatures = Float32Array | Float64Array | Uint8Array;

/** Rows to learn from. */
export interface LearnerRows {
  /** rows × d. */
  readonly x: LearnerFeatures;
  /** Class numbers, or targets: rows, or rows × outputs. */
  readonly y: ArrayLike<number>;
  /** Weight of each row, at least 0; 1 when absent. For a learner opened with `weighted`. */
  readonly weights?: ArrayLike<number>;
}

const LARGEST_FLOAT = 3.4028234663852886e38;
const LARGEST_WEIGHT = 1e30;
/** Features from which copying a row as a whole is worth a view of it. */
const LONG_ROW = 32;

const usage = (message: string) => new MlmlError('MLML_USAGE', message);
const badData = (message: string) => new MlmlError('MLML_BAD_DATA', message);

const isList = (value: unknown) =>
  typeof value === 'object' && typeof (value as { length?: unknown } | null)?.length === 'number';

/** What a value is that should have been something else, for a message. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return `of type ${value.constructor?.name ?? 'object'}`;
}

interface RowShape {
  readonly d: number;
  readonly k: number;
  readonly task: Task;
  readonly dtype: Dtype;
}

/** Number of rows; `MLML_USAGE` for a length that does not fit, `MLML_BAD_DATA` for a value that cannot be used. */
export function checkFeatures(x: LearnerFeatures, { d, dtype }: Pick<RowShape, 'd' | 'dtype'>): number {
  if (!(x instanceof Float32Array || x instanceof Float64Array || x instanceof Uint8Array))
    throw usage(`x: is ${kindOf(x)}; features are a Float32Array, Float64Array or Uint8Array of rows × ${d}`);
  const rows = x.length / d;
  if (!Number.isInteger(rows)) throw usage(`x: ${x.length} numbers are not whole rows of ${d} features`);
  if (x instanceof Uint8Array) return rows;
  const bytes = dtype === 'uint8';
  // Floats kept as floats are right when they are finite, which is seen quicker.
  if (x instanceof Float32Array && !bytes && allFinite(x)) return rows;
  const limit = dtype === 'float32' ? LARGEST_FLOAT : LARGEST_VALUE;
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    // NaN compares as false.
    if (bytes ? value >= 0 && value <= 255 && Number.isInteger(value) : Math.abs(value) <= limit) continue;
    const why = Number.isFinite(value) ? `no value for ${dtype}` : 'not a finite number';
    throw badData(`row ${Math.floor(i / d)}: feature ${i % d}: ${value} is ${why}`);
  }
  return rows;
}

/** The same for rows to learn from. */
export function checkRows(given: LearnerRows, shape: RowShape, weighted: boolean): number {
  if (typeof given !== 'object' || given === null)
    throw usage(`rows to learn from are { x, y }: features and labels, not ${kindOf(given)}`);
  const { x, y, weights } = given;
  const { task, k } = shape;
  const rows = checkFeatures(x, shape);
  if (!isList(y)) throw usage(`y: is ${kindOf(y)}; give an array with the label of each row`);
  if (weights !== undefined && !isList(weights))
    throw usage(`weights: is ${kindOf(weights)}; give an array with the weight of each row`);
  const labels = labelCount(shape);
  if (y.length !== rows * labels) {
    const wanted = labels === 1 ? '' : ` of ${labels} each`;
    throw usage(`y: has ${y.length} labels, x has ${rows} rows${wanted}`);
  }
  if (weights !== undefined && !weighted) throw usage('weights: open the learner with weighted: true');
  if (weights !== undefined && weights.length !== rows)
    throw usage(`weights: has ${weights.length} numbers, x has ${rows} rows`);
  for (let i = 0; i < rows * labels; i++) {
    const label = y[i]!;
    if (task === 'regression') {
      if (Math.abs(label) <= LARGEST_VALUE) continue;
      const row = Math.floor(i / labels);
      const which = labels === 1 ? 'target' : `target ${i % labels},`;
      throw badData(`row ${row}: ${which} ${label} is not a finite number up to ${LARGEST_VALUE}`);
    }
    if (label >= 0 && label < k && Number.isInteger(label)) continue;
    throw badData(`row ${i}: label ${label} is not a class number from 0 to ${k - 1}`);
  }
  for (let i = 0; weights !== undefined && i < rows; i++) {
    if (weights[i]! >= 0 && weights[i]! <= LARGEST_WEIGHT) continue;
    throw badData(`row ${i}: weight ${weights[i]} is not a number from 0 to ${LARGEST_WEIGHT}`);
  }
  return rows;
}

/** Writes rows given as numbers as they lie in a data set: features, labels, and a weight where the rows have room for one. */
export class RowEncoder {
  /** The rows as numbers of their features' type: rows begin at multiples of its size. */
  readonly #numbers: LearnerFeatures;
  readonly #view: DataView;
  readonly #layout: RowLayout;
  readonly #weightOffset: number | undefined;

  constructor({ buffer, byteOffset, byteLength }: Uint8Array, layout: RowLayout) {
    const length = Math.floor(byteLength / dtypeBytes[layout.dtype]);
    if (layout.dtype === 'float32') this.#numbers = new Float32Array(buffer, byteOffset, length);
    else if (layout.dtype === 'float64') this.#numbers = new Float64Array(buffer, byteOffset, length);
    else this.#numbers = new Uint8Array(buffer, byteOffset, length);
    this.#view = new DataView(buffer, byteOffset, byteLength);
    this.#layout = layout;
    const end = layout.labelOffset + layout.labels * dtypeBytes[layout.labelDtype];
    this.#weightOffset = layout.rowBytes > end ? end : undefined;
  }

  /** Encodes `count` checked rows from number `first` on. Without labels only the features are written. */
  encode(
    x: LearnerFeatures,
    y: ArrayLike<number> | undefined,
    weights: ArrayLike<number> | undefined,
    first: number,
    count: number,
  ): void {
    const { d, dtype, labelOffset, labels, rowBytes } = this.#layout;
    const numbers = this.#numbers;
    for (let i = 0; i < count; i++) {
      const row = first + i;
      const [from, at] = [row * d, (i * rowBytes) / dtypeBytes[dtype]];
      // A view for each row is garbage, but copies a row ten times as fast as a loop.
      if (d > LONG_ROW) numbers.set(x.subarray(from, from + d), at);
      else for (let j = 0; j < d; j++) numbers[at + j] = x[from + j]!;
      if (y === undefined) continue;
      const start = i * rowBytes;
      for (let c = 0; c < labels; c++)
        this.#view.setFloat64(start + labelOffset + 8 * c, y[row * labels + c]!, true);
      if (this.#weightOffset !== undefined)
        this.#view.setFloat64(start + this.#weightOffset, weights === undefined ? 1 : weights[row]!, true);
    }
  }
}
