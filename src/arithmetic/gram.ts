import { padded4 } from './normalProduct.js';

/** Sums of outer products of rows into a packed lower triangle of doubles. See assembly/gram.ts. */
export interface GramKernels {
  /** Bytes of `count` rows to 16-bit numbers [⌈d/4⌉·4][padded], `padded` a multiple of 16. */
  transposeUint8(
    base: number,
    rowBytes: number,
    count: number,
    padded: number,
    d: number,
    target: number,
  ): void;
  /**
   * Rows [from, to) of gram += the products of all pairs of features of a transposed block of `rows` ≤ 33 024 rows; exact.
   * `from` is a multiple of 4, and so is `to` unless it is d.
   */
  addGramUint8(block: number, rows: number, d: number, from: number, to: number, gram: number): void;
  /** target[j] += factor·x[j] for one row of d bytes. */
  addScaledUint8(source: number, d: number, factor: number, target: number): void;
  /** target_c += G·vector_c for `count` vectors of d doubles, one after the other, G packed. */
  addSymmetricProduct(gram: number, d: number, vectors: number, count: number, target: number): void;
}

/** Doubles in a packed lower triangle. */
export function packedLength(d: number): number {
  return (d * (d + 1)) / 2;
}

export function plainGram(buffer: SharedArrayBuffer): GramKernels {
  const bytes = new Uint8Array(buffer);
  const words = new Int16Array(buffer);
  const doubles = new Float64Array(buffer);
  return {
    transposeUint8(base, rowBytes, count, padded, d, target) {
      for (let j = 0; j < padded4(d); j++) {
        for (let r = 0; r < padded; r++)
          words[target / 2 + j * padded + r] = j < d && r < count ? bytes[base + r * rowBytes + j]! : 0;
      }
    },
    addGramUint8(block, rows, _d, from, to, gram) {
      for (let i = from; i < to; i++) {
        for (let j = 0; j <= i; j++) {
          let sum = 0;
          for (let r = 0; r < rows; r++)
            sum += words[block / 2 + i * rows + r]! * words[block / 2 + j * rows + r]!;
          doubles[gram / 8 + packedLength(i) + j]! += sum;
        }
      }
    },
    addScaledUint8(source, d, factor, target) {
      for (let j = 0; j < d; j++) doubles[target / 8 + j]! += factor * bytes[source + j]!;
    },
    addSymmetricProduct(gram, d, vectors, count, target) {
      for (let c = 0; c < count; c++) {
        for (let i = 0; i < d; i++) {
          let sum = 0;
          for (let j = 0; j < d; j++) {
            const element = packedLength(Math.max(i, j)) + Math.min(i, j);
            sum += doubles[gram / 8 + element]! * doubles[vectors / 8 + c * d + j]!;
          }
          doubles[target / 8 + c * d + i]! += sum;
        }
      }
    },
  };
}
