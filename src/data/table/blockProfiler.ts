import { MOST_CODES } from '../../arithmetic/delimitedValues.js';
import type { Cell } from '../columns/columnMapping.js';
import type { ColumnProfile, Value } from './columnProfile.js';
import { numbersOf, type TableBatch } from './tableSource.js';

/** A column that is looked at. */
export interface ProfiledColumn {
  readonly profile: ColumnProfile;
  /** Its number in the source. */
  readonly column: number;
  /** Whether numbers and dates are of interest as names, not only how many they are. */
  readonly exact: boolean;
}

/** Looks at columns a block of rows at a time, at each text that has a code once. */
export class BlockProfiler {
  readonly #numbers: Float64Array;
  readonly #times: Float64Array;
  readonly #codes: Int32Array;
  /** Codes that occur in a block, and how often. */
  readonly #met: Int32Array;
  readonly #counts = new Uint32Array(MOST_CODES);
  /** What the texts of codes are. */
  #values: (Value | undefined)[] = [];
  #batch: TableBatch | undefined;

  constructor(blockRows: number) {
    this.#numbers = new Float64Array(blockRows);
    this.#times = new Float64Array(blockRows);
    this.#codes = new Int32Array(blockRows);
    this.#met = new Int32Array(blockRows);
  }

  /** Adds `count` rows of a batch, from row `from`. `onMissing` is told what and where the first missing value of each kind stands. */
  add(
    batch: TableBatch,
    from: number,
    count: number,
    { profile, column, exact }: ProfiledColumn,
    onMissing?: (place: () => string, cell: Cell) => void,
  ): void {
    if (batch !== this.#batch) {
      this.#batch = batch;
      this.#values = new Array(MOST_CODES).fill(undefined);
    }
    const numbers = this.#numbers;
    if (exact) numbers.fill(Number.NaN, 0, count);
    else {
      numbersOf(batch, column, from, count, numbers);
      const counted = profile.spread.addAll(numbers, count);
      if (counted > 0) profile.addNumbers(counted);
      if (counted === count) return;
      if (batch.timesOf !== undefined && profile.timesAreValues) {
        const dates = this.#countDates(batch, from, count, profile, column);
        if (dates + counted === count) return;
      }
    }
    this.#addCells(batch, from, count, profile, column, onMissing);
  }

  /** Counts dates and marks their places as done. */
  #countDates(
    batch: TableBatch,
    from: number,
    count: number,
    profile: ColumnProfile,
    column: number,
  ): number {
    const times = this.#times;
    const withTime = batch.timesOf!(column, from, count, times);
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(times[i]!)) continue;
      times[i] = times[i]! / 1000;
      this.#numbers[i] = 0;
    }
    // As seconds, which is what is stored of them.
    const dates = profile.spread.addAll(times, count);
    if (dates > 0) profile.addDates(dates, withTime);
    return dates;
  }

  #addCells(
    batch: TableBatch,
    from: number,
    count: number,
    profile: ColumnProfile,
    column: number,
    onMissing: ((place: () => string, cell: Cell) => void) | undefined,
  ): void {
    const codes = this.#codes;
    const values = this.#values;
    let row = from;
    const place = () => batch.place(row);
    let met = 0;
    if (batch.codesOf === undefined) codes.fill(-1, 0, count);
    else batch.codesOf(column, from, count, codes);
    for (let i = 0; i < count; i++) {
      if (!Number.isNaN(this.#numbers[i]!)) continue;
      const code = codes[i]!;
      const known = code < 0 ? undefined : values[code];
      // Words are counted in the order of rows.
      if (known !== undefined && (known.number || known.missing || !profile.countsWords)) {
        if (this.#counts[code]!++ === 0) this.#met[met++] = code;
        continue;
      }
      row = from + i;
      const cell = batch.cell(row, column);
      const value = profile.add(cell, place);
      if (value.missing) onMissing?.(place, cell);
      if (code >= 0) values[code] = value;
    }
    for (let i = 0; i < met; i++) {
      const code = this.#met[i]!;
      profile.addSame(values[code]!, this.#counts[code]!);
      this.#counts[code] = 0;
    }
  }
}
