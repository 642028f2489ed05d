import { type Dtype, dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import type { ByteSource } from './byteSource.js';
import { openColumnOrder } from './columnOrder.js';
import type { NumberType } from './numberType.js';
import { openRowOrder } from './rowOrder.js';

/** Rows of an array, first to last. */
export interface ArrayReader {
  /** Fills the first `count` rows of `target` with the next rows: numbers of the array's `dtype`, without gaps. */
  readRows(target: Uint8Array, count: number): Promise<void>;
  /** Where a number stands, for messages. */
  place(row: number, column: number): string;
  close(): Promise<void>;
}

/** How the numbers of an array lie: from byte `start` of `bytes`, row by row or column by column. */
export interface StoredNumbers {
  readonly bytes: ByteSource;
  readonly start: number;
  readonly type: NumberType;
  readonly columnOrder: boolean;
}

/** An array of numbers in a file, of which the first dimension counts rows; the others together are its columns. */
export class NumericArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly stored: StoredNumbers;

  /** Sizes are checked: rows and columns from 1, and as many bytes as they need. Else `MLML_BAD_FILE`. */
  constructor(name: string, shape: readonly number[], stored: StoredNumbers) {
    const [rows = 1, ...others] = shape;
    const columns = others.reduce((product, size) => product * size, 1);
    const sizes = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
    const bad = (what: string) => new MlmlError('MLML_BAD_FILE', `${name}: ${what}`);
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) throw bad(`has the shape ${sizes}`);
    if (shape.length === 0 || rows === 0 || columns === 0)
      throw bad(`has the shape ${sizes}; an array with rows of numbers is needed`);
    const needed = rows * columns * stored.type.bytes;
    const there = stored.bytes.byteLength - stored.start;
    if (!Number.isSafeInteger(needed) || needed !== there) {
      throw bad(
        `the shape ${sizes} of ${stored.type.name} needs ${needed} bytes of numbers, but there are ${there}`,
      );
    }
    // Of more dimensions the numbers of a row would have another order.
    if (stored.columnOrder && shape.length > 2)
      throw bad(
        `is in Fortran order with ${shape.length} dimensions; save it in C order (numpy.ascontiguousarray)`,
      );
    this.name = name;
    this.shape = shape;
    this.rows = rows;
    this.columns = columns;
    this.stored = stored;
  }

  get dtype(): Dtype {
    return this.stored.type.dtype;
  }

  get rowBytes(): number {
    return this.columns * dtypeBytes[this.dtype];
  }

  /** Rows do not lie together, and those of several columns are to be gathered. */
  get isScattered(): boolean {
    return this.stored.columnOrder && this.rows > 1 && this.columns > 1;
  }

  /** The numbers of an n x 1 or 1 x n array as n rows; undefined for any other. */
  asVector(): NumericArray | undefined {
    if (this.columns === 1) return this;
    return this.rows === 1 ? new NumericArray(this.name, [this.columns], this.stored) : undefined;
  }

  /** Reads in order. Scattered rows need bytes that can be read anywhere (`ByteSource.readInto`). */
  open(): ArrayReader {
    return this.isScattered ? openColumnOrder(this) : openRowOrder(this);
  }
}
