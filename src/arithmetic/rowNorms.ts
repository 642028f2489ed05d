import { PACK_ROWS } from './rowProducts.js';

/**
 * Squared norms of the 16 rows from `first`, a multiple of 16, of a packed block (rowProducts.ts): to the bit the products of
 * each row with itself, so that equal rows have distance 0. See assembly/rowNorms.ts.
 */
export interface RowNormKernels {
  /** Sixteen exact i32 at `target`. */
  byteNorms(block: number, capacity: number, first: number, d: number, target: number): void;
  /** Sixteen floats at `target`; `onward` 1: added to what is there, the sums of features packed before. */
  floatNorms32(block: number, first: number, d: number, target: number, onward: number): void;
  /** The same in doubles. */
  floatNorms64(block: number, first: number, d: number, target: number, onward: number): void;
}

export function plainRowNorms(buffer: SharedArrayBuffer): RowNormKernels {
  const words = new Int16Array(buffer);
  const sums = new Int32Array(buffer);
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);
  type Numbers = Int16Array | Int32Array | Float32Array | Float64Array;
  const norms = (
    rows: Numbers,
    block: number,
    first: number,
    d: number,
    length: number,
    out: Numbers,
    target: number,
    onward: number,
  ) => {
    const to = target / out.BYTES_PER_ELEMENT;
    for (let r = 0; r < PACK_ROWS; r++) {
      const start = block / rows.BYTES_PER_ELEMENT + (first + r) * length;
      let sum = 0;
      for (let j = 0; j < d; j++) sum += rows[start + j]! ** 2;
      // Rounded before it is added, as a plane of products is.
      if (onward === 0) out[to + r] = 0;
      out[to + r] = out[to + r]! + (out === floats ? Math.fround(sum) : sum);
    }
  };
  return {
    byteNorms: (block, _capacity, first, d, target) =>
      norms(words, block, first, d, Math.ceil(d / 8) * 8, sums, target, 0),
    floatNorms32: (block, first, d, target, onward) =>
      norms(floats, block, first, d, d, floats, target, onward),
    floatNorms64: (block, first, d, target, onward) =>
      norms(doubles, block, first, d, d, doubles, target, onward),
  };
}
