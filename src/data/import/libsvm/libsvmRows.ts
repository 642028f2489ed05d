import { type Kernels, loadKernels } from '../../../arithmetic/kernels.js';
import { LIBSVM_RESULT_WORDS, LIBSVM_ROW_WORDS, LibsvmResult } from '../../../arithmetic/libsvmRows.js';
import { fillPowersOfTen, POWERS_BYTES } from '../../../arithmetic/powersOfTen.js';
import { Arena } from '../../../memory/arena.js';
import { RecordView, type SparseDtype, sparseDtypeCodes } from '../../sparse/sparseRecord.js';

/** Text at hand; longer lines are read without the kernel. */
const TEXT_BYTES = 320 * 1024;
const MOST_WORDS = 32 * 1024;
const MOST_VALUES = 32 * 1024;
const MOST_ROWS = 2048;

/** How rows of text become records. */
export interface RecordShape {
  /** The number of the first index, which becomes 0. */
  readonly zero: 0 | 1;
  /** Indices are below, after that. */
  readonly features: number;
  readonly dtype: SparseDtype;
}

/** Rows of LIBSVM text that the kernel reads at once, as records of sparse rows. A constant amount of memory. */
export class LibsvmRows {
  /** Where the text lies that is read. */
  readonly text: Uint8Array;
  rows = 0;
  /** Bytes of the text that were read, and lines in them. */
  consumed = 0;
  lines = 0;
  /** Words of the records. */
  words = 0;
  /** The largest index among the rows, and 1. */
  features = 0;
  /** Whether all values are whole numbers from 0 to 255. */
  allBytes = true;
  /** The values as doubles, of one row after the other. */
  readonly values: Float64Array;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #places: Uint32Array;
  readonly #result: Uint32Array;
  readonly #bytes: Uint8Array;
  #record: RecordView;
  #dtype: SparseDtype = 'uint8';

  constructor() {
    const arena = new Arena([
      { name: 'powers', bytes: POWERS_BYTES },
      { name: 'records', bytes: 4 * MOST_WORDS },
      { name: 'values', bytes: 8 * MOST_VALUES },
      { name: 'rows', bytes: 4 * LIBSVM_ROW_WORDS * MOST_ROWS },
      { name: 'result', bytes: 4 * LIBSVM_RESULT_WORDS },
      { name: 'text', bytes: TEXT_BYTES },
    ]);
    fillPowersOfTen(arena.buffer, arena.address('powers'));
    this.#arena = arena;
    this.#kernels = loadKernels(arena.memory);
    this.text = arena.uint8('text');
    this.values = arena.float64('values');
    this.#places = arena.uint32('rows');
    this.#result = arena.uint32('result');
    this.#bytes = arena.uint8('records');
    this.#record = new RecordView(this.#bytes, this.#dtype);
  }

  /** The records, valid until the next call of `read`. */
  get record(): RecordView {
    return this.#record;
  }

  /** The word where a row begins; of the row behind the last, the end. */
  wordOf(row: number): number {
    return row === this.rows ? this.words : this.#places[LIBSVM_ROW_WORDS * row]!;
  }

  /** The place of the first value of a row. */
  valueOf(row: number): number {
    return this.#places[LIBSVM_ROW_WORDS * row + 1]!;
  }

  /** Lines before a row, from the first that was read. */
  linesBefore(row: number): number {
    return this.#places[LIBSVM_ROW_WORDS * row + 2]!;
  }

  /** Reads what rows it can of the whole lines in [from, to) of the text, until memory for rows is full; there may be none. */
  read(from: number, to: number, { zero, features, dtype }: RecordShape, mostRows = MOST_ROWS): void {
    if (dtype !== this.#dtype) {
      this.#dtype = dtype;
      this.#record = new RecordView(this.#bytes, dtype);
    }
    const arena = this.#arena;
    this.#kernels.libsvmRows(
      arena.address('text'),
      from,
      to,
      zero,
      features,
      sparseDtypeCodes[dtype],
      arena.address('records'),
      MOST_WORDS,
      arena.address('values'),
      MOST_VALUES,
      arena.address('rows'),
      Math.min(mostRows, MOST_ROWS),
      arena.address('powers'),
      arena.address('result'),
    );
    const result = this.#result;
    this.rows = result[LibsvmResult.rows]!;
    this.consumed = result[LibsvmResult.consumed]! - from;
    this.lines = result[LibsvmResult.lines]!;
    this.words = result[LibsvmResult.words]!;
    this.features = result[LibsvmResult.features]!;
    this.allBytes = result[LibsvmResult.allBytes] === 1;
  }
}
