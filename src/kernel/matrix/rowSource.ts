import type { RowFile } from '../../data/rowFile.js';

/** Rows that can be read by number. A RowFile is one. */
export interface RowSource {
  /** Number of rows. */
  readonly rows: number;
  /** Reads `count` rows from `firstRow` into the start of `target`, as they are stored. */
  readRows(target: Uint8Array, firstRow: number, count: number): Promise<void>;
}

/** Chosen rows of a file, in the order given: row i is row `indices[i]` of the file. */
export class SelectedRows implements RowSource {
  readonly rows: number;
  readonly #file: RowFile;
  readonly #indices: Uint32Array;

  constructor(file: RowFile, indices: Uint32Array) {
    this.#file = file;
    this.#indices = indices;
    this.rows = indices.length;
  }

  async readRows(target: Uint8Array, firstRow: number, count: number): Promise<void> {
    const { rowBytes } = this.#file.layout;
    const reads: Promise<void>[] = [];
    for (let i = 0; i < count; ) {
      // Rows that follow one another are read at once.
      const start = this.#indices[firstRow + i]!;
      let length = 1;
      while (i + length < count && this.#indices[firstRow + i + length] === start + length) length++;
      const piece = target.subarray(i * rowBytes, (i + length) * rowBytes);
      reads.push(this.#file.readRows(piece, start, length));
      i += length;
    }
    await Promise.all(reads);
  }
}
