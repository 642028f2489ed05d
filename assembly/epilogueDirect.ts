/**
 * Distances that no product gives, feature by feature from rows of `d` floats or doubles lying one after another; d is a
 * multiple of 4, features behind the data are 0. Element (r, c) of the target goes to target + (r·stride + c) numbers.
 * T: f32 or f64.
 */
import { all } from './epilogueMath';

/** |x − y| or (x − y)²/(x + y), 0 where both are 0. */
// @ts-ignore: decorator
@inline
function term<T>(x: v128, y: v128, chi2: bool): v128 {
  const difference = v128.sub<T>(x, y);
  if (!chi2) return v128.abs<T>(difference);
  const sum = v128.add<T>(x, y);
  const quotient = v128.div<T>(v128.mul<T>(difference, difference), sum);
  return v128.andnot(quotient, v128.eq<T>(sum, all<T>(0)));
}

/** The sum of all lanes. */
// @ts-ignore: decorator
@inline
function total<T>(x: v128): T {
  const pairs = v128.add<T>(x, i64x2.shuffle(x, x, 1, 0));
  if (sizeof<T>() == 8) return v128.extract_lane<T>(pairs, 0);
  return v128.extract_lane<T>(pairs, 0) + v128.extract_lane<T>(pairs, 1);
}

// @ts-ignore: decorator
@inline
function directSums<T>(a: u32, rows: u32, b: u32, columns: u32, d: u32, target: u32, stride: u32, chi2: bool): void {
  const size = <u32>sizeof<T>();
  const rowBytes = d * size;
  for (let r: u32 = 0; r < rows; r++) {
    const x = a + r * rowBytes;
    const out = target + r * stride * size;
    let c: u32 = 0;
    for (; c + 4 <= columns; c += 4) {
      let y = b + c * rowBytes;
      let s0 = all<T>(0), s1 = all<T>(0), s2 = all<T>(0), s3 = all<T>(0);
      for (let j = x, end = x + rowBytes; j < end; j += 16, y += 16) {
        const left = v128.load(j);
        s0 = v128.add<T>(s0, term<T>(left, v128.load(y), chi2));
        s1 = v128.add<T>(s1, term<T>(left, v128.load(y + rowBytes), chi2));
        s2 = v128.add<T>(s2, term<T>(left, v128.load(y + 2 * rowBytes), chi2));
        s3 = v128.add<T>(s3, term<T>(left, v128.load(y + 3 * rowBytes), chi2));
      }
      store<T>(out + c * size, total<T>(s0));
      store<T>(out + (c + 1) * size, total<T>(s1));
      store<T>(out + (c + 2) * size, total<T>(s2));
      store<T>(out + (c + 3) * size, total<T>(s3));
    }
    for (; c < columns; c++) {
      const y = b + c * rowBytes;
      let sum = all<T>(0);
      for (let j: u32 = 0; j < rowBytes; j += 16) {
        sum = v128.add<T>(sum, term<T>(v128.load(x + j), v128.load(y + j), chi2));
      }
      store<T>(out + c * size, total<T>(sum));
    }
  }
}

/** Σ |xⱼ − yⱼ| */
export function absoluteDistances32(a: u32, rows: u32, b: u32, columns: u32, d: u32, target: u32, stride: u32): void {
  directSums<f32>(a, rows, b, columns, d, target, stride, false);
}
export function absoluteDistances64(a: u32, rows: u32, b: u32, columns: u32, d: u32, target: u32, stride: u32): void {
  directSums<f64>(a, rows, b, columns, d, target, stride, false);
}

/** Σ (xⱼ − yⱼ)²/(xⱼ + yⱼ) of features ≥ 0 */
export function chiSquares32(a: u32, rows: u32, b: u32, columns: u32, d: u32, target: u32, stride: u32): void {
  directSums<f32>(a, rows, b, columns, d, target, stride, true);
}
export function chiSquares64(a: u32, rows: u32, b: u32, columns: u32, d: u32, target: u32, stride: u32): void {
  directSums<f64>(a, rows, b, columns, d, target, stride, true);
}

/** Moves `count` numbers at `address` into [low, high]; NaN stays NaN. */
// @ts-ignore: decorator
@inline
function clamp<T>(address: u32, count: u32, low: f64, high: f64): void {
  const end = address + count * <u32>sizeof<T>();
  const lowest = sizeof<T>() == 4 ? f32x4.splat(<f32>low) : f64x2.splat(low);
  const highest = sizeof<T>() == 4 ? f32x4.splat(<f32>high) : f64x2.splat(high);
  for (; address + 16 <= end; address += 16) {
    const x = v128.load(address);
    // The pseudo-minimum keeps NaN when it comes first, in one instruction; the minimum of IEEE takes ten.
    const y = sizeof<T>() == 4 ? f32x4.pmax(f32x4.pmin(x, highest), lowest) : f64x2.pmax(f64x2.pmin(x, highest), lowest);
    v128.store(address, y);
  }
  for (; address < end; address += <u32>sizeof<T>()) {
    store<T>(address, max<T>(min<T>(load<T>(address), <T>high), <T>low));
  }
}
export function clamp32(address: u32, count: u32, low: f64, high: f64): void {
  clamp<f32>(address, count, low, high);
}
export function clamp64(address: u32, count: u32, low: f64, high: f64): void {
  clamp<f64>(address, count, low, high);
}
