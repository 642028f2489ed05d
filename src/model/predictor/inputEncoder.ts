import { type Dtype, integerRange } from '../../arithmetic/dtype.js';
import {
  type Cell,
  type ColumnMapping,
  featureNames,
  neededColumns,
} from '../../data/columns/columnMapping.js';
import { RowEncoder } from '../../data/columns/rowEncoder.js';
import { trimmedKeys } from '../../data/table/columnNames.js';
import { MlmlError } from '../../errors.js';
import type { ScoreMeaning } from '../../ssgd/linearModel.js';
import { RowError, shownValue } from './rowError.js';

/** The largest finite numbers of the short number types, and a little less than what is rounded to infinity. */
const largest: Partial<Record<Dtype, number>> = { float16: 65519, float32: 3.4028235677e38 };

/**
 * A row to predict: its features as numbers, in the order of the model; or, for a model made from a table, the values of its
 * columns by name, null for one that is missing. Further columns are passed over.
 */
export type InputRow = ArrayLike<number> | Readonly<Record<string, Cell>>;

const isList = (row: object): row is ArrayLike<unknown> => Array.isArray(row) || ArrayBuffer.isView(row);

/** Turns rows as they are given into features, and says of what is wrong where it is. */
export class InputEncoder {
  readonly #d: number;
  readonly #dtype: Dtype;
  readonly #mapping: ColumnMapping | undefined;
  readonly #columns: readonly string[];
  readonly #cells: Cell[];
  readonly #encoder: RowEncoder | undefined;
  #badColumn = '';

  constructor({ d, columns, classNames }: ScoreMeaning, dtype: Dtype) {
    this.#d = d;
    this.#dtype = dtype;
    this.#mapping = columns;
    this.#columns = columns === undefined ? [] : [...new Set(neededColumns(columns))];
    this.#cells = this.#columns.map(() => null);
    this.#encoder = columns && new RowEncoder(columns, this.#columns, classNames);
  }

  /** Writes the d features of a row; `number` is its number in messages. */
  encode(row: unknown, number: number, target: Float64Array): void {
    if (typeof row !== 'object' || row === null) {
      throw new RowError(
        number,
        undefined,
        shownValue(row),
        `row ${number}: ${shownValue(row)} is not a row; ${this.#wanted()}`,
      );
    }
    if (isList(row)) this.#copy(row, number, target);
    else this.#encodeColumns(row as Readonly<Record<string, unknown>>, number, target);
    this.#check(number, target);
  }

  /** The value that names the row, where the model knows such a column and the row has it. */
  idOf(row: unknown, number: number): Cell {
    const column = this.#mapping?.id;
    if (column === undefined || isList(row as object)) return undefined;
    const named = withTrimmedKeys(row as Readonly<Record<string, unknown>>, [column]);
    return Object.hasOwn(named, column) ? cellOf(named, column, number) : undefined;
  }

  #wanted(): string {
    const list = `a list of ${this.#d} numbers`;
    return this.#encoder === undefined ? `give ${list}` : `give an object with the columns, or ${list}`;
  }

  #copy(row: ArrayLike<unknown>, number: number, target: Float64Array): void {
    if (row.length !== this.#d) {
      throw new RowError(
        number,
        undefined,
        undefined,
        `row ${number}: has ${row.length} values; the model has ${this.#d} features`,
      );
    }
    for (let j = 0; j < this.#d; j++) {
      const value = row[j];
      if (typeof value !== 'number') this.#refuse(number, j, value, 'is not a number');
      target[j] = value as number;
    }
  }

  #encodeColumns(row: Readonly<Record<string, unknown>>, number: number, target: Float64Array): void {
    if (this.#encoder === undefined) {
      const shown = 'an object';
      throw new RowError(
        number,
        undefined,
        shown,
        `row ${number}: is ${shown}, but the model knows no names of columns; ${this.#wanted()}`,
      );
    }
    const named = withTrimmedKeys(row, this.#columns);
    for (const [i, column] of this.#columns.entries()) {
      // Only what the row itself has counts, whatever its columns are called.
      if (!Object.hasOwn(named, column)) {
        throw new RowError(
          number,
          column,
          undefined,
          `row ${number}: column ${column} is not there; give null for a value that is missing`,
        );
      }
      this.#cells[i] = cellOf(named, column, number);
    }
    const locate = (column: string) => {
      this.#badColumn = column;
      return `row ${number}, column ${column}`;
    };
    try {
      this.#encoder.encode(this.#cells, target, locate);
    } catch (error) {
      if (!(error instanceof MlmlError)) throw error;
      throw new RowError(number, this.#badColumn, shownValue(named[this.#badColumn]), error.message);
    }
  }

  /** Whether the model's number type holds the features. */
  #check(number: number, target: Float64Array): void {
    const range = integerRange(this.#dtype);
    const most = largest[this.#dtype] ?? Number.MAX_VALUE;
    for (let j = 0; j < this.#d; j++) {
      const x = target[j]!;
      // False for NaN too.
      if (!(Math.abs(x) <= most)) {
        const finite = Number.isFinite(x);
        this.#refuse(
          number,
          j,
          x,
          finite ? `is beyond the numbers of the model (${this.#dtype})` : 'is not a finite number',
        );
      }
      if (range !== undefined && !(Number.isInteger(x) && x >= range[0] && x <= range[1]))
        this.#refuse(
          number,
          j,
          x,
          `is not a whole number from ${range[0]} to ${range[1]} (${this.#dtype}), as the model's rows are`,
        );
    }
  }

  #refuse(number: number, feature: number, value: unknown, what: string): never {
    const name = this.#mapping === undefined ? feature : featureNames(this.#mapping)[feature]!;
    throw new RowError(
      number,
      name,
      shownValue(value),
      `row ${number}, feature ${name}: ${shownValue(value)} ${what}`,
    );
  }
}

/** A row by names without blanks around them, as tables have them; the row itself where it has all these columns as it is. */
function withTrimmedKeys(
  row: Readonly<Record<string, unknown>>,
  columns: readonly string[],
): Readonly<Record<string, unknown>> {
  if (columns.every((column) => Object.hasOwn(row, column))) return row;
  return trimmedKeys(row) ?? row;
}

function cellOf(row: Readonly<Record<string, unknown>>, column: string, number: number): Cell {
  const cell = row[column];
  if (typeof cell !== 'object' || cell === null || cell instanceof Date) return cell as Cell;
  const shown = shownValue(cell);
  throw new RowError(number, column, shown, `row ${number}, column ${column}: ${shown} is not a value`);
}
