import { MOST_CODES } from '../../arithmetic/delimitedValues.js';
import { type FeatureColumn, widthOf } from '../columns/columnMapping.js';
import type { Locate, RowEncoder } from '../columns/rowEncoder.js';
import type { TableBatch } from './tableSource.js';

/** Features that may be other than 0 where a value has a code: of a number that is missing, what stands for it and its indicator. */
const MOST_SET = 2;
/** A column of more features is not searched for those that are not 0. */
const WIDEST = 4096;
const UNKNOWN = 255;

/** Writes the features of columns other than numbers, of a block of rows at once: texts that have a code are encoded once. */
export class ColumnWriter {
  readonly #encoder: RowEncoder;
  readonly #times: Float64Array;
  readonly #codes: Int32Array;
  /** For each code the features that are not 0: how many, which (from the first of the column), and their values. */
  readonly #counts = new Uint8Array(MOST_CODES);
  readonly #places = new Uint16Array(MOST_SET * MOST_CODES);
  readonly #values = new Float64Array(MOST_SET * MOST_CODES);
  #batch: TableBatch | undefined;

  constructor(encoder: RowEncoder, blockRows: number) {
    this.#encoder = encoder;
    this.#times = new Float64Array(blockRows);
    this.#codes = new Int32Array(blockRows);
  }

  /**
   * Writes the features that column `feature` of the mapping makes, of `count` rows of a batch from row `from`: those of row i at
   * block[at + i·stride), all zeros before. Rows with `parts[i]` 0 are passed over.
   */
  write(
    batch: TableBatch,
    position: number,
    from: number,
    count: number,
    feature: number,
    parts: Uint8Array,
    block: Float64Array,
    at: number,
    stride: number,
  ): void {
    const column = this.#encoder.mapping.features[feature]!;
    let row = 0;
    const locate: Locate = (name) => `${batch.place(from + row)}, column ${name}`;
    const encodeCell = () =>
      this.#encoder.encodeColumn(feature, batch.cell(from + row, position), block, at + row * stride, locate);
    if (column.kind === 'date' && batch.timesOf !== undefined && this.#encoder.timesAreValues) {
      batch.timesOf(position, from, count, this.#times);
      for (row = 0; row < count; row++) {
        if (parts[row] === 0) continue;
        const time = this.#times[row]!;
        if (Number.isNaN(time)) encodeCell();
        else this.#encoder.encodeTime(column, time, block, at + row * stride);
      }
    } else if (batch.codesOf !== undefined && isCoded(column)) {
      this.#forget(batch);
      batch.codesOf(position, from, count, this.#codes);
      for (row = 0; row < count; row++) {
        if (parts[row] === 0) continue;
        const code = this.#codes[row]!;
        const start = at + row * stride;
        if (code < 0) encodeCell();
        else if (this.#counts[code] === UNKNOWN) {
          encodeCell();
          this.#learn(code, block, start, widthOf(column));
        } else
          for (let i = 0; i < this.#counts[code]!; i++)
            block[start + this.#places[MOST_SET * code + i]!] = this.#values[MOST_SET * code + i]!;
      }
    } else for (row = 0; row < count; row++) if (parts[row] !== 0) encodeCell();
  }

  #forget(batch: TableBatch): void {
    if (batch === this.#batch) return;
    this.#batch = batch;
    this.#counts.fill(UNKNOWN);
  }

  #learn(code: number, block: Float64Array, start: number, width: number): void {
    let found = 0;
    for (let j = 0; j < width; j++) {
      if (block[start + j] === 0) continue;
      this.#places[MOST_SET * code + found] = j;
      this.#values[MOST_SET * code + found++] = block[start + j]!;
    }
    this.#counts[code] = found;
  }
}

function isCoded(column: FeatureColumn): boolean {
  return column.kind !== 'text' && column.kind !== 'date' && widthOf(column) <= WIDEST;
}
