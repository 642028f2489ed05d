import { type Dtype, dtypeBytes } from '../arithmetic/dtype.js';
import type { Task } from './format.js';

/**
 * How one row lies in a row file, little-endian. A dense one: d features, then its labels (one, but for a regression with several),
 * without padding. A sparse one lies in a slot (see slotFile.ts).
 */
export interface RowLayout {
  readonly d: number;
  readonly dtype: Dtype;
  readonly labelDtype: Dtype;
  /** Labels of a row. */
  readonly labels: number;
  readonly rowBytes: number;
  /** Byte offset of the first label in a row. */
  readonly labelOffset: number;
  /** Of sparse rows in slots: the most nonzeros of a row. */
  readonly longest?: number;
}

/**
 * Encoded rows as an array of d features and the labels each, where features and label are floats of one type and lie in memory as
 * an array of them has to; else undefined. For loops over every number, which go several times as fast over an array.
 */
export function rowNumbers(
  { d, dtype, labelDtype, labels }: RowLayout,
  bytes: Uint8Array,
  rows: number,
): Float32Array | Float64Array | undefined {
  if (dtype !== labelDtype || (dtype !== 'float32' && dtype !== 'float64')) return undefined;
  if (bytes.byteOffset % dtypeBytes[dtype] !== 0) return undefined;
  const count = rows * (d + labels);
  return dtype === 'float32'
    ? new Float32Array(bytes.buffer, bytes.byteOffset, count)
    : new Float64Array(bytes.buffer, bytes.byteOffset, count);
}

export function rowLayout(d: number, dtype: Dtype, labelDtype: Dtype = dtype, labels = 1): RowLayout {
  const labelOffset = d * dtypeBytes[dtype];
  return {
    d,
    dtype,
    labelDtype,
    labels,
    labelOffset,
    rowBytes: labelOffset + labels * dtypeBytes[labelDtype],
  };
}

/** Labels of a row: one class, or as many numbers as a regression has outputs. */
export function labelCount({ task, k }: { readonly task: Task; readonly k: number }): number {
  return task === 'regression' ? k : 1;
}

/** How the rows of a data set lie. */
export function layoutOf(
  description: Pick<RowLayout, 'd' | 'dtype' | 'labelDtype'> & { readonly task: Task; readonly k: number },
): RowLayout {
  const { d, dtype, labelDtype } = description;
  return rowLayout(d, dtype, labelDtype, labelCount(description));
}

/** `a uint8 label`, `3 float32 labels`. */
export function labelText({ labels, labelDtype }: Pick<RowLayout, 'labels' | 'labelDtype'>): string {
  return labels === 1 ? `a ${labelDtype} label` : `${labels} ${labelDtype} labels`;
}
