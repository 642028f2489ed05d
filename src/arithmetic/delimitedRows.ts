/** Rows of delimited text (CSV). See assembly/delimitedRows.ts. */
export interface DelimitedRowKernels {
  /**
   * Finds the fields of rows in the text [from, to) at address `text`, and the numbers in them. One byte more must be writable, and
   * another 16 readable. A row ends with a line feed, or a carriage return and one, outside quotes; empty lines are passed over. With
   * `last` the text ends with `to`. Stops after `mostRows` rows.
   *
   * fields: two u32 for each field of a row, its first byte and the byte behind its last, as offsets from `text` and without the
   * quotes around it; the upper bits of the second are `FIELD_DOUBLED` and `FIELD_HARD`.
   * values: a double for each field, NaN for what is no finite number.
   * rows: a u32 for each row, the line breaks before it in this text.
   * powers: `fillPowersOfTen` has filled it.
   * result: four u32, see `RESULT_WORDS`.
   * Returns a `RowStatus`.
   */
  delimitedRows(
    text: number,
    from: number,
    to: number,
    last: number,
    delimiter: number,
    columns: number,
    mostRows: number,
    fields: number,
    values: number,
    rows: number,
    powers: number,
    result: number,
  ): number;
}

/** In quotes, with quotes inside that are doubled. */
export const FIELD_DOUBLED = 0x80000000;
/** A number with so many digits, or so large or small, that `Number` has to read it; its value is NaN. */
export const FIELD_HARD = 0x40000000;
/** The bits of an offset. */
export const FIELD_OFFSET = 0x3fffffff;

/** How it ended. What came before is done in any case. */
export const RowStatus = {
  /** At the end of the text, or in a row of which the rest is missing. */
  more: 0,
  /** After `mostRows` rows. */
  full: 1,
  /** A row has fewer fields than there are columns. */
  few: 2,
  /** A row has more. */
  many: 3,
  /** Something other than a delimiter or line break follows a closing quote. */
  quote: 4,
  /** The text ends inside quotes. */
  open: 5,
} as const;

/**
 * What `result` holds: complete rows; offset of the first byte that belongs to none of them; line breaks before it, from `from`;
 * for a faulty row the fields before the fault.
 */
export const RESULT_WORDS = 4;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const QUOTE = 34;
const TAB = 9;
const latin1 = new TextDecoder('latin1');
const NUMBER = /^[ \t]*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[ \t]*$/;

/** The reference looks at one field after the other and lets `Number` read what looks like a number. */
export function plainDelimitedRows(buffer: SharedArrayBuffer): DelimitedRowKernels {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  return {
    delimitedRows(text, from, to, last, delimiter, columns, mostRows, fields, values, rows, _powers, result) {
      let done = 0;
      let at = from;
      let lines = 0;
      const end = (status: number, consumed: number, linesBefore: number, count = 0) => {
        for (const [i, word] of [done, consumed, linesBefore, count].entries())
          view.setUint32(result + 4 * i, word, true);
        return status;
      };
      const byte = (offset: number) => (offset < to ? bytes[text + offset]! : -1);
      /** Bytes of the line break at an offset: 0 when there is none. At the end of the last text there is one. */
      const breakAt = (offset: number) => {
        if (byte(offset) === LINE_FEED) return 1;
        if (byte(offset) === CARRIAGE_RETURN && byte(offset + 1) === LINE_FEED) return 2;
        if (last && byte(offset) === CARRIAGE_RETURN && offset + 1 === to) return 1;
        return 0;
      };
      for (;;) {
        for (let length = breakAt(at); length > 0 && at < to; length = breakAt(at)) {
          at += length;
          lines++;
        }
        // A carriage return at the end may be the first half of a line break.
        const isCut = !last && byte(at) === CARRIAGE_RETURN && at + 1 === to;
        if (at >= to || isCut) return end(RowStatus.more, at, lines);
        if (done === mostRows) return end(RowStatus.full, at, lines);
        let inner = 0;
        let place = at;
        for (let column = 0; ; column++) {
          let first = place;
          let flags = 0;
          const isQuoted = byte(place) === QUOTE;
          if (isQuoted) {
            first = ++place;
            for (; byte(place) !== QUOTE || byte(place + 1) === QUOTE; place++) {
              if (place >= to) return end(last ? RowStatus.open : RowStatus.more, at, lines, column);
              if (byte(place) === LINE_FEED) inner++;
              if (byte(place) !== QUOTE) continue;
              flags = FIELD_DOUBLED;
              place++;
            }
          } else while (place < to && byte(place) !== delimiter && breakAt(place) === 0) place++;
          const behind = place;
          if (isQuoted) place++;
          // What follows may be a second quote.
          if (isQuoted && place >= to && !last) return end(RowStatus.more, at, lines);
          if (column >= columns) return end(RowStatus.many, at, lines, column);
          const slot = done * columns + column;
          view.setUint32(fields + 8 * slot, first, true);
          view.setUint32(fields + 8 * slot + 4, (behind | flags) >>> 0, true);
          const letters = latin1.decode(bytes.slice(text + first, text + behind));
          const isNumber = NUMBER.test(letters) && !(delimiter === TAB && letters.includes('\t'));
          const number = isNumber ? Number(letters) : Number.NaN;
          view.setFloat64(values + 8 * slot, Number.isFinite(number) ? number : Number.NaN, true);
          if (byte(place) === delimiter) {
            place++;
            if (place === to && !last) return end(RowStatus.more, at, lines);
            continue;
          }
          const length = breakAt(place);
          if (length === 0 && place < to) {
            const cut = !last && byte(place) === CARRIAGE_RETURN && place + 1 === to;
            return end(cut ? RowStatus.more : RowStatus.quote, at, lines, column);
          }
          if (length === 0 && !last) return end(RowStatus.more, at, lines);
          if (column < columns - 1) return end(RowStatus.few, at, lines, column + 1);
          view.setUint32(rows + 4 * done, lines, true);
          done++;
          at = Math.min(place + length, to);
          lines += inner + (length > 0 ? 1 : 0);
          break;
        }
      }
    },
  };
}
