import { dtypeBytes, integerRange, readNumber, writeNumber } from '../arithmetic/dtype.js';
import { MlmlError } from '../errors.js';
import type { PartName } from './format.js';
import type { RowLayout } from './rowLayout.js';

/** What is done with rows that hold NaN or an infinity where they are read for the first time. */
export const onNanNames = ['error', 'zero', 'skip'] as const;
/** What is done with rows that have values which are not finite. */
export type OnNan = (typeof onNanNames)[number];

/** Throws `MLML_USAGE` for a name that is none of them. */
export function checkOnNan(name: string): OnNan {
  const found = onNanNames.find((known) => known === name);
  if (found !== undefined) return found;
  throw new MlmlError('MLML_USAGE', `--on-nan=${name}: must be one of ${onNanNames.join(', ')}`);
}

/**
 * Repairs encoded rows in place and counts what it did.
 *
 * zero: a feature that is not finite becomes 0 as stored, that is before any scaling; a label or target that is not
 * finite stays, and is an error: a missing answer is not the answer 0.
 * skip: a row with any value that is not finite, label included, is left out.
 */
export class NanRepair {
  /** Rows changed or left out. */
  rows = 0;
  /** Values that became 0. */
  values = 0;
  /** Numbers within the last batch of the rows that were kept, in order. */
  readonly kept: Uint32Array;
  readonly #layout: RowLayout;
  readonly #policy: OnNan;
  readonly #floats: boolean;
  #first = '';

  /** @param mostRows the largest batch that will be given */
  constructor(layout: RowLayout, policy: OnNan, mostRows: number) {
    this.#layout = layout;
    this.#policy = policy;
    this.#floats = [layout.dtype, layout.labelDtype].some((dtype) => integerRange(dtype) === undefined);
    this.kept = new Uint32Array(mostRows);
  }

  /** Repairs `rows` rows, of which the first is row `firstRow` of the part. Returns how many are left, moved together. */
  apply(bytes: Uint8Array, rows: number, part: PartName, firstRow: number): number {
    const { rowBytes } = this.#layout;
    const repairs = this.#policy !== 'error' && this.#floats;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let left = 0;
    for (let row = 0; row < rows; row++) {
      if (repairs && !this.#keep(view, row, part, firstRow + row)) continue;
      if (left < row) bytes.copyWithin(left * rowBytes, row * rowBytes, (row + 1) * rowBytes);
      this.kept[left++] = row;
    }
    return left;
  }

  #keep(view: DataView, row: number, part: PartName, number: number): boolean {
    const { d, dtype, labelDtype, labels, labelOffset, rowBytes } = this.#layout;
    const start = row * rowBytes;
    const before = this.values;
    for (let j = 0; j < d; j++) {
      const at = start + j * dtypeBytes[dtype];
      const x = readNumber(view, at, dtype);
      if (Number.isFinite(x)) continue;
      this.#note(`${part} row ${number}, feature ${j} (${x})`);
      if (this.#policy === 'skip') return this.#leaveOut();
      writeNumber(view, at, dtype, 0);
      this.values++;
    }
    if (this.values > before) this.rows++;
    if (this.#policy !== 'skip') return true;
    for (let c = 0; c < labels; c++) {
      const label = readNumber(view, start + labelOffset + c * dtypeBytes[labelDtype], labelDtype);
      if (Number.isFinite(label)) continue;
      this.#note(`${part} row ${number}, ${labels === 1 ? 'the label' : `label ${c}`} (${label})`);
      return this.#leaveOut();
    }
    return true;
  }

  #leaveOut(): false {
    this.rows++;
    return false;
  }

  #note(place: string): void {
    if (this.#first === '') this.#first = place;
  }

  /** What was done, in a sentence; undefined when nothing was. */
  get warning(): string | undefined {
    if (this.rows === 0) return undefined;
    const rows = `${this.rows} ${this.rows === 1 ? 'row' : 'rows'}`;
    const done =
      this.#policy === 'skip'
        ? `${rows} with NaN or an infinity left out`
        : `${this.values} ${this.values === 1 ? 'value' : 'values'} in ${rows} read as 0, being NaN or an infinity`;
    return `--on-nan=${this.#policy}: ${done}; the first: ${this.#first}`;
  }
}

/** Makes features that are not finite 0 in rows that have been read. */
export function zeroBadValues(layout: RowLayout): (bytes: Uint8Array, rows: number) => void {
  const { d, dtype, rowBytes } = layout;
  const step = dtypeBytes[dtype];
  return (bytes, rows) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, rows * rowBytes);
    for (let start = 0; start < rows * rowBytes; start += rowBytes) {
      for (let at = start; at < start + d * step; at += step) {
        if (!Number.isFinite(readNumber(view, at, dtype))) writeNumber(view, at, dtype, 0);
      }
    }
  };
}
