import { FIELD_DOUBLED, FIELD_OFFSET } from './delimitedRows.js';

/** What fields of delimited text hold besides numbers. See assembly/delimitedValues.ts. */
export interface DelimitedValueKernels {
  /**
   * The dates in `count` fields of a column, from row `from`, of the rows that `delimitedRows` found: for each a double at `target`, the
   * milliseconds since 1970 in UTC. Only the plain way of writing is read, all digits there and nothing around it: `2026-01-31`,
   * then `T` or a space and `12:00`, `12:00:00` or `12:00:00.123456789`, then `Z` or nothing. NaN stands for everything else, which may be
   * a date too. Returns how many have a time of day.
   */
  delimitedTimes(
    text: number,
    fields: number,
    columns: number,
    column: number,
    from: number,
    count: number,
    target: number,
  ): number;

  /**
   * A code for each of `count` fields of a column: an i32 at `target`, the same for the same bytes in the same column, and for no others.
   * Codes count from 0 to `MOST_CODES` - 1 in order of first occurrence. Long texts, those with doubled quotes, and new ones where a column
   * has `most` codes already or all are given, have -1. 7 bytes behind a field must be readable.
   *
   * table: `CODE_TABLE_BYTES`, a multiple of 8, all zeros before the first call. perColumn: a u32 for each column and one more, the same.
   */
  delimitedCodes(
    text: number,
    fields: number,
    columns: number,
    column: number,
    from: number,
    count: number,
    table: number,
    perColumn: number,
    most: number,
    target: number,
  ): void;
}

/** Codes at most, of all columns together. */
export const MOST_CODES = 2048;
const SLOT_BYTES = 2 * 4096;
const ENTRY_BYTES = 32;
/** Longer texts have no code. */
const LONGEST = 24;

export const CODE_TABLE_BYTES = SLOT_BYTES + MOST_CODES * ENTRY_BYTES;

const latin1 = new TextDecoder('latin1');
const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?Z?)?$/i;

/** The reference lets `Date` count days, and looks through all texts known. */
export function plainDelimitedValues(buffer: SharedArrayBuffer): DelimitedValueKernels {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  const fieldAt = (address: number) => {
    const first = view.getUint32(address, true);
    const last = view.getUint32(address + 4, true);
    return { first, end: last & FIELD_OFFSET, isDoubled: last >= FIELD_DOUBLED };
  };
  return {
    delimitedTimes(text, fields, columns, column, from, count, target) {
      let withTime = 0;
      for (let i = 0; i < count; i++) {
        const { first, end, isDoubled } = fieldAt(fields + 8 * ((from + i) * columns + column));
        const time = isDoubled ? Number.NaN : plainTime(latin1.decode(bytes.slice(text + first, text + end)));
        view.setFloat64(target + 8 * i, time, true);
        if (!Number.isNaN(time) && end - first > 10) withTime++;
      }
      return withTime;
    },

    delimitedCodes(text, fields, columns, column, from, count, table, perColumn, most, target) {
      const used = perColumn + 4 * columns;
      const given = perColumn + 4 * column;
      const entryAt = (code: number) => table + SLOT_BYTES + code * ENTRY_BYTES;
      const codeOf = (first: number, length: number) => {
        const known = view.getUint32(used, true);
        const head = ((column << 8) | length) >>> 0;
        const letters = bytes.slice(text + first, text + first + length);
        for (let code = 0; code < known; code++) {
          const entry = entryAt(code);
          if (
            view.getUint32(entry, true) === head &&
            letters.every((byte, k) => byte === bytes[entry + 8 + k])
          )
            return code;
        }
        if (known === MOST_CODES || view.getUint32(given, true) >= most) return -1;
        view.setUint32(used, known + 1, true);
        view.setUint32(given, view.getUint32(given, true) + 1, true);
        view.setUint32(entryAt(known), head, true);
        bytes.set(letters, entryAt(known) + 8);
        return known;
      };
      for (let i = 0; i < count; i++) {
        const { first, end, isDoubled } = fieldAt(fields + 8 * ((from + i) * columns + column));
        const code = isDoubled || end - first > LONGEST ? -1 : codeOf(first, end - first);
        view.setInt32(target + 4 * i, code, true);
      }
    },
  };
}

function plainTime(text: string): number {
  const found = TIME.exec(text);
  if (found === null) return Number.NaN;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // Years below 100 are taken for those of the last century by Date.UTC.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = month >= 1 && month <= 12 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!exists || hour > 24 || minute > 59 || second > 60) return Number.NaN;
  const fraction = found[7] === undefined ? 0 : Number(`0.${found[7]}`) * 1000;
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
}
