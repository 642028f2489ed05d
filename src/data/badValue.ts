import { dtypeBytes, integerRange, readNumber } from '../arithmetic/dtype.js';
import { MlmlError } from '../errors.js';
import type { RowFile } from './rowFile.js';
import type { RowLayout } from './rowLayout.js';
import { RecordView, type SparseDtype } from './sparse/sparseRecord.js';

const READ_BYTES = 256 * 1024;

/** Bytes that looking through so many rows reads: none of integers. */
export function finiteCheckBytes(
  { dtype, labelDtype, rowBytes }: Pick<RowLayout, 'dtype' | 'labelDtype' | 'rowBytes'>,
  rows: number,
): number {
  return integerRange(dtype) !== undefined && integerRange(labelDtype) !== undefined ? 0 : rows * rowBytes;
}

/**
 * Looks through rows for NaN or an infinity and returns an error that names the first by part, row and feature;
 * undefined when there is none. Rows are checked at import, so what is found here came into the file afterwards, or
 * with a data set that another program wrote. One pass over the rows, in a bounded buffer; integers are not read.
 */
export async function badValueError(
  file: RowFile,
  signal?: AbortSignal,
  firstRow = 0,
  rows = file.rows - firstRow,
): Promise<MlmlError | undefined> {
  const { d, dtype, labelDtype, labels, labelOffset, rowBytes } = file.layout;
  if (finiteCheckBytes(file.layout, rows) === 0) return undefined;
  const features = integerRange(dtype) === undefined;
  const rowsAtOnce = Math.max(1, Math.min(rows, Math.floor(READ_BYTES / rowBytes)));
  const bytes = new Uint8Array(rowsAtOnce * rowBytes);
  const view = new DataView(bytes.buffer);
  const step = dtypeBytes[dtype];
  for (let from = firstRow; from < firstRow + rows; from += rowsAtOnce) {
    signal?.throwIfAborted();
    const count = Math.min(rowsAtOnce, firstRow + rows - from);
    await file.readRows(bytes, from, count);
    if (file.layout.longest !== undefined) {
      const found = badSparseValue(file, bytes, from, count);
      if (found !== undefined) return found;
      continue;
    }
    for (let row = 0; row < count; row++) {
      const start = row * rowBytes;
      for (let j = 0; features && j < d; j++) {
        const x = readNumber(view, start + j * step, dtype);
        if (!Number.isFinite(x)) return describe(file, from + row, `feature ${j}`, x);
      }
      for (let c = 0; c < labels; c++) {
        const y = readNumber(view, start + labelOffset + c * dtypeBytes[labelDtype], labelDtype);
        if (Number.isFinite(y)) continue;
        return describe(file, from + row, labels === 1 ? 'the label' : `label ${c}`, y);
      }
    }
  }
  return undefined;
}

/** The same of rows in slots. */
function badSparseValue(
  file: RowFile,
  bytes: Uint8Array,
  first: number,
  count: number,
): MlmlError | undefined {
  const view = new RecordView(bytes, file.layout.dtype as SparseDtype);
  for (let row = 0; row < count; row++) {
    const word = (row * file.layout.rowBytes) / 4;
    const label = view.label(word);
    if (!Number.isFinite(label)) return describe(file, first + row, 'the label', label);
    for (let t = 0; t < view.nonzeros(word); t++) {
      const value = view.value(word, t);
      if (!Number.isFinite(value))
        return describe(file, first + row, `feature ${view.index(word, t)}`, value);
    }
  }
  return undefined;
}

function describe(file: RowFile, row: number, what: string, value: number): MlmlError {
  const part = file.part === undefined ? '' : `${file.part} `;
  return new MlmlError(
    'MLML_BAD_DATA',
    `${part}row ${file.storedRow(row)}: ${what}: ${value} is not a finite number; import the rows again, with --on-nan=zero or --on-nan=skip to go on without such values`,
  );
}

/** Throws what `badValueError` finds. */
export async function requireFiniteRows(file: RowFile, signal?: AbortSignal): Promise<void> {
  const error = await badValueError(file, signal);
  if (error !== undefined) throw error;
}

/** Whether the first `count` numbers are finite; NaN and infinities turn the sum into NaN. */
export function allFinite(numbers: ArrayLike<number>, count = numbers.length): boolean {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += numbers[i]! * 0;
  return sum === 0;
}
