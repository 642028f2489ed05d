/**
 * The largest squared norm of m rows of floats, `stride` floats apart (a multiple of 16). With m = 1, that of one row.
 */
import { multiplyAdd32 } from './multiplyAdd';

export function largestSquare32(x: u32, m: u32, stride: u32): f32 {
  const rowBytes = stride << 2;
  let largest: f32 = 0;
  for (let row = x, last = x + m * rowBytes; row < last; row += rowBytes) {
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
    for (let p = row, end = row + rowBytes; p < end; p += 64) {
      const x0 = v128.load(p), x1 = v128.load(p, 16), x2 = v128.load(p, 32), x3 = v128.load(p, 48);
      a0 = multiplyAdd32(x0, x0, a0);
      a1 = multiplyAdd32(x1, x1, a1);
      a2 = multiplyAdd32(x2, x2, a2);
      a3 = multiplyAdd32(x3, x3, a3);
    }
    const a = f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3));
    const sum = (f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1)) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3));
    // NaN, too, is to be seen: it is not less.
    if (!(sum <= largest)) largest = sum;
  }
  return largest;
}
