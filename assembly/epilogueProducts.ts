/**
 * From products of rows to the numbers a kernel function takes, in place on a plane: `rows` × `stride` numbers, of which
 * those beyond the columns are anything. `stride` is a multiple of 8; norms are the squared norms ‖x‖² of the rows on
 * either side, `stride` of them readable on the right. T: f32 or f64.
 */
import { all } from './epilogueMath';

/** Two or four integers as floats or doubles, the integers starting at `address`. */
// @ts-ignore: decorator
@inline
function converted<T>(address: u32): v128 {
  if (sizeof<T>() == 4) return f32x4.convert_i32x4_s(v128.load(address));
  return f64x2.convert_low_i32x4_s(v128.load64_zero(address));
}

/**
 * ‖x − y‖² = ‖x‖² + ‖y‖² − 2x·y in exact integers (sums may wrap, the result is below 2^31), then converted. The
 * products are i32: for doubles they lie in the second half of the plane, so that no product is overwritten unread.
 */
// @ts-ignore: decorator
@inline
function byteDistances<T>(plane: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32): void {
  let from = sizeof<T>() == 4 ? plane : plane + rows * stride * 4;
  let to = plane;
  for (let r: u32 = 0; r < rows; r++) {
    const left = i32x4.splat(load<i32>(aNorms + (r << 2)));
    let norms = bNorms;
    for (const end = from + (stride << 2); from < end; from += 16, norms += 16) {
      const product = v128.load(from);
      const distance = i32x4.sub(i32x4.add(left, v128.load(norms)), i32x4.add(product, product));
      if (sizeof<T>() == 4) {
        v128.store(to, f32x4.convert_i32x4_s(distance));
        to += 16;
      } else {
        v128.store(to, f64x2.convert_low_i32x4_s(distance));
        v128.store(to, f64x2.convert_low_i32x4_s(i64x2.shuffle(distance, distance, 1, 0)), 16);
        to += 32;
      }
    }
  }
}

export function byteDistances32(plane: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32): void {
  byteDistances<f32>(plane, aNorms, bNorms, rows, stride);
}
export function byteDistances64(plane: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32): void {
  byteDistances<f64>(plane, aNorms, bNorms, rows, stride);
}

/** Integer products converted; where they lie: see above. */
// @ts-ignore: decorator
@inline
function convertProducts<T>(plane: u32, count: u32): void {
  let from = sizeof<T>() == 4 ? plane : plane + count * 4;
  for (let to = plane, end = plane + count * <u32>sizeof<T>(); to < end; to += 16) {
    v128.store(to, converted<T>(from));
    from += sizeof<T>() == 4 ? 16 : 8;
  }
}

export function convertProducts32(plane: u32, count: u32): void {
  convertProducts<f32>(plane, count);
}
export function convertProducts64(plane: u32, count: u32): void {
  convertProducts<f64>(plane, count);
}

/** max(0, ‖x‖² + ‖y‖² − 2x·y) */
// @ts-ignore: decorator
@inline
function floatDistances<T>(plane: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32): void {
  const rowBytes = stride * <u32>sizeof<T>();
  for (let r: u32 = 0; r < rows; r++) {
    const left = v128.splat<T>(load<T>(aNorms + r * <u32>sizeof<T>()));
    for (let offset: u32 = 0; offset < rowBytes; offset += 16) {
      const product = v128.load(plane + offset);
      const norms = v128.add<T>(left, v128.load(bNorms + offset));
      const distance = v128.sub<T>(norms, v128.add<T>(product, product));
      v128.store(plane + offset, v128.pmax<T>(distance, all<T>(0)));
    }
    plane += rowBytes;
  }
}

export function floatDistances32(plane: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32): void {
  floatDistances<f32>(plane, aNorms, bNorms, rows, stride);
}
export function floatDistances64(plane: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32): void {
  floatDistances<f64>(plane, aNorms, bNorms, rows, stride);
}
