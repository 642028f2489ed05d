/**
 * Products x·y of all pairs of rows of two packed blocks.
 *
 * A packed block is a sequence of panels of 16 rows. In a panel one step along the features holds, row after row,
 * a pair of 16-bit numbers (bytes, features 2s and 2s+1), one float or one double:
 *
 *   panel [⌈d/2⌉][16][2] i16      step of 64 bytes
 *   panel [d][16] f32             step of 64 bytes
 *   panel [d][16] f64             step of 128 bytes
 *
 * So a vector of a step is four (two) rows, a row of the other side is spread over a vector as it is loaded, and the sums
 * come out in the order of the target, with nothing to add across lanes.
 */
import { multiplyAdd32, multiplyAdd64 } from './multiplyAdd';

/** Bytes of a step: T is the type of the sums, i32, f32 or f64. */
// @ts-ignore: decorator
@inline
function stepBytes<T>(): u32 {
  return <u32>sizeof<T>() << 4;
}

// @ts-ignore: decorator
@inline
function stepsOf<T>(d: u32): u32 {
  return isInteger<T>() ? (d + 1) >> 1 : d;
}

/** Steps whose two panels, of at most 16 KiB each, stay in the first-level cache. */
// @ts-ignore: decorator
@inline
function blockSteps<T>(): u32 {
  return 16384 / stepBytes<T>();
}

/** Packs rows of bytes. See src/arithmetic/rowProducts.ts for the parameters of all functions here. */
export function packByteRows(
  source: u32, rowBytes: u32, first: u32, count: u32, d: u32, signed: u32, target: u32, capacity: u32
): void {
  const steps = stepsOf<i32>(d);
  const panelBytes = steps << 6;
  const padded = (count + 15) & ~15;
  for (let r: u32 = 0; r < padded; r++) {
    const row = source + r * rowBytes;
    let out = target + ((first + r) >> 4) * panelBytes + ((r & 15) << 2);
    if (r >= count) {
      for (let s: u32 = 0; s < steps; s++, out += 64) store<u32>(out, 0);
      continue;
    }
    let j: u32 = 0;
    for (; j + 8 <= d; j += 8, out += 256) {
      const words = signed ? v128.load8x8_s(row + j) : v128.load8x8_u(row + j);
      v128.store_lane<u32>(out, words, 0);
      v128.store_lane<u32>(out, words, 1, 64);
      v128.store_lane<u32>(out, words, 2, 128);
      v128.store_lane<u32>(out, words, 3, 192);
    }
    for (; j < d; j += 2, out += 64) {
      store<i16>(out, byteAt(row + j, signed));
      store<i16>(out, j + 1 < d ? byteAt(row + j + 1, signed) : 0, 2);
    }
  }
}

// @ts-ignore: decorator
@inline
function byteAt(address: u32, signed: u32): i16 {
  return signed ? <i16>load<i8>(address) : <i16>load<u8>(address);
}

/** Packs rows of floats or doubles. */
// @ts-ignore: decorator
@inline
function packFloatRows<T>(source: u32, first: u32, count: u32, d: u32, target: u32): void {
  const step = stepBytes<T>();
  const padded = (count + 15) & ~15;
  for (let r: u32 = 0; r < padded; r++) {
    let from = source + r * d * <u32>sizeof<T>();
    let out = target + ((first + r) >> 4) * d * step + (r & 15) * <u32>sizeof<T>();
    for (let j: u32 = 0; j < d; j++) {
      store<T>(out, r < count ? load<T>(from) : 0);
      from += <u32>sizeof<T>();
      out += step;
    }
  }
}

export function packFloatRows32(source: u32, first: u32, count: u32, d: u32, target: u32, capacity: u32): void {
  packFloatRows<f32>(source, first, count, d, target);
}

export function packFloatRows64(source: u32, first: u32, count: u32, d: u32, target: u32, capacity: u32): void {
  packFloatRows<f64>(source, first, count, d, target);
}

/** One row's part of a step, in all lanes. */
// @ts-ignore: decorator
@inline
function spread<T>(address: u32): v128 {
  return sizeof<T>() == 8 ? v128.load64_splat(address) : v128.load32_splat(address);
}

// @ts-ignore: decorator
@inline
function addProduct<T>(sum: v128, x: v128, y: v128): v128 {
  if (isInteger<T>()) return i32x4.add(sum, i32x4.dot_i16x8_s(x, y));
  return sizeof<T>() == 8 ? multiplyAdd64(x, y, sum) : multiplyAdd32(x, y, sum);
}

