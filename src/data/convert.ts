import { type Dtype, dtypeBytes, integerRange, readNumber, writeNumber } from '../arithmetic/dtype.js';
import type { RowLayout } from './rowLayout.js';

/** Whether a number can be stored as this dtype: integers exactly, floats up to rounding but not beyond the range. */
export function fitsDtype(value: number, dtype: Dtype): boolean {
  if (!Number.isFinite(value)) return false;
  const range = integerRange(dtype);
  if (range !== undefined) return Number.isInteger(value) && value >= range[0] && value <= range[1];
  if (dtype === 'float16') return Math.abs(value) < 65520;
  if (dtype === 'float32') return Number.isFinite(Math.fround(value));
  return true;
}

/** The dtype of labels 0 to k−1 beside features of `dtype`: the same where every label fits exactly, else the smallest that holds them. */
export function labelDtypeFor(dtype: Dtype, k: number): Dtype {
  const exactBelow = { float16: 2 ** 11, float32: 2 ** 24, float64: 2 ** 53 };
  const largest = (type: Dtype) => integerRange(type)?.[1] ?? exactBelow[type as keyof typeof exactBelow];
  return (
    ([dtype, 'int16', 'float32', 'float64'] as const).find((type) => largest(type) >= k - 1) ?? 'float64'
  );
}

/**
 * Converts `count` numbers. Returns the index of the first that does not fit `to`, or −1 when all do.
 */
export function convertNumbers(
  source: DataView,
  sourceOffset: number,
  from: Dtype,
  target: DataView,
  targetOffset: number,
  to: Dtype,
  count: number,
): number {
  for (let i = 0; i < count; i++) {
    const value = readNumber(source, sourceOffset + i * dtypeBytes[from], from);
    if (!fitsDtype(value, to)) return i;
    writeNumber(target, targetOffset + i * dtypeBytes[to], to, value);
  }
  return -1;
}

/**
 * Converts a row of doubles, d features and the labels behind them, to the numbers of a layout. Returns the number of the first
 * that does not fit (d and above: a label), or −1 when all do.
 */
export function convertRow(
  source: DataView,
  sourceOffset: number,
  target: DataView,
  targetOffset: number,
  { d, dtype, labelDtype, labels, labelOffset }: RowLayout,
): number {
  const misfit = convertNumbers(source, sourceOffset, 'float64', target, targetOffset, dtype, d);
  if (misfit >= 0) return misfit;
  const [from, to] = [sourceOffset + 8 * d, targetOffset + labelOffset];
  const label = convertNumbers(source, from, 'float64', target, to, labelDtype, labels);
  return label < 0 ? -1 : d + label;
}
