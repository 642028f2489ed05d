import { numberOf } from '../columns/cells.js';
import type { Cell } from '../columns/columnMapping.js';

/** What a source knows of a column before its values are seen; text (as all of CSV) may hold anything. */
export type ColumnType = 'number' | 'boolean' | 'date' | 'text';

/** Some rows of a table. Valid until the next batch is asked for. */
export interface TableBatch {
  readonly rows: number;
  /** The value in a row of this batch and a column of the source. */
  cell(row: number, column: number): Cell;
  /**
   * The same, where it is a finite number, without making a text of it first; undefined for everything else, which `cell` tells
   * apart. Sources that have nothing faster than `cell` leave it out.
   */
  numberAt?(row: number, column: number): number | undefined;
  /**
   * The same for `count` rows of a column at once, from row `from`, into target[0, count): NaN stands for everything that is no
   * finite number. The fastest way; sources whose rows lie together leave out neither.
   */
  numbersOf?(column: number, from: number, count: number, target: Float64Array): void;
  /**
   * The times of `count` values of a column, from row `from`, into target[0, count): milliseconds since 1970, NaN for what `cell`
   * has to tell apart. Returns how many of them have a time of day. For sources that are faster at it than `timeOf`.
   */
  timesOf?(column: number, from: number, count: number, target: Float64Array): number;
  /**
   * Codes of `count` values of a column, from row `from`, into target[0, count): from 0 to `MOST_CODES` - 1, and -1 for values
   * that have none. The same code stands for the same value of the same column as long as batches are one and the same object.
   */
  codesOf?(column: number, from: number, count: number, target: Int32Array): void;
  /** Where a row stands, for messages: `housing.csv: line 17`. */
  place(row: number): string;
}

/** A table of rows with named columns. */
export interface TableSource {
  /** For messages and `dataset.json`: a path, a query. */
  readonly name: string;
  /** In the order of the columns of a batch; different from each other. */
  readonly columns: readonly string[];
  /** As many as columns. */
  readonly types: readonly ColumnType[];
  /** False for a pipe, which can be read once. */
  readonly repeatable: boolean;
  /** All rows, in order. Memory is bounded whatever the number of rows; a row that is too long is `MLML_BAD_DATA`. */
  batches(signal?: AbortSignal): AsyncIterable<TableBatch>;
  /** Names and sha256 of the files read; known once all batches have been taken. */
  records(): Promise<readonly { readonly name: string; readonly sha256: string }[]>;
  /** Closes what it reads from. */
  close(): Promise<void>;
}

/** The finite numbers of `count` rows of a column, from row `from`, into target[0, count); NaN for everything else. */
export function numbersOf(
  batch: TableBatch,
  column: number,
  from: number,
  count: number,
  target: Float64Array,
): void {
  if (batch.numbersOf !== undefined) return batch.numbersOf(column, from, count, target);
  for (let i = 0; i < count; i++) {
    const number =
      batch.numberAt === undefined
        ? numberOf(batch.cell(from + i, column))
        : batch.numberAt(from + i, column);
    target[i] = number !== undefined && Number.isFinite(number) ? number : Number.NaN;
  }
}
