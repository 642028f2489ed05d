import type { Dtype } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';

/**
 * How a sparse row lies in a row file and in memory, little-endian, every record a multiple of 4 bytes:
 *
 *     row := number of nonzeros m u32, label float64, index u32 × m, value × m, zeros up to a multiple of 4
 *
 * Indices rise from each to the next. Records are addressed in words of 4 bytes.
 */
export const sparseDtypes = ['uint8', 'float32', 'float64'] as const;
/** Number types of the values. Labels are float64. */
export type SparseDtype = (typeof sparseDtypes)[number];

/** Words before the indices: the number of nonzeros and the label. */
export const HEADER_WORDS = 3;
/** Byte offset of the label in a row. */
export const LABEL_OFFSET = 4;

/** What kernels are told of a number type: log2 of its bytes. */
export const sparseDtypeCodes: Readonly<Record<SparseDtype, number>> = { uint8: 0, float32: 2, float64: 3 };

/** Words of a row with so many nonzeros. */
export function recordWords(nonzeros: number, dtype: SparseDtype): number {
  const valueWords = dtype === 'uint8' ? (nonzeros + 3) >>> 2 : dtype === 'float32' ? nonzeros : 2 * nonzeros;
  return HEADER_WORDS + nonzeros + valueWords;
}

/** Narrows a number type to those of sparse values. Throws `MLML_USAGE`. */
export function sparseDtype(dtype: Dtype): SparseDtype {
  if ((sparseDtypes as readonly string[]).includes(dtype)) return dtype as SparseDtype;
  throw new MlmlError(
    'MLML_USAGE',
    `--dtype=${dtype}: sparse rows hold values of ${sparseDtypes.join(', ')}; choose one of them`,
  );
}

/** Reads and writes rows of one number type in a buffer, a value at a time. Allocates nothing after construction. */
export class RecordView {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly #view: DataView;
  readonly #dtype: SparseDtype;

  /** The bytes must begin at a multiple of 4 of their buffer. */
  constructor(bytes: Uint8Array, dtype: SparseDtype) {
    this.bytes = bytes;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#dtype = dtype;
  }

  /** Nonzeros of the row that begins at a word. */
  nonzeros(word: number): number {
    return this.words[word]!;
  }

  /** The label of the record at `word`. */
  label(word: number): number {
    return this.#view.getFloat64(4 * word + LABEL_OFFSET, true);
  }

  /** Writes another label into the record at `word`. */
  setLabel(word: number, label: number): void {
    this.#view.setFloat64(4 * word + LABEL_OFFSET, label, true);
  }

  /** Index of nonzero number i of the row. */
  index(word: number, i: number): number {
    return this.words[word + HEADER_WORDS + i]!;
  }

  /** The value of a nonzero of the record at `word`, by its place in it. */
  value(word: number, i: number): number {
    const start = 4 * (word + HEADER_WORDS + this.words[word]!);
    if (this.#dtype === 'uint8') return this.bytes[start + i]!;
    if (this.#dtype === 'float32') return this.#view.getFloat32(start + 4 * i, true);
    return this.#view.getFloat64(start + 8 * i, true);
  }

  /** Writes a whole row at a word and returns the word behind it. The values fit the number type. */
  write(word: number, label: number, nonzeros: number, indices: Uint32Array, values: Float64Array): number {
    const { words } = this;
    const end = word + recordWords(nonzeros, this.#dtype);
    words[word] = nonzeros;
    this.setLabel(word, label);
    const first = word + HEADER_WORDS;
    for (let i = 0; i < nonzeros; i++) words[first + i] = indices[i]!;
    const start = 4 * (first + nonzeros);
    if (this.#dtype === 'uint8') {
      if (nonzeros > 0) words[end - 1] = 0;
      for (let i = 0; i < nonzeros; i++) this.bytes[start + i] = values[i]!;
    } else if (this.#dtype === 'float32') {
      for (let i = 0; i < nonzeros; i++) this.#view.setFloat32(start + 4 * i, values[i]!, true);
    } else for (let i = 0; i < nonzeros; i++) this.#view.setFloat64(start + 8 * i, values[i]!, true);
    return end;
  }
}

/** Whole rows one after the other, with their values as they were before they became numbers of the record's type. */
export interface RecordBatch {
  readonly record: RecordView;
  readonly values: Float64Array;
  /** The word where a row begins; of the row behind the last, the end. */
  wordOf(row: number): number;
  /** The place of the first value of a row. */
  valueOf(row: number): number;
}
