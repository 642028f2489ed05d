import { MlmlError } from '../../../errors.js';
import type { Cell } from '../../columns/columnMapping.js';
import type { TableBatch } from '../tableSource.js';
import { padded } from './messages.js';
import type { DuckdbColumn } from './selectColumns.js';

/** Times beyond this many milliseconds from 1970 are no dates of JavaScript. */
const LARGEST_TIME = 8.64e15;

interface Texts {
  readonly ends: Uint32Array;
  readonly bytes: Buffer;
}

/** The rows of a frame. `name`: of the table; `firstRow`: rows before it. */
export class FrameBatch implements TableBatch {
  readonly rows: number;
  readonly #columns: readonly DuckdbColumn[];
  readonly #name: string;
  readonly #firstRow: number;
  readonly #numbers: (Float64Array | undefined)[] = [];
  readonly #texts: (Texts | undefined)[] = [];

  constructor(payload: Uint8Array, columns: readonly DuckdbColumn[], name: string, firstRow: number) {
    const { buffer, byteOffset } = payload;
    const view = new DataView(buffer, byteOffset, payload.byteLength);
    const rows = view.getUint32(0, true);
    this.rows = rows;
    this.#columns = columns;
    this.#name = name;
    this.#firstRow = firstRow;
    let at = 8;
    for (const { sent } of columns) {
      let numbers: Float64Array | undefined;
      let texts: Texts | undefined;
      if (sent === 'doubles' || sent === 'doubles and texts') {
        numbers = new Float64Array(buffer, byteOffset + at, rows);
        at += 8 * rows;
      }
      if (sent === 'texts' || sent === 'doubles and texts') {
        const total = view.getUint32(at, true);
        const present = view.getUint32(at + 4, true) === 1;
        at += 8;
        if (present) {
          const ends = new Uint32Array(buffer, byteOffset + at, rows);
          texts = { ends, bytes: Buffer.from(buffer, byteOffset + at + 4 * rows, total) };
          at = padded(at + 4 * rows + total);
        }
      }
      this.#numbers.push(numbers);
      this.#texts.push(texts);
    }
  }

  cell(row: number, column: number): Cell {
    const { type, sent, problem, name } = this.#columns[column]!;
    if (sent === undefined) throw new MlmlError('MLML_BAD_DATA', `${this.#name}: column ${name} ${problem}`);
    const number = this.#numbers[column]?.[row];
    if (number === undefined || Number.isNaN(number)) {
      const text = this.#text(row, column);
      if (text === '') return undefined;
      return type === 'number' ? BigInt(text) : text;
    }
    if (type === 'boolean') return number !== 0;
    if (type === 'number') return number;
    return Math.abs(number) <= LARGEST_TIME ? new Date(number) : `${number} ms after 1970`;
  }

  numbersOf(column: number, from: number, count: number, target: Float64Array): void {
    const { type, sent } = this.#columns[column]!;
    const numbers = this.#numbers[column];
    if (sent === undefined) this.cell(from, column);
    // Whether a truth value counts as a number depends on the use of the column, as it does with texts.
    if (type !== 'number' || numbers === undefined) {
      target.fill(Number.NaN, 0, count);
      return;
    }
    for (let i = 0; i < count; i++) {
      const number = numbers[from + i]!;
      target[i] = Number.isFinite(number) ? number : Number.NaN;
    }
  }

  place(row: number): string {
    return `${this.#name}: row ${this.#firstRow + row + 1}`;
  }

  #text(row: number, column: number): string {
    const texts = this.#texts[column];
    if (texts === undefined) return '';
    return texts.bytes.toString('utf8', row === 0 ? 0 : texts.ends[row - 1], texts.ends[row]);
  }
}
