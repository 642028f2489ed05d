import { MlmlError } from '../../../errors.js';
import { formatBytes } from '../../../memory/byteSize.js';
import { MOST_FEATURES } from '../../format.js';
import type { OnNan } from '../../onNan.js';
import type { LibsvmRows, RecordShape } from './libsvmRows.js';

const FIRST_BUFFER = 1 << 18;
/** The share of the budget that a line may take: its text, twice while it grows, and its numbers take seven times that. */
const LINE_SHARE = 1 / 16;

/** Bytes of a line at most, within a budget; lines that fit in the memory that is there anyway are always read. */
export const longestLine = (bufferBytes: number) =>
  Math.max(FIRST_BUFFER, Math.floor(bufferBytes * LINE_SHARE));

const [TAB, NEWLINE, RETURN, SPACE, HASH, PLUS, MINUS, POINT, ZERO, COLON] = [
  9, 10, 13, 32, 35, 43, 45, 46, 48, 58,
] as const;

/** 10^i is exact up to 22, and so is the quotient of two exact doubles rounded right: no digit of the text is lost. */
const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Whole numbers of so many digits are exact as doubles. */
const EXACT_DIGITS = 15;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const NO_NUMBER = /^[+-]?(nan|inf|infinity)$/i;

/**
 * Rows of LIBSVM (SVMlight) text, one after the other:
 *
 *     label [qid:number] index:value index:value … [# comment]
 *
 * Reads bytes, not strings; allocates nothing for a row but what its longest needs. Indices are given as they stand in the text.
 */
export class LibsvmReader {
  /** Of the row read last. Values of 0 are left out. */
  label = 0;
  nonzeros = 0;
  indices = new Uint32Array(64);
  values = new Float64Array(64);
  /** Whether a row named a query, which is not used. */
  sawQuery = false;
  /** Rows left out, and values taken as 0, because of NaN or infinities; the place of the first. */
  skipped = 0;
  zeroed = 0;
  firstBad = '';
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #path: string;
  readonly #onNan: OnNan;
  readonly #longest: number;
  readonly #rows: LibsvmRows | undefined;
  /** That of the rows, until a line is too long for it. */
  #bytes: Uint8Array;
  /** The text that has not been read lies in [at, end); whole lines in [at, lines). */
  #at = 0;
  #end = 0;
  #lines = 0;
  #line = 0;
  #finished = false;
  #bad = false;

