import { FIELD_DOUBLED, FIELD_HARD, FIELD_OFFSET } from '../../../arithmetic/delimitedRows.js';
import { type DelimitedValueKernels, MOST_CODES } from '../../../arithmetic/delimitedValues.js';
import { MlmlError } from '../../../errors.js';
import type { TableBatch } from '../tableSource.js';

const CACHED = 1024;
const LONGEST_CACHED = 32;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Codes that each column may have however many there are. */
const LEAST_CODES = 16;

/** The regions that rows lie in, and the kernels over their memory. */
export interface BatchParts {
  readonly kernels: DelimitedValueKernels;
  readonly text: Uint8Array;
  readonly fields: Uint32Array;
  readonly values: Float64Array;
  readonly lines: Uint32Array;
  /** As many as rows. */
  readonly times: Float64Array;
  /** As many as rows; in the memory of the times. */
  readonly codes: Int32Array;
  /** `CODE_TABLE_BYTES`. */
  readonly table: Uint8Array;
  /** One for each column, and one more. */
  readonly codesGiven: Uint32Array;
}

/** The rows that the kernel found in a piece of text. One object for all batches of a table. */
export class DelimitedBatch implements TableBatch {
  rows = 0;
  /** Lines before the text that the rows were found in, from 0. */
  firstLine = 0;
  readonly #parts: BatchParts;
  readonly #name: string;
  readonly #columns: number;
  readonly #text: Uint8Array;
  /** The same bytes. */
  readonly #letters: Buffer;
  readonly #fields: Uint32Array;
  readonly #values: Float64Array;
  readonly #lines: Uint32Array;
  /** Texts met before, by a hash of their bytes: names of categories occur again and again. */
  readonly #cache: string[] = new Array(CACHED).fill('');

  constructor(name: string, columns: number, parts: BatchParts) {
    const { text, fields, values, lines } = parts;
    this.#parts = parts;
    this.#name = name;
    this.#columns = columns;
    parts.table.fill(0);
    parts.codesGiven.fill(0);
    this.#text = text;
    this.#letters = Buffer.from(text.buffer, text.byteOffset, text.length);
    this.#fields = fields;
    this.#values = values;
    this.#lines = lines;
  }

  place(row: number): string {
    return `${this.#name}: line ${this.firstLine + this.#lines[row]! + 1}`;
  }

  timesOf(column: number, from: number, count: number, target: Float64Array): number {
    const { kernels, text, fields, times } = this.#parts;
    const withTime = kernels.delimitedTimes(
      text.byteOffset,
      fields.byteOffset,
      this.#columns,
      column,
      from,
      count,
      times.byteOffset,
    );
    target.set(times.subarray(0, count));
    return withTime;
  }

  codesOf(column: number, from: number, count: number, target: Int32Array): void {
    const { kernels, text, fields, codes, table, codesGiven } = this.#parts;
    kernels.delimitedCodes(
      text.byteOffset,
      fields.byteOffset,
      this.#columns,
      column,
      from,
      count,
      table.byteOffset,
      codesGiven.byteOffset,
      Math.max(LEAST_CODES, Math.floor(MOST_CODES / this.#columns)),
      codes.byteOffset,
    );
    target.set(codes.subarray(0, count));
  }

  numbersOf(column: number, from: number, count: number, target: Float64Array): void {
    const columns = this.#columns;
    const values = this.#values;
    for (let i = 0, slot = from * columns + column; i < count; i++, slot += columns) {
      const value = values[slot]!;
      // One expression for both would make an object of each number.
      if (Number.isNaN(value)) target[i] = this.#hardNumber(slot);
      else target[i] = value;
    }
  }

  /** A number that the kernel did not read itself; NaN for what is none. */
  #hardNumber(slot: number): number {
    const end = this.#fields[2 * slot + 1]!;
    if ((end & FIELD_HARD) === 0) return Number.NaN;
    const value = Number(this.#latin1(this.#fields[2 * slot]!, end & FIELD_OFFSET));
    return Number.isFinite(value) ? value : Number.NaN;
  }

  #latin1(start: number, end: number): string {
    return this.#letters.toString('latin1', start, end);
  }

  cell(row: number, column: number): string {
    const slot = row * this.#columns + column;
    const start = this.#fields[2 * slot]!;
    const last = this.#fields[2 * slot + 1]!;
    const end = last & FIELD_OFFSET;
    if (start === end) return '';
    const length = end - start;
    if (length > LONGEST_CACHED || last >= FIELD_DOUBLED) {
      const text = this.#decode(start, end, row, column);
      return last >= FIELD_DOUBLED ? text.replaceAll('""', '"') : text;
    }
    let hash = length;
    let isAscii = true;
    for (let i = start; i < end; i++) {
      const byte = this.#text[i]!;
      if (byte >= 128) isAscii = false;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (!isAscii) return this.#decode(start, end, row, column);
    const place = (hash ^ (hash >>> 15)) & (CACHED - 1);
    const known = this.#cache[place]!;
    if (known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === this.#text[start + i]) i++;
      if (i === length) return known;
    }
    const text = this.#latin1(start, end);
    this.#cache[place] = text;
    return text;
  }

  #decode(start: number, end: number, row: number, column: number): string {
    try {
      // A copy: the decoder takes no shared memory.
      return utf8.decode(this.#text.slice(start, end));
    } catch (error) {
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${this.place(row)}, column ${column + 1}: is not UTF-8 text; convert the file, with iconv for one`,
        { cause: error },
      );
    }
  }
}
