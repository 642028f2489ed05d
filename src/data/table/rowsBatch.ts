import { MlmlError } from '../../errors.js';
import type { Cell } from '../columns/columnMapping.js';
import type { TableBatch } from './tableSource.js';

/** Rows of values as a database gave them. `name`: of the table; `firstRow`: rows before them. */
export class RowsBatch<Value> implements TableBatch {
  readonly rows: number;
  readonly #values: readonly (readonly Value[])[];
  readonly #convert: (value: Value, column: number) => Cell;
  readonly #name: string;
  readonly #firstRow: number;

  constructor(
    values: readonly (readonly Value[])[],
    convert: (value: Value, column: number) => Cell,
    name: string,
    firstRow: number,
  ) {
    this.rows = values.length;
    this.#values = values;
    this.#convert = convert;
    this.#name = name;
    this.#firstRow = firstRow;
  }

  cell(row: number, column: number): Cell {
    try {
      return this.#convert(this.#values[row]![column]!, column);
    } catch (error) {
      if (!(error instanceof UnusableValue)) throw error;
      throw new MlmlError('MLML_BAD_DATA', `${this.place(row)}, ${error.message}`);
    }
  }

  numberAt(row: number, column: number): number | undefined {
    const cell = this.cell(row, column);
    return typeof cell === 'number' && Number.isFinite(cell) ? cell : undefined;
  }

  place(row: number): string {
    return `${this.#name}: row ${this.#firstRow + row + 1}`;
  }
}

/** A value that is no cell. The message goes on from the place of its row: `column tags: is …`. */
export class UnusableValue extends Error {}

/** Rows of a database fetched at once, so that they take about so many bytes. */
const FETCHED_BYTES = 128 * 1024;
const MOST_FETCHED = 2048;

/** How many rows to fetch next, where `rows` took `bytes`: few at first, at most eight times as many as before. */
export function rowsToFetch(rows: number, bytes: number): number {
  if (rows === 0) return 16;
  const fitting = Math.floor((FETCHED_BYTES * rows) / Math.max(1, bytes));
  return Math.max(1, Math.min(MOST_FETCHED, 8 * rows, fitting));
}
