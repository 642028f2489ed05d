import { PACK_ROWS } from './rowProducts.js';

/** Numbers of a line of the panel: rows that are unpacked together. */
const LINE = PACK_ROWS;
/** Lines before those of features: one of zeros, and four for sums. */
const FIRST = 5;

/**
 * What is summed over the features of two rows. product: x·y. smaller: min(|x|, |y|) where both have one sign, else 0. harmonic:
 * 2xy/(x + y), of numbers above 0. All are 0 where one of them is, and ‖x−y‖², Σ|x−y| and Σ(x−y)²/(x+y) are what both rows have by
 * themselves less twice the sum.
 */
export const sparseSums = ['product', 'smaller', 'harmonic'] as const;
export type SparseSum = (typeof sparseSums)[number];

/** Bytes of the panel that `sparseProducts…` unpacks rows into: of at most `length` nonzeros each, among d features. */
export function panelBytes(d: number, length: number, numberBytes: number): number {
  return (Math.min(d, LINE * length) + FIRST) * LINE * numberBytes;
}

type Pack = (
  source: number,
  rowBytes: number,
  count: number,
  code: number,
  factors: number,
  lowest: number,
  highest: number,
  counts: number,
  indices: number,
  values: number,
  length: number,
) => void;

type Sums = (
  kind: number,
  aCounts: number,
  aIndices: number,
  aValues: number,
  rows: number,
  bCounts: number,
  bIndices: number,
  bValues: number,
  columns: number,
  length: number,
  map: number,
  panel: number,
  plane: number,
  stride: number,
) => void;

type Norms = (kind: number, counts: number, values: number, length: number, target: number) => void;

/**
 * Kernels between sparse rows. A packed row is its number of nonzeros (u32), and in lists of `length` their indices (u32, rising) and
 * values. See assembly/sparseProducts.ts.
 */
export interface SparseProductKernels {
  /**
   * Packs sixteen rows, the first `count` of which are there, lying `rowBytes` apart as records (sparseRecord.ts; `code` of their
   * values): times factors[j] (doubles; 0 for none), within [lowest, highest]. Those that are 0 then are left out.
   */
  packSparse32: Pack;
  /** The same to doubles. */
  packSparse64: Pack;
  /**
   * plane[r][c] = the sum (its place in `sparseSums`) over the features of rows r of a and c of b, for `rows` rows (up to the next
   * multiple of 4) and `stride` columns (a multiple of 4; 0 beyond `columns`). Each is made from 0 on over rising features, so that it is
   * the same for (x, y) and (y, x), wherever the rows lie. `map`: d words of 0, left so; `panel`: `panelBytes`.
   */
  sparseProducts32: Sums;
  /** The same with doubles. */
  sparseProducts64: Sums;
  /** The sums of sixteen rows with themselves, to the bit those of `sparseProducts32`. */
  sparseNorms32: Norms;
  /** The same with doubles. */
  sparseNorms64: Norms;
  /** target[r] = Σ x_j·vector[j] − half of sixteen rows of doubles. */
  sparseShifts64(
    counts: number,
    indices: number,
    values: number,
    length: number,
    vector: number,
    half: number,
    target: number,
  ): void;
  /** plane[r][c] −= left[r] + right[c], doubles; `stride` is a multiple of 2. */
  shiftPlane64(plane: number, left: number, right: number, rows: number, stride: number): void;
}

const terms: Readonly<Record<SparseSum, (x: number, y: number) => number>> = {
  product: (x, y) => x * y,
  smaller: (x, y) => (Math.abs(x) + Math.abs(y) - Math.abs(x - y)) / 2,
  harmonic: (x, y) => 2 * Math.min(x, y) * (Math.max(x, y) / (x + y)),
};

