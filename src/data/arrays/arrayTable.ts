import { dtypeBytes, readNumber } from '../../arithmetic/dtype.js';
import type { TableBatch, TableSource } from '../table/tableSource.js';
import type { ArrayReader, NumericArray } from './numericArray.js';

/** Bytes of rows read at a time; a longer row is read alone. */
const BLOCK_BYTES = 256 * 1024;

/** What the columns of arrays are called: by their numbers, and the labels of an array of their own; of several with their number. */
const LABEL_COLUMN = 'label';

/** The columns of the labels of an array of their own. */
export function labelColumnNames(count: number): string[] {
  return Array.from({ length: count }, (_, c) => (count === 1 ? LABEL_COLUMN : `${LABEL_COLUMN} ${c}`));
}

/**
 * Arrays as a table: each column of `x` under its number, then `y`, whose rows are as many, as `label` (or `label 0`, `label 1`, …). Reads in order, in a buffer of
 * fixed size; each pass reads the file anew.
 */
export function arrayTable(
  x: NumericArray,
  y: NumericArray | undefined,
  close: () => Promise<void>,
): TableSource {
  const columns = Array.from({ length: x.columns }, (_, j) => String(j));
  if (y !== undefined) columns.push(...labelColumnNames(y.columns));
  return {
    name: x.name,
    columns,
    types: columns.map(() => 'number'),
    repeatable: true,
    batches: (signal) => batches(x, y, signal),
    records: async () => [],
    close,
  };
}

async function* batches(
  x: NumericArray,
  y: NumericArray | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<TableBatch> {
  const rowsAtOnce = Math.min(x.rows, Math.max(1, Math.floor(BLOCK_BYTES / x.rowBytes)));
  const features = new Block(x, rowsAtOnce);
  const labels = y && new Block(y, rowsAtOnce);
  try {
    for (let first = 0; first < x.rows; first += rowsAtOnce) {
      signal?.throwIfAborted();
      const rows = Math.min(rowsAtOnce, x.rows - first);
      await features.read(rows);
      await labels?.read(rows);
      const block = (column: number) => (column < x.columns ? features : labels!);
      const within = (column: number) => (column < x.columns ? column : column - x.columns);
      yield {
        rows,
        cell: (row, column) => block(column).number(row, within(column)),
        numbersOf(column, from, count, target) {
          block(column).numbersOf(within(column), from, count, target);
        },
        place: (row) => `${x.name}: row ${first + row}`,
      };
    }
  } finally {
    await features.close();
    await labels?.close();
  }
}

/** Some rows of an array. */
class Block {
  readonly #array: NumericArray;
  readonly #reader: ArrayReader;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(array: NumericArray, rows: number) {
    this.#array = array;
    this.#reader = array.open();
    this.#bytes = new Uint8Array(rows * array.rowBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  async read(rows: number): Promise<void> {
    await this.#reader.readRows(this.#bytes, rows);
  }

  number(row: number, column: number): number {
    const { rowBytes, dtype } = this.#array;
    return readNumber(this.#view, row * rowBytes + column * dtypeBytes[dtype], dtype);
  }

  numbersOf(column: number, from: number, count: number, target: Float64Array): void {
    for (let i = 0; i < count; i++) {
      const value = this.number(from + i, column);
      target[i] = Number.isFinite(value) ? value : Number.NaN;
    }
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
