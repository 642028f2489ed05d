import { type Dtype, dtypeBytes } from '../arithmetic/dtype.js';

/**
 * How one row lies in a row file, little-endian. A dense one: d features, then the label, without padding. A sparse one lies in a slot
 * (see slotFile.ts).
 */
export interface RowLayout {
  readonly d: number;
  readonly dtype: Dtype;
  readonly labelDtype: Dtype;
  readonly rowBytes: number;
  /** Byte offset of the label in a row. */
  readonly labelOffset: number;
  /** Of sparse rows in slots: the most nonzeros of a row. */
  readonly longest?: number;
}

/**
 * Encoded rows as an array of d features and a label each, where features and label are floats of one type and lie in memory as
 * an array of them has to; else undefined. For loops over every number, which go several times as fast over an array.
 */
export function rowNumbers(
  { d, dtype, labelDtype }: RowLayout,
  bytes: Uint8Array,
  rows: number,
): Float32Array | Float64Array | undefined {
  if (dtype !== labelDtype || (dtype !== 'float32' && dtype !== 'float64')) return undefined;
  if (bytes.byteOffset % dtypeBytes[dtype] !== 0) return undefined;
  const count = rows * (d + 1);
  return dtype === 'float32'
    ? new Float32Array(bytes.buffer, bytes.byteOffset, count)
    : new Float64Array(bytes.buffer, bytes.byteOffset, count);
}

export function rowLayout(d: number, dtype: Dtype, labelDtype: Dtype = dtype): RowLayout {
  const labelOffset = d * dtypeBytes[dtype];
  return { d, dtype, labelDtype, labelOffset, rowBytes: labelOffset + dtypeBytes[labelDtype] };
}
