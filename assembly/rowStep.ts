/** Steps of stochastic gradient descent along rows of a kernel matrix. Vectors are row-major, `width` (even) doubles a row. */
import { multiplyAdd64 } from './multiplyAdd';

/** Entry j of a row of floats (dtype 1) or doubles (dtype 2). */
// @ts-ignore: decorator
@inline
function entry(row: u32, dtype: u32, j: u32): f64 {
  return dtype == 1 ? <f64>load<f32>(row + (j << 2)) : load<f64>(row + (j << 3));
}

// @ts-ignore: decorator
@inline
function move(b: u32, delta: u32, momentum: v128, row: v128, step: v128): v128 {
  const change = multiplyAdd64(row, step, f64x2.mul(momentum, v128.load(delta)));
  v128.store(delta, change);
  const moved = f64x2.sub(v128.load(b), change);
  v128.store(b, moved);
  return moved;
}

/**
 * For j < count: Δ_j = momentum·Δ_j + previous_j·step, b_j −= Δ_j, where there is a previous row; then the sums over j,
 * of next_j·b_j and of next_j², where there is a next one. So each element is brought into the cache once for two rows.
 *
 * previous, next   rows of `count` entries; 0 where there is none
 * b, delta         [count][width]
 * step             [width]: learning rate times error
 * sums             [width + 2]: the products, then the square
 */
export function rowStep(
  previous: u32,
  next: u32,
  dtype: u32,
  count: u32,
  b: u32,
  delta: u32,
  width: u32,
  momentum: f64,
  step: u32,
  sums: u32,
): void {
  const bytes = width << 3;
  const m = f64x2.splat(momentum);
  let c: u32 = 0;
  for (; c + 32 <= bytes; c += 32) {
    const e0 = v128.load(step + c);
    const e1 = v128.load(step + c, 16);
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let x = b + c;
    let d = delta + c;
    for (let j: u32 = 0; j < count; j++) {
      let x0: v128, x1: v128;
      if (previous != 0) {
        const row = f64x2.splat(entry(previous, dtype, j));
        x0 = move(x, d, m, row, e0);
        x1 = move(x + 16, d + 16, m, row, e1);
      } else {
        x0 = v128.load(x);
        x1 = v128.load(x, 16);
      }
      if (next != 0) {
        const row = f64x2.splat(entry(next, dtype, j));
        s0 = multiplyAdd64(row, x0, s0);
        s1 = multiplyAdd64(row, x1, s1);
      }
      x += bytes;
      d += bytes;
    }
    v128.store(sums + c, s0);
    v128.store(sums + c, s1, 16);
  }
  for (; c < bytes; c += 16) {
    const e0 = v128.load(step + c);
    let s0 = f64x2.splat(0);
    let x = b + c;
    let d = delta + c;
    for (let j: u32 = 0; j < count; j++) {
      const x0 = previous != 0 ? move(x, d, m, f64x2.splat(entry(previous, dtype, j)), e0) : v128.load(x);
      if (next != 0) s0 = multiplyAdd64(f64x2.splat(entry(next, dtype, j)), x0, s0);
      x += bytes;
      d += bytes;
    }
    v128.store(sums + c, s0);
  }
  let square: f64 = 0;
  if (next != 0) {
    for (let j: u32 = 0; j < count; j++) {
      const value = entry(next, dtype, j);
      square += value * value;
    }
  }
  store<f64>(sums + bytes, square);
}
