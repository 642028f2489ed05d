/** Rows of LIBSVM text. See assembly/libsvmRows.ts. */
export interface LibsvmRowKernels {
  /**
   * Reads the rows in the text [from, to) at address `text`, whose last byte is a line feed, and writes them as records of sparse rows:
   * number of nonzeros u32, label float64, index u32 × m, value × m (`dtype`: log2 of its bytes), zeros up to a multiple of 4. Values
   * of 0 are left out, `zero` is taken from indices. Lines without a row are passed over.
   *
   * records: room for `mostWords` words of 4 bytes. values: the same values as doubles, one after the other, `mostValues` at most.
   * rows: three u32 for each of at most `mostRows` rows: the word where its record begins, the number of its first value, the lines before
   * it in this text. powers: `fillPowersOfTen` has filled it. result: eight u32, see `LibsvmResult`.
   *
   * Returns a `LibsvmStatus`. A row is `hard` when a number has more than 15 digits or an exponent, anything is not as it should be,
   * an index is not below `features` or below `zero`, a value does not fit bytes (`dtype` 0), or it is too long by itself.
   */
  libsvmRows(
    text: number,
    from: number,
    to: number,
    zero: number,
    features: number,
    dtype: number,
    records: number,
    mostWords: number,
    values: number,
    mostValues: number,
    rows: number,
    mostRows: number,
    powers: number,
    result: number,
  ): number;
}

/** Why no more rows were read. */
export const LibsvmStatus = {
  /** The text is at its end. */
  more: 0,
  /** There is no room for the next row, which begins at `consumed`. */
  full: 1,
  /** The next row, which begins at `consumed`, is left to the caller. */
  hard: 2,
} as const;

/** The places of `result`. */
export const LibsvmResult = {
  rows: 0,
  /** Offset of the first byte that was not read. */
  consumed: 1,
  lines: 2,
  words: 3,
  nonzeros: 4,
  /** The largest index that was written, and 1; 0 when there is none. */
  features: 5,
  /** Nonzeros of the longest row. */
  longest: 6,
  /** 1 when all values are whole numbers from 0 to 255. */
  allBytes: 7,
} as const;

/** Words of `result`, and of what `rows` tells of each row. */
export const LIBSVM_RESULT_WORDS = 8;
export const LIBSVM_ROW_WORDS = 3;

const latin1 = new TextDecoder('latin1');
const NUMBER = /^[-+]?(\d*)(?:\.(\d*))?$/;

interface PlainRow {
  readonly label: number;
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

/** The reference takes lines apart as texts. */
export function plainLibsvmRows(buffer: SharedArrayBuffer): LibsvmRowKernels {
  const memory = new Uint8Array(buffer);
  const view = new DataView(buffer);
  return {
    libsvmRows(
      text,
      from,
      to,
      zero,
      features,
      dtype,
      records,
      mostWords,
      values,
      mostValues,
      rows,
      mostRows,
      _powers,
      result,
    ) {
      let [at, done, lines, word, used, largest, longest, allBytes] = [from, 0, 0, 0, 0, 0, 0, 1];
      let status: number = LibsvmStatus.more;
      while (at < to) {
        const length = memory.subarray(text + at, text + to).indexOf(10);
        const line = latin1.decode(memory.slice(text + at, text + at + length)).replace(/#.*/, '');
        const words = line.split(/[ \t\r]+/).filter((part) => part !== '');
        if (words.length > 0) {
          status = done === mostRows ? LibsvmStatus.full : LibsvmStatus.hard;
          const row = done === mostRows ? undefined : plainRow(words, zero, features);
          if (row === undefined) break;
          const count = row.indices.length;
          const size = 3 + count + Math.ceil((count * 2 ** dtype) / 4);
          const areBytes = row.values.every((value) => (value & 255) === value);
          if (dtype === 0 && !areBytes) break;
          if (used + count > mostValues || word + size > mostWords) {
            status = done === 0 ? LibsvmStatus.hard : LibsvmStatus.full;
            break;
          }
          status = LibsvmStatus.more;
          const record = records + 4 * word;
          memory.fill(0, record, record + 4 * size);
          view.setUint32(record, count, true);
          view.setFloat64(record + 4, row.label, true);
          for (let i = 0; i < count; i++) {
            view.setUint32(record + 12 + 4 * i, row.indices[i]!, true);
            const place = record + 12 + 4 * count + i * 2 ** dtype;
            if (dtype === 0) view.setUint8(place, row.values[i]!);
            else if (dtype === 2) view.setFloat32(place, row.values[i]!, true);
            else view.setFloat64(place, row.values[i]!, true);
            view.setFloat64(values + 8 * (used + i), row.values[i]!, true);
          }
          for (const [i, value] of [word, used, lines].entries())
            view.setUint32(rows + 12 * done + 4 * i, value, true);
          done++;
          word += size;
          used += count;
          if (!areBytes) allBytes = 0;
          largest = Math.max(largest, (row.indices.at(-1) ?? -1) + 1);
          longest = Math.max(longest, count);
        }
        lines++;
        at += length + 1;
      }
      for (const [i, value] of [done, at, lines, word, used, largest, longest, allBytes].entries())
        view.setUint32(result + 4 * i, value, true);
      return status;
    },
  };
}

/** The row of the words of a line; undefined for one that is left to the caller. */
function plainRow(words: readonly string[], zero: number, features: number): PlainRow | undefined {
  const label = plainNumber(words[0]!);
  if (label === undefined) return undefined;
  const indices: number[] = [];
  const values: number[] = [];
  let before = -1;
  for (const pair of words.slice(1)) {
    const [, index, text] = /^(\d{1,10}):(.*)$/.exec(pair) ?? [];
    const value = text === undefined ? undefined : plainNumber(text);
    if (value === undefined || Number(index) <= before) return undefined;
    before = Number(index);
    if (value === 0) continue;
    if (before < zero || before - zero >= features) return undefined;
    indices.push(before - zero);
    values.push(value);
  }
  return { label, indices, values };
}

function plainNumber(text: string): number | undefined {
  const [, whole, fraction = ''] = NUMBER.exec(text) ?? [];
  const digits = (whole?.length ?? 0) + fraction.length;
  return digits === 0 || digits > 15 ? undefined : Number(text);
}