/** The reference: for each pair of rows one walk along the nonzeros of both. */
export function plainSparseProducts(buffer: SharedArrayBuffer): SparseProductKernels {
  const words = new Uint32Array(buffer);
  const view = new DataView(buffer);
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);
  type Numbers = Float32Array | Float64Array;
  const pack =
    (numbers: Numbers): Pack =>
    (source, rowBytes, count, code, factors, lowest, highest, counts, indices, values, length) => {
      for (let r = 0; r < PACK_ROWS; r++) {
        const row = source + r * rowBytes;
        const m = r < count ? Math.min(words[row >>> 2]!, length) : 0;
        let kept = 0;
        for (let i = 0; i < m; i++) {
          const j = words[(row >>> 2) + 3 + i]!;
          const at = row + 12 + 4 * m + (i << code);
          let x =
            code === 0
              ? view.getUint8(at)
              : code === 2
                ? view.getFloat32(at, true)
                : view.getFloat64(at, true);
          if (factors !== 0) x *= doubles[(factors >>> 3) + j]!;
          const to = values / numbers.BYTES_PER_ELEMENT + r * length + kept;
          numbers[to] = Math.min(Math.max(x, lowest), highest);
          if (numbers[to] === 0) continue;
          words[(indices >>> 2) + r * length + kept] = j;
          kept++;
        }
        words[(counts >>> 2) + r] = kept;
      }
    };
  const sum = (
    numbers: Numbers,
    kind: number,
    a: readonly [count: number, indices: number, values: number],
    b: readonly [count: number, indices: number, values: number],
  ): number => {
    const term = terms[sparseSums[kind]!];
    let total = 0;
    for (let i = 0, j = 0; i < a[0] && j < b[0]; ) {
      const [x, y] = [words[a[1] + i]!, words[b[1] + j]!];
      if (x === y) total += term(numbers[a[2] + i]!, numbers[b[2] + j]!);
      if (x <= y) i++;
      if (y <= x) j++;
    }
    return numbers === floats ? Math.fround(total) : total;
  };
  const sums =
    (numbers: Numbers): Sums =>
    (
      kind,
      aCounts,
      aIndices,
      aValues,
      rows,
      bCounts,
      bIndices,
      bValues,
      columns,
      length,
      _,
      __,
      plane,
      stride,
    ) => {
      const bytes = numbers.BYTES_PER_ELEMENT;
      const rowOf = (counts: number, indices: number, values: number, r: number) =>
        [words[(counts >>> 2) + r]!, (indices >>> 2) + r * length, values / bytes + r * length] as const;
      for (let r = 0; r < Math.ceil(rows / 4) * 4; r++) {
        for (let c = 0; c < stride; c++) {
          const there = r < rows && c < columns;
          numbers[plane / bytes + r * stride + c] = !there
            ? 0
            : sum(numbers, kind, rowOf(aCounts, aIndices, aValues, r), rowOf(bCounts, bIndices, bValues, c));
        }
      }
    };
  const norms =
    (numbers: Numbers): Norms =>
    (kind, counts, values, length, target) => {
      const bytes = numbers.BYTES_PER_ELEMENT;
      const term = terms[sparseSums[kind]!];
      for (let r = 0; r < PACK_ROWS; r++) {
        let total = 0;
        for (let i = 0; i < words[(counts >>> 2) + r]!; i++) {
          const x = numbers[values / bytes + r * length + i]!;
          total += term(x, x);
        }
        numbers[target / bytes + r] = total;
      }
    };
  return {
    packSparse32: pack(floats),
    packSparse64: pack(doubles),
    sparseProducts32: sums(floats),
    sparseProducts64: sums(doubles),
    sparseNorms32: norms(floats),
    sparseNorms64: norms(doubles),
    sparseShifts64(counts, indices, values, length, vector, half, target) {
      for (let r = 0; r < PACK_ROWS; r++) {
        let total = 0;
        for (let i = 0; i < words[(counts >>> 2) + r]!; i++) {
          const j = words[(indices >>> 2) + r * length + i]!;
          total += doubles[(values >>> 3) + r * length + i]! * doubles[(vector >>> 3) + j]!;
        }
        doubles[(target >>> 3) + r] = total - half;
      }
    },
    shiftPlane64(plane, left, right, rows, stride) {
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < stride; c++)
          doubles[(plane >>> 3) + r * stride + c]! -=
            doubles[(left >>> 3) + r]! + doubles[(right >>> 3) + c]!;
    },
  };
}
