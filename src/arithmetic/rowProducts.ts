/**
 * Products of rows, the arithmetic of kernel matrices: x·y for all pairs of rows of two packed blocks.
 * See assembly/rowProducts.ts. A packed block holds `capacity` rows, a multiple of 16, in a layout of its kind.
 */
export interface RowProductKernels {
  /**
   * Packs `count` rows of d bytes, `rowBytes` apart, into rows [first, first + count) of a block; `first` is a multiple
   * of 16; rows up to the next multiple of 16 become zero. `signed`: 1 for int8, 0 for uint8.
   */
  packByteRows(
    source: number,
    rowBytes: number,
    first: number,
    count: number,
    d: number,
    signed: number,
    target: number,
    capacity: number,
  ): void;
  /** The same for rows of d floats, d apart. */
  packFloatRows32(
    source: number,
    first: number,
    count: number,
    d: number,
    target: number,
    capacity: number,
  ): void;
  /** The same for rows of d doubles, d apart. */
  packFloatRows64(
    source: number,
    first: number,
    count: number,
    d: number,
    target: number,
    capacity: number,
  ): void;
  /**
   * target(r, c) as i32 = a_{aFrom + r} · b_{bFrom + c}, exact for sums below 2^31, both blocks packed with the same
   * `signed` and by this engine: how bytes lie in a block depends on it. aFrom and bFrom are multiples of 16;
   * elements behind `rows` and `columns` up to multiples of 4 may be overwritten with anything: `stride` ≥ columns
   * rounded up to a multiple of 4, and there is room for rows rounded up to a multiple of 4.
   */
  byteProducts(
    a: number,
    aCapacity: number,
    aFrom: number,
    rows: number,
    b: number,
    bCapacity: number,
    bFrom: number,
    columns: number,
    d: number,
    target: number,
    stride: number,
  ): void;
  /** The same in f32. */
  floatProducts32(
    a: number,
    aCapacity: number,
    aFrom: number,
    rows: number,
    b: number,
    bCapacity: number,
    bFrom: number,
    columns: number,
    d: number,
    target: number,
    stride: number,
  ): void;
  /** The same in f64. */
  floatProducts64(
    a: number,
    aCapacity: number,
    aFrom: number,
    rows: number,
    b: number,
    bCapacity: number,
    bFrom: number,
    columns: number,
    d: number,
    target: number,
    stride: number,
  ): void;
}

/** Blocks of packed rows begin at multiples of this. */
export const PACK_ROWS = 16;

export type ProductKind = 'bytes' | 'float32' | 'float64';

/** Bytes of a packed block of `capacity` rows of d features. */
export function packedRowsBytes(kind: ProductKind, d: number, capacity: number): number {
  // Two copies of bytes padded to multiples of 4, or one of 16-bit numbers, and two 32-bit sums a row: assembly/packRows.ts.
  if (kind === 'bytes') return (Math.ceil(d / 8) * 8 * 2 + 8) * capacity;
  return d * capacity * (kind === 'float32' ? 4 : 8);
}

/** In the reference a packed block is row-major: rows of ⌈d/8⌉·8 i16, d f32 or d f64. */
export function plainRowProducts(buffer: SharedArrayBuffer): RowProductKernels {
  const bytes = new Uint8Array(buffer);
  const signedBytes = new Int8Array(buffer);
  const words = new Int16Array(buffer);
  const sums = new Int32Array(buffer);
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);
  const padded = (count: number) => Math.ceil(count / PACK_ROWS) * PACK_ROWS;
  /** Fills rows [first, first + count) of `view`, and zeros behind them. */
  const pack = (
    view: Int16Array | Float32Array | Float64Array,
    target: number,
    first: number,
    count: number,
    d: number,
    rowLength: number,
    value: (row: number, feature: number) => number,
  ) => {
    const start = target / view.BYTES_PER_ELEMENT + first * rowLength;
    view.fill(0, start, start + padded(count) * rowLength);
    for (let r = 0; r < count; r++) for (let j = 0; j < d; j++) view[start + r * rowLength + j] = value(r, j);
  };
  const products =
    (
      view: Int16Array | Float32Array | Float64Array,
      out: Int32Array | Float32Array | Float64Array,
      lengthOf: (d: number) => number,
    ): RowProductKernels['byteProducts'] =>
    (a, _aCapacity, aFrom, rows, b, _bCapacity, bFrom, columns, d, target, stride) => {
      const length = lengthOf(d);
      for (let r = 0; r < rows; r++) {
        const left = a / view.BYTES_PER_ELEMENT + (aFrom + r) * length;
        for (let c = 0; c < columns; c++) {
          const right = b / view.BYTES_PER_ELEMENT + (bFrom + c) * length;
          let sum = 0;
          for (let j = 0; j < d; j++) sum += view[left + j]! * view[right + j]!;
          out[target / out.BYTES_PER_ELEMENT + r * stride + c] = sum;
        }
      }
    };
  const wordLength = (d: number) => Math.ceil(d / 8) * 8;
  return {
    packByteRows(source, rowBytes, first, count, d, signed, target) {
      const from = signed === 1 ? signedBytes : bytes;
      pack(words, target, first, count, d, wordLength(d), (r, j) => from[source + r * rowBytes + j]!);
    },
    packFloatRows32(source, first, count, d, target) {
      pack(floats, target, first, count, d, d, (r, j) => floats[source / 4 + r * d + j]!);
    },
    packFloatRows64(source, first, count, d, target) {
      pack(doubles, target, first, count, d, d, (r, j) => doubles[source / 8 + r * d + j]!);
    },
    byteProducts: products(words, sums, wordLength),
    floatProducts32: products(floats, floats, (d) => d),
    floatProducts64: products(doubles, doubles, (d) => d),
  };
}