// @ts-ignore: decorator
@inline
function addSums<T>(x: v128, y: v128): v128 {
  if (isInteger<T>()) return i32x4.add(x, y);
  return sizeof<T>() == 8 ? f64x2.add(x, y) : f32x4.add(x, y);
}

/** Writes one row of sums, or adds it to what earlier steps left there; `wide`: both vectors belong to the target. */
// @ts-ignore: decorator
@inline
function put<T>(out: u32, s0: v128, s1: v128, wide: bool, onward: bool): void {
  v128.store(out, onward ? addSums<T>(s0, v128.load(out)) : s0);
  if (wide) v128.store(out, onward ? addSums<T>(s1, v128.load(out, 16)) : s1, 16);
}

/** Four rows at a, two vectors of rows at b, `steps` steps. */
// @ts-ignore: decorator
@inline
function smallTile<T>(a: u32, b: u32, steps: u32, out: u32, rowStride: u32, wide: bool, onward: bool): void {
  const step = stepBytes<T>();
  const size = <u32>sizeof<T>();
  let s00 = i32x4.splat(0), s01 = i32x4.splat(0);
  let s10 = i32x4.splat(0), s11 = i32x4.splat(0);
  let s20 = i32x4.splat(0), s21 = i32x4.splat(0);
  let s30 = i32x4.splat(0), s31 = i32x4.splat(0);
  const end = a + steps * step;
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = spread<T>(a);
    s00 = addProduct<T>(s00, x, b0);
    s01 = addProduct<T>(s01, x, b1);
    x = spread<T>(a + size);
    s10 = addProduct<T>(s10, x, b0);
    s11 = addProduct<T>(s11, x, b1);
    x = spread<T>(a + 2 * size);
    s20 = addProduct<T>(s20, x, b0);
    s21 = addProduct<T>(s21, x, b1);
    x = spread<T>(a + 3 * size);
    s30 = addProduct<T>(s30, x, b0);
    s31 = addProduct<T>(s31, x, b1);
    a += step;
    b += step;
  }
  put<T>(out, s00, s01, wide, onward);
  put<T>(out + rowStride, s10, s11, wide, onward);
  put<T>(out + 2 * rowStride, s20, s21, wide, onward);
  put<T>(out + 3 * rowStride, s30, s31, wide, onward);
}

/** All products, along the features in blocks that stay in the first-level cache. */
// @ts-ignore: decorator
@inline
function products<T>(
  a: u32, aFrom: u32, rows: u32, b: u32, bFrom: u32, columns: u32, d: u32, target: u32, stride: u32
): void {
  const size = <u32>sizeof<T>();
  const step = stepBytes<T>();
  const steps = stepsOf<T>(d);
  const panelBytes = steps * step;
  const rowStride = stride * size;
  // Vectors of a step are 16 bytes: two of them are 8 floats or integers, or 4 doubles.
  const width: u32 = 32 / size;
  const blocks = (steps + blockSteps<T>() - 1) / blockSteps<T>();
  const length = (steps + blocks - 1) / blocks;
  for (let s: u32 = 0; s < steps; s += length) {
    const count = min(length, steps - s);
    for (let c: u32 = 0; c < columns; c += width) {
      const right = b + ((bFrom + c) >> 4) * panelBytes + s * step + (c & 15) * size;
      const wide = sizeof<T>() == 8 || c + 4 < columns;
      for (let r: u32 = 0; r < rows; r += 4) {
        const left = a + ((aFrom + r) >> 4) * panelBytes + s * step + (r & 15) * size;
        smallTile<T>(left, right, count, target + r * rowStride + c * size, rowStride, wide, s > 0);
      }
    }
  }
}

export function byteProducts(
  a: u32, aCapacity: u32, aFrom: u32, rows: u32, b: u32, bCapacity: u32, bFrom: u32, columns: u32,
  d: u32, target: u32, stride: u32
): void {
  products<i32>(a, aFrom, rows, b, bFrom, columns, d, target, stride);
}

export function floatProducts32(
  a: u32, aCapacity: u32, aFrom: u32, rows: u32, b: u32, bCapacity: u32, bFrom: u32, columns: u32,
  d: u32, target: u32, stride: u32
): void {
  products<f32>(a, aFrom, rows, b, bFrom, columns, d, target, stride);
}

export function floatProducts64(
  a: u32, aCapacity: u32, aFrom: u32, rows: u32, b: u32, bCapacity: u32, bFrom: u32, columns: u32,
  d: u32, target: u32, stride: u32
): void {
  products<f64>(a, aFrom, rows, b, bFrom, columns, d, target, stride);
}
