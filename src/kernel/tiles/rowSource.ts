import { ChosenRows } from '../../data/chosenRows.js';
import type { RowFile } from '../../data/rowFile.js';

/** Rows that can be read by number. A RowFile is one. */
export interface RowSource {
  /** Number of rows. */
  readonly rows: number;
  /** Reads `count` rows from `firstRow` into the start of `target`, as they are stored. */
  readRows(target: Uint8Array, firstRow: number, count: number): Promise<void>;
}

/** Rows that can be read at once, without a promise. A RowFile is one. */
export interface ImmediateRowSource extends RowSource {
  /** As `readRows`, but the rows are there when it returns. */
  readRowsNow(target: Uint8Array, firstRow: number, count: number): void;
}

/** Chosen rows of a file, in the order given: row i is row `indices[i]` of the file. */
export class SelectedRows implements RowSource {
  readonly rows: number;
  readonly #chosen: ChosenRows;

  constructor(file: RowFile, indices: Uint32Array) {
    this.#chosen = new ChosenRows(file, (position) => indices[position]!);
    this.rows = indices.length;
  }

  readRows(target: Uint8Array, firstRow: number, count: number): Promise<void> {
    return this.#chosen.readRows(target, firstRow, count);
  }
}

/** Reads rows with these numbers, one after the other, into the start of `target`. */
export async function readChosenRows(
  source: RowSource,
  rowBytes: number,
  indices: Uint32Array,
  target: Uint8Array,
): Promise<void> {
  const reads: Promise<void>[] = [];
  for (let i = 0; i < indices.length; ) {
    // Rows that follow one another are read at once.
    const start = indices[i]!;
    let length = 1;
    while (i + length < indices.length && indices[i + length] === start + length) length++;
    const piece = target.subarray(i * rowBytes, (i + length) * rowBytes);
    reads.push(source.readRows(piece, start, length));
    i += length;
  }
  await Promise.all(reads);
}
