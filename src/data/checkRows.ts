import { dtypeBytes, integerRange, readNumber } from '../arithmetic/dtype.js';
import type { Task } from './format.js';
import { type RowLayout, rowNumbers } from './rowLayout.js';

/** Squares of larger values, summed over many rows and features, would leave the range of doubles. */
export const LARGEST_VALUE = 1e140;

/** The first value in a batch of rows that cannot be trained on. */
export interface RowFault {
  /** Row number within the batch. */
  readonly row: number;
  /** Byte offset of the value within the batch. */
  readonly offset: number;
  /** `label 12 is not a class number from 0 to 9`. */
  readonly message: string;
}

/**
 * Looks for a feature or target that is not a finite number or beyond `LARGEST_VALUE`, or a label that is not a class
 * number from 0 to k−1.
 * Counts classes into `classCounts` when it is given.
 */
export function findRowFault(
  layout: RowLayout,
  bytes: Uint8Array,
  rows: number,
  task: Task,
  k: number,
  classCounts?: number[],
): RowFault | undefined {
  const { d, dtype, labelDtype, labels, labelOffset, rowBytes } = layout;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const step = labelOffset / d;
  const checkFeatures = integerRange(dtype) === undefined;
  const numbers = rowNumbers(layout, bytes, rows);
  const areFine = numbers !== undefined && areUsable(numbers);
  for (let row = 0; row < rows; row++) {
    const start = row * rowBytes;
    for (let j = 0; checkFeatures && !areFine && j < d; j++) {
      const x = readNumber(view, start + j * step, dtype);
      if (!(Math.abs(x) <= LARGEST_VALUE))
        return { row, offset: start + j * step, message: `feature ${j}: ${x} is ${whyNot(x)}` };
    }
    if (task === 'regression') {
      for (let c = 0; c < labels; c++) {
        const offset = start + labelOffset + c * dtypeBytes[labelDtype];
        const target = readNumber(view, offset, labelDtype);
        if (Math.abs(target) <= LARGEST_VALUE) continue;
        const which = labels === 1 ? 'target' : `target ${c}:`;
        return { row, offset, message: `${which} ${target} is ${whyNot(target)}` };
      }
      continue;
    }
    const label = readNumber(view, start + labelOffset, labelDtype);
    if (!Number.isInteger(label) || label < 0 || label >= k) {
      const message = `label ${label} is not a class number from 0 to ${k - 1}`;
      return { row, offset: start + labelOffset, message };
    }
    if (classCounts !== undefined) classCounts[label]!++;
  }
  return undefined;
}

/** Whether all numbers, labels among them, are finite and not too large. */
function areUsable(numbers: Float32Array | Float64Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (!(Math.abs(numbers[i]!) <= LARGEST_VALUE)) return false;
  return true;
}

function whyNot(value: number): string {
  return Number.isFinite(value) ? `too large: at most ${LARGEST_VALUE} can be used` : 'not a finite number';
}
