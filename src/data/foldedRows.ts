import { dtypeBytes } from '../arithmetic/dtype.js';
import type { RowReader } from './rowFile.js';
import type { RowFolds } from './rowFolds.js';
import type { RowLayout } from './rowLayout.js';

/** The same rows with their fold, a byte, behind each; padded so that features stay aligned as they were. */
export function foldedLayout(layout: RowLayout): RowLayout {
  return { ...layout, rowBytes: layout.rowBytes + dtypeBytes[layout.dtype] };
}

/** Rows of a file that carry their fold wherever a shuffle takes them. */
export class FoldedRows implements RowReader {
  readonly layout: RowLayout;
  readonly rows: number;
  readonly #file: RowReader;
  readonly #folds: RowFolds;

  constructor(file: RowReader, folds: RowFolds) {
    this.layout = foldedLayout(file.layout);
    this.rows = file.rows;
    this.#file = file;
    this.#folds = folds;
  }

  /** Reads to the end of where the rows go, and moves each to its place, the first row first. */
  async readRows(target: Uint8Array, firstRow: number, count: number): Promise<void> {
    const { rowBytes } = this.#file.layout;
    const wide = this.layout.rowBytes;
    const read = count * (wide - rowBytes);
    await this.#file.readRows(target.subarray(read, count * wide), firstRow, count);
    for (let i = 0; i < count; i++) {
      const from = read + i * rowBytes;
      const to = i * wide;
      target.copyWithin(to, from, from + rowBytes);
      target.fill(0, to + rowBytes, to + wide);
      target[to + rowBytes] = this.#folds.foldOf(firstRow + i);
    }
  }
}