  /**
   * `longest`: bytes of a line at most, see `longestLine`. `rows`: reads many rows at once, where it is given; it is used by one
   * reader after the other.
   */
  constructor(
    chunks: AsyncIterable<Uint8Array>,
    path: string,
    longest: number,
    onNan: OnNan = 'error',
    rows: LibsvmRows | undefined = undefined,
  ) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#path = path;
    this.#longest = longest;
    this.#onNan = onNan;
    this.#rows = rows;
    this.#bytes = rows?.text ?? new Uint8Array(FIRST_BUFFER);
  }

  /** `a9a: line 17` */
  get place(): string {
    return `${this.#path}: line ${this.#line}`;
  }

  fault(message: string): MlmlError {
    return new MlmlError('MLML_BAD_DATA', `${this.place}: ${message}`);
  }

  /**
   * Reads some rows that are at hand; undefined when `next` has to try the next row, which then reads it or finds what is wrong.
   * What it gives is valid until the next call.
   */
  nextRows(shape: RecordShape, mostRows?: number): LibsvmRows | undefined {
    const rows = this.#rows;
    if (rows === undefined || this.#bytes !== rows.text || this.#at === this.#lines) return undefined;
    rows.read(this.#at, this.#lines, shape, mostRows);
    this.#at += rows.consumed;
    this.#line += rows.lines;
    return rows.rows === 0 ? undefined : rows;
  }

  /** Where a row stands that `nextRows` gave last. */
  placeOf(row: number): string {
    return `${this.#path}: line ${this.#line - this.#rows!.lines + this.#rows!.linesBefore(row) + 1}`;
  }

  /** Reads the next row that is at hand; false when `more` has to be called first. */
  next(): boolean {
    while (this.#at < this.#lines) {
      this.#line++;
      if (this.#readLine()) return true;
    }
    return false;
  }

  /** Brings more text to hand; false at its end. */
  async more(): Promise<boolean> {
    while (!this.#finished) {
      const { done, value } = await this.#chunks.next();
      if (done === true) {
        this.#finished = true;
        if (this.#end === this.#at) return false;
        // The last line may lack its end.
        this.#makeRoom(1);
        this.#bytes[this.#end++] = NEWLINE;
        this.#lines = this.#end;
        return true;
      }
      this.#checkLength(value);
      this.#makeRoom(value.length + 1);
      this.#bytes.set(value, this.#end);
      const from = this.#end;
      this.#end += value.length;
      const last = this.#bytes.subarray(from, this.#end).lastIndexOf(NEWLINE);
      if (last >= 0) {
        this.#lines = from + last + 1;
        return true;
      }
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** Of the line that these bytes go on with or begin. */
  #checkLength(bytes: Uint8Array): void {
    const end = bytes.indexOf(NEWLINE);
    if (this.#end - this.#at + (end < 0 ? bytes.length : end) <= this.#longest) return;
    this.#line++;
    throw this.fault(
      `is longer than ${formatBytes(this.#longest)}; if it is a row, give a larger --buffer, else this is no LIBSVM text`,
    );
  }

  #makeRoom(length: number): void {
    const left = this.#end - this.#at;
    let bytes = this.#bytes;
    if (left + length > bytes.length) bytes = new Uint8Array(Math.max(2 * bytes.length, left + length));
    bytes.set(this.#bytes.subarray(this.#at, this.#end));
    this.#bytes = bytes;
    this.#lines -= this.#at;
    this.#at = 0;
    this.#end = left;
  }

  /** Reads the line at hand; false when it holds no row. */
  #readLine(): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    while (isBlank(bytes[at]!)) at++;
    if (bytes[at] === NEWLINE || bytes[at] === HASH) {
      this.#at = bytes.indexOf(NEWLINE, at) + 1;
      return false;
    }
    this.#bad = false;
    this.nonzeros = 0;
    this.label = this.#number(at, 'label');
    at = this.#at;
    let indices = this.indices;
    let values = this.values;
    let count = 0;
    let before = -1;
    for (;;) {
      let byte = bytes[at]!;
      while (isBlank(byte)) byte = bytes[++at]!;
      if (byte === NEWLINE) break;
      if (byte === HASH) {
        at = bytes.indexOf(NEWLINE, at);
        break;
      }
      const start = at;
      let index = 0;
      let digit = byte - ZERO;
      while (digit >= 0 && digit <= 9) {
        index = index * 10 + digit;
        digit = bytes[++at]! - ZERO;
      }
      if (at === start || at - start > 10 || bytes[at] !== COLON) {
        if (this.#isQuery(start)) {
          at = this.#at;
          continue;
        }
        throw this.fault(`'${shown(this.#word(start))}' is not <index>:<value>`);
      }
      if (index <= before) throw this.#disorder(index, before);
      if (index > MOST_FEATURES) throw this.fault(`index ${index} is too large: at most ${MOST_FEATURES}`);
      before = index;
      const value = this.#number(at + 1, 'value', index);
      at = this.#at;
      if (value === 0) continue;
      if (count === indices.length) {
        this.#growRow();
        indices = this.indices;
        values = this.values;
      }
      indices[count] = index;
      values[count++] = value;
    }
    this.#at = at + 1;
    this.nonzeros = count;
    return !this.#bad;
  }

  #disorder(index: number, before: number): MlmlError {
    return this.fault(
      index === before
        ? `index ${index} appears twice`
        : `index ${index} follows index ${before}; indices must rise from left to right`,
    );
  }

  #growRow(): void {
    const indices = new Uint32Array(2 * this.indices.length);
    indices.set(this.indices);
    this.indices = indices;
    const values = new Float64Array(2 * this.values.length);
    values.set(this.values);
    this.values = values;
  }

  /** The number that begins at `at`, which must end at a blank or the end of the line; leaves `#at` behind it. */
  #number(at: number, what: 'label' | 'value', index = 0): number {
    const bytes = this.#bytes;
    const start = at;
    let byte = bytes[at]!;
    const negative = byte === MINUS;
    if (negative || byte === PLUS) byte = bytes[++at]!;
    const first = at;
    let whole = 0;
    let digit = byte - ZERO;
    while (digit >= 0 && digit <= 9) {
      whole = whole * 10 + digit;
      digit = bytes[++at]! - ZERO;
    }
    let digits = at - first;
    let decimals = 0;
    if (bytes[at] === POINT) {
      const point = at;
      digit = bytes[++at]! - ZERO;
      while (digit >= 0 && digit <= 9) {
        whole = whole * 10 + digit;
        digit = bytes[++at]! - ZERO;
      }
      decimals = at - point - 1;
      digits += decimals;
    }
    byte = bytes[at]!;
    if (digits > 0 && digits <= EXACT_DIGITS && (isBlank(byte) || byte === NEWLINE || byte === HASH)) {
      this.#at = at;
      const value = decimals === 0 ? whole : whole / POWERS[decimals]!;
      return negative ? -value : value;
    }
    return this.#unusualNumber(start, what, index);
  }

  /** Exponents, many digits, and what is no number at all. */
  #unusualNumber(start: number, what: 'label' | 'value', index: number): number {
    const text = this.#word(start);
    this.#at = start + Buffer.byteLength(text, 'latin1');
    const name = what === 'label' ? 'the label' : `the value of index ${index}`;
    const value = NUMBER.test(text) ? Number(text) : Number.NaN;
    if (Number.isFinite(value)) return value;
    const isInfinite = NUMBER.test(text);
    if (what === 'value' && (NO_NUMBER.test(text) || isInfinite) && this.#onNan !== 'error') {
      if (this.firstBad === '') this.firstBad = `${this.place}, index ${index}`;
      if (this.#onNan === 'zero') this.zeroed++;
      else if (!this.#bad) {
        this.#bad = true;
        this.skipped++;
      }
      return 0;
    }
    if (what === 'label' && text.includes(','))
      throw this.fault(`'${shown(text)}': a row has one label; rows with several cannot be used`);
    const kind = NO_NUMBER.test(text) || isInfinite ? 'not a finite number' : 'not a number';
    throw this.fault(`${name} is '${shown(text)}', ${kind}`);
  }

  /** Whether `qid:number` begins here, which is passed over. */
  #isQuery(start: number): boolean {
    const text = this.#word(start);
    if (!/^qid:\d+$/.test(text)) return false;
    this.sawQuery = true;
    this.#at = start + text.length;
    return true;
  }

  /** The text from here to the next blank. */
  #word(start: number): string {
    let end = start;
    while (!isBlank(this.#bytes[end]!) && this.#bytes[end] !== NEWLINE) end++;
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start).toString('latin1');
  }
}

/** What messages show of a word. */
function shown(word: string): string {
  return word.length > 40 ? `${word.slice(0, 40)}…` : word;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === RETURN;
}

/** Whether a text begins as LIBSVM text does: its first lines hold labels and `index:value`, or comments. `text`: a few first bytes. */
export function looksLikeLibsvm(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const whole = text.lastIndexOf('\n');
  const lines = (whole < 0 ? text : text.slice(0, whole)).split('\n');
  let pairs = 0;
  for (const [i, line] of lines.slice(0, 20).entries()) {
    const words = line
      .replace(/#.*/, '')
      .trim()
      .split(/[ \t\r]+/);
    if (words[0] === '') continue;
    if (!NUMBER.test(words[0]!.split(',')[0]!)) return false;
    for (const [j, word] of words.slice(1).entries()) {
      if (/^(\d+|qid):[^:]+$/.test(word)) pairs++;
      // The last word may be cut.
      else if (whole >= 0 || i > 0 || j < words.length - 2) return false;
    }
  }
  return pairs > 0;
}
