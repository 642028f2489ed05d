import { MlmlError } from '../../errors.js';

/** A row that cannot be predicted (`MLML_BAD_DATA`), with the place of the value that is wrong. */
export class RowError extends MlmlError {
  /** Number of the row, from 0. */
  readonly row: number;
  /** The column or number of the feature; undefined when the row itself is wrong. */
  readonly column: string | number | undefined;
  /** The value as a short text; undefined when there is none. */
  readonly value: string | undefined;

  constructor(row: number, column: string | number | undefined, value: string | undefined, message: string) {
    super('MLML_BAD_DATA', message);
    this.row = row;
    this.column = column;
    this.value = value;
  }
}

const LONGEST = 40;

/** A value for a message: at most 40 letters of a text, the kind of what is no value of a cell. */
export function shownValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value);
}
