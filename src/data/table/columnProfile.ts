import {
  areDatesAmong,
  booleanOf,
  isMissing,
  type MissingWords,
  numberOf,
  textOf,
  timeOf,
  wordsOf,
} from '../columns/cells.js';
import type { Cell } from '../columns/columnMapping.js';
import { Spread } from './spread.js';

/** Longer values are no names of categories. */
const LONGEST_VALUE = 200;
/** Texts in which words are counted, to tell texts from names. */
const MOST_COUNTED = 1000;
/** Bytes of a value that is kept, besides its letters. */
const VALUE_BYTES = 200;

/** What a value is; kept for each value that is, so that it is looked at once only. */
export interface Value {
  /** The name under which it is counted; empty where it is missing. */
  readonly name: string;
  readonly missing: boolean;
  readonly number: boolean;
  /** What is stored of it: the number, or seconds since 1970; NaN where neither is. */
  readonly stored: number;
  readonly whole: boolean;
  readonly boolean: boolean;
  readonly date: boolean;
  readonly hasTime: boolean;
}

/** Memory that all columns together may take for their values. */
export interface Room {
  bytes: number;
}

/** Looks at the values of a column, one after the other, in bounded memory. */
export class ColumnProfile {
  readonly name: string;
  /** Whether a value that is a time is there; else it may be a word for a missing one. */
  readonly timesAreValues: boolean;
  rows = 0;
  missing = 0;
  numbers = 0;
  /** Numbers that are whole. */
  wholes = 0;
  booleans = 0;
  dates = 0;
  /** Dates with a time of day. */
  times = 0;
  /** Numbers and dates that were only counted: the other figures, but for `spread`, and `values` know nothing of them. */
  counted = 0;
  /** Of numbers, and of dates as seconds since 1970. */
  readonly spread = new Spread();
  /** The first value that is no number, and where it stands. */
  firstOther: { readonly text: string; readonly place: string } | undefined;
  readonly #mostValues: number;
  readonly #room: Room;
  readonly #nameOf: (cell: Cell) => string;
  readonly #missing: MissingWords;
  #known: Map<string, Value> | undefined = new Map();
  #counts = new Map<string, number>();
  #words = 0;
  #texts = 0;

  /**
   * @param mostValues different values that are kept; with more, `values` is undefined
   * @param missing words for missing values
   * @param nameOf the name under which a value is counted
   */
  constructor(
    name: string,
    mostValues: number,
    room: Room,
    missing?: MissingWords,
    nameOf: (cell: Cell) => string = textOf,
  ) {
    this.name = name;
    this.#mostValues = mostValues;
    this.#room = room;
    this.#nameOf = nameOf;
    this.#missing = missing;
    this.timesAreValues = !areDatesAmong(missing);
  }

  /** How often each value occurs, by its name, without missing ones; undefined when they are too many or too long. */
  get values(): ReadonlyMap<string, number> | undefined {
    return this.#known === undefined ? undefined : this.#counts;
  }

  /** Words in a value that is no number, on average. */
  get meanWords(): number {
    return this.#texts === 0 ? 0 : this.#words / this.#texts;
  }

  /** Numbers of which only how many there are is of interest; their spread is told apart. */
  addNumbers(count: number): void {
    this.rows += count;
    this.numbers += count;
    this.counted += count;
  }

  /** The same for dates, of which `times` have a time of day. */
  addDates(count: number, times: number): void {
    this.rows += count;
    this.dates += count;
    this.times += times;
    this.counted += count;
  }

  /** Whether words are still counted, for which each value has to be given to `add`. */
  get countsWords(): boolean {
    return this.#texts < MOST_COUNTED;
  }

  /** The same as giving `add` the value another `count` times, once `countsWords` is over. */
  addSame(value: Value, count: number): void {
    this.rows += count;
    if (value.missing) {
      this.missing += count;
      return;
    }
    this.#addFigures(value, count);
    if (this.#known !== undefined) this.#countName(value.name, count);
  }

  #addFigures(value: Value, count: number): void {
    if (Number.isFinite(value.stored)) this.spread.add(value.stored, count);
    if (value.number) this.numbers += count;
    if (value.whole) this.wholes += count;
    if (value.boolean) this.booleans += count;
    if (value.date) this.dates += count;
    if (value.hasTime) this.times += count;
  }

  /** What the value is. */
  add(cell: Cell, place: () => string): Value {
    this.rows++;
    // Values of different types may have the same text.
    const text = typeof cell === 'string' ? cell : `${typeof cell} ${textOf(cell)}`;
    let value = this.#known?.get(text);
    if (value === undefined) {
      value = lookAt(cell, this.#missing, this.#nameOf);
      this.#keep(text, value);
    }
    if (value.missing) {
      this.missing++;
      return value;
    }
    if (!value.number) {
      this.firstOther ??= { text: textOf(cell).slice(0, 40), place: place() };
      if (this.#texts < MOST_COUNTED) {
        this.#texts++;
        this.#words += wordsOf(text.slice(0, 10 * LONGEST_VALUE)).length;
      }
    }
    this.#addFigures(value, 1);
    if (this.#known !== undefined) this.#countName(value.name, 1);
    return value;
  }

  #countName(name: string, count: number): void {
    const before = this.#counts.get(name);
    if (before === undefined && this.#counts.size === this.#mostValues) this.#forget();
    else this.#counts.set(name, (before ?? 0) + count);
  }

  #keep(text: string, value: Value): void {
    if (this.#known === undefined) return;
    this.#room.bytes -= 2 * text.length + VALUE_BYTES;
    // As a cell of a larger text, a short one may keep all of that text in memory: a copy does not.
    if (text.length <= LONGEST_VALUE && this.#room.bytes >= 0) this.#known.set(text, value);
    else this.#forget();
    // The same value may be written in several ways, 1 and 1.0, but not in any number of them.
    if ((this.#known?.size ?? 0) > 4 * this.#mostValues + 20) this.#forget();
  }

  #forget(): void {
    for (const text of this.#known?.keys() ?? []) this.#room.bytes += 2 * text.length + VALUE_BYTES;
    this.#known = undefined;
    this.#counts = new Map();
  }
}

function lookAt(cell: Cell, words: MissingWords, nameOf: (cell: Cell) => string): Value {
  const missing = isMissing(cell, words);
  const isDate = cell instanceof Date;
  const number = missing || isDate ? undefined : numberOf(cell);
  const time = missing || typeof cell === 'number' ? undefined : timeOf(cell);
  return {
    name: missing ? '' : nameOf(cell),
    missing,
    number: number !== undefined,
    stored: number ?? (time === undefined ? Number.NaN : time / 1000),
    whole: Number.isInteger(number),
    boolean: !missing && booleanOf(cell) !== undefined,
    date: time !== undefined,
    hasTime: time !== undefined && (isDate ? time % 86_400_000 !== 0 : textOf(cell).includes(':')),
  };
}
