/**
 * Parts of a Cholesky factorisation, of triangular solves and of products with the factor that threads share out among
 * themselves. Triangles are packed: row i starts at a + 8·i(i+1)/2. Blocks of vectors are row-major, `width` doubles a row.
 */
import { multiplyAdd64 } from './multiplyAdd';

// @ts-ignore: decorator
@inline
function rowOf(a: u32, i: u32): u32 {
  return a + (((i * (i + 1)) >>> 1) << 3);
}

// @ts-ignore: decorator
@inline
function lanes(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// @ts-ignore: decorator
@inline
function subtract(address: u32, sum: v128): void {
  store<f64>(address, load<f64>(address) - lanes(sum));
}

/** Σ x[m]·y[m] for m < length, length even. */
// @ts-ignore: decorator
@inline
function evenDot(x: u32, y: u32, length: u32): v128 {
  let sum = f64x2.splat(0);
  for (let at: u32 = 0; at < length << 3; at += 16) sum = multiplyAdd64(v128.load(x + at), v128.load(y + at), sum);
  return sum;
}

/** Columns of the factor taken at a time, so that the rows of the panel stay in the cache. */
const DEPTH: u32 = 256;

/**
 * A[i][j] −= Σ_{m < top} L[i][m]·L[j][m] for i in [from, to), j in [top, min(end, i + 1)); `top` is even, from ≥ top.
 * Four rows by two columns of sums stay in registers.
 */
export function eliminateRows(a: u32, from: u32, to: u32, top: u32, end: u32): void {
  for (let m: u32 = 0; m < top; m += DEPTH) {
    const depth = min<u32>(DEPTH, top - m);
    const first = m << 3;
    const length = depth << 3;
    let i = from;
    for (; i + 4 <= to; i += 4) {
      const r0 = rowOf(a, i);
      const r1 = r0 + ((i + 1) << 3);
      const r2 = r1 + ((i + 2) << 3);
      const r3 = r2 + ((i + 3) << 3);
      const p0 = r0 + first, p1 = r1 + first, p2 = r2 + first, p3 = r3 + first;
      const full = min<u32>(end, i + 1);
      let j = top;
      for (; j + 2 <= full; j += 2) {
        const q0 = rowOf(a, j) + first;
        const q1 = q0 + ((j + 1) << 3);
        let s00 = f64x2.splat(0), s01 = f64x2.splat(0);
        let s10 = f64x2.splat(0), s11 = f64x2.splat(0);
        let s20 = f64x2.splat(0), s21 = f64x2.splat(0);
        let s30 = f64x2.splat(0), s31 = f64x2.splat(0);
        for (let at: u32 = 0; at < length; at += 16) {
          const b0 = v128.load(q0 + at);
          const b1 = v128.load(q1 + at);
          let x = v128.load(p0 + at);
          s00 = multiplyAdd64(x, b0, s00);
          s01 = multiplyAdd64(x, b1, s01);
          x = v128.load(p1 + at);
          s10 = multiplyAdd64(x, b0, s10);
          s11 = multiplyAdd64(x, b1, s11);
          x = v128.load(p2 + at);
          s20 = multiplyAdd64(x, b0, s20);
          s21 = multiplyAdd64(x, b1, s21);
          x = v128.load(p3 + at);
          s30 = multiplyAdd64(x, b0, s30);
          s31 = multiplyAdd64(x, b1, s31);
        }
        const out = j << 3;
        subtract(r0 + out, s00);
        subtract(r0 + out + 8, s01);
        subtract(r1 + out, s10);
        subtract(r1 + out + 8, s11);
        subtract(r2 + out, s20);
        subtract(r2 + out + 8, s21);
        subtract(r3 + out, s30);
        subtract(r3 + out + 8, s31);
      }
      // Columns near the diagonal, which not all four rows have, and the last of an odd number.
      for (; j < min<u32>(end, i + 4); j++) {
        const q = rowOf(a, j) + first;
        for (let r: u32 = j > i ? j - i : 0; r < 4; r++) {
          const row = rowOf(a, i + r);
          subtract(row + (j << 3), evenDot(row + first, q, depth));
        }
      }
    }
    for (; i < to; i++) {
      const row = rowOf(a, i);
      for (let j = top; j < min<u32>(end, i + 1); j++) {
        subtract(row + (j << 3), evenDot(row + first, rowOf(a, j) + first, depth));
      }
    }
  }
}

/** Columns [top, end) of rows [from, to) below a finished triangle: A[i][j] = (A[i][j] − Σ_{top ≤ m < j} L[i][m]·L[j][m])/L[j][j]. */
export function solveRows(a: u32, from: u32, to: u32, top: u32, end: u32): void {
  const first = top << 3;
  for (let i = from; i < to; i++) {
    const row = rowOf(a, i) + first;
    for (let j = top; j < end; j++) {
      const other = rowOf(a, j) + first;
      const length = j - top;
      const even = length & ~1;
      let sum = lanes(evenDot(row, other, even));
      if (even < length) sum += load<f64>(row + (even << 3)) * load<f64>(other + (even << 3));
      const at = length << 3;
      store<f64>(row + at, (load<f64>(row + at) - sum) / load<f64>(other + at));
    }
  }
}

/** x_i = (x_i − Σ_{j<i} L_ij·x_j)/L_ii for `columns` ≤ 8 columns, even, of a block of d vectors, in place. */
export function lowerSolve(a: u32, d: u32, x: u32, width: u32, columns: u32): void {
  const step = width << 3;
  let row = a;
  let target = x;
  for (let i: u32 = 0; i < d; i++) {
    const diagonal = f64x2.splat(1 / load<f64>(row + (i << 3)));
    let source = x;
    if (columns == 8) {
      let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
      for (let at = row; at < row + (i << 3); at += 8) {
        const l = v128.load64_splat(at);
        s0 = multiplyAdd64(l, v128.load(source), s0);
        s1 = multiplyAdd64(l, v128.load(source, 16), s1);
        s2 = multiplyAdd64(l, v128.load(source, 32), s2);
        s3 = multiplyAdd64(l, v128.load(source, 48), s3);
        source += step;
      }
      v128.store(target, f64x2.mul(diagonal, f64x2.sub(v128.load(target), s0)));
      v128.store(target, f64x2.mul(diagonal, f64x2.sub(v128.load(target, 16), s1)), 16);
      v128.store(target, f64x2.mul(diagonal, f64x2.sub(v128.load(target, 32), s2)), 32);
      v128.store(target, f64x2.mul(diagonal, f64x2.sub(v128.load(target, 48), s3)), 48);
    } else {
      for (let c: u32 = 0; c < columns << 3; c += 16) {
        let s0 = f64x2.splat(0);
        source = x + c;
        for (let at = row; at < row + (i << 3); at += 8) {
          s0 = multiplyAdd64(v128.load64_splat(at), v128.load(source), s0);
          source += step;
        }
        v128.store(target + c, f64x2.mul(diagonal, f64x2.sub(v128.load(target + c), s0)));
      }
    }
    row += (i + 1) << 3;
    target += step;
  }
}

/** Lᵀx = b in place for `columns` ≤ 8 columns, even; two rows of L at a time, so that x is loaded half as often. */
export function lowerTransposedSolve(a: u32, d: u32, x: u32, width: u32, columns: u32): void {
  const step = width << 3;
  const end = columns << 3;
  let i = d;
  if (i & 1) {
    i--;
    finishTransposed(rowOf(a, i), i, x, step, end);
    subtractRow(rowOf(a, i), i, x, step, end);
  }
  while (i >= 2) {
    i -= 2;
    const row0 = rowOf(a, i);
    const row1 = row0 + ((i + 1) << 3);
    const x0 = x + i * step;
    const x1 = x0 + step;
    finishTransposed(row1, i + 1, x, step, end);
    const l10 = f64x2.splat(load<f64>(row1 + (i << 3)));
    for (let c: u32 = 0; c < end; c += 16) {
      v128.store(x0 + c, f64x2.sub(v128.load(x0 + c), f64x2.mul(l10, v128.load(x1 + c))));
    }
    finishTransposed(row0, i, x, step, end);
    for (let c: u32 = 0; c < end; c += 32) {
      let target = x + c;
      const u0 = f64x2.neg(v128.load(x0 + c));
      const v0 = f64x2.neg(v128.load(x1 + c));
      if (c + 32 <= end) {
        const u1 = f64x2.neg(v128.load(x0 + c, 16));
        const v1 = f64x2.neg(v128.load(x1 + c, 16));
        for (let at: u32 = 0; at < i << 3; at += 8) {
          const l0 = v128.load64_splat(row0 + at);
          const l1 = v128.load64_splat(row1 + at);
          v128.store(target, multiplyAdd64(l1, v0, multiplyAdd64(l0, u0, v128.load(target))));
          v128.store(target, multiplyAdd64(l1, v1, multiplyAdd64(l0, u1, v128.load(target, 16))), 16);
          target += step;
        }
      } else {
        for (let at: u32 = 0; at < i << 3; at += 8) {
          const l0 = v128.load64_splat(row0 + at);
          const l1 = v128.load64_splat(row1 + at);
          v128.store(target, multiplyAdd64(l1, v0, multiplyAdd64(l0, u0, v128.load(target))));
          target += step;
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function finishTransposed(row: u32, i: u32, x: u32, step: u32, end: u32): void {
  const diagonal = f64x2.splat(1 / load<f64>(row + (i << 3)));
  const at = x + i * step;
  for (let c: u32 = 0; c < end; c += 16) v128.store(at + c, f64x2.mul(diagonal, v128.load(at + c)));
}

// @ts-ignore: decorator
@inline
function subtractRow(row: u32, i: u32, x: u32, step: u32, end: u32): void {
  const from = x + i * step;
  for (let j: u32 = 0; j < i; j++) {
    const l = v128.load64_splat(row + (j << 3));
    const target = x + j * step;
    for (let c: u32 = 0; c < end; c += 16) {
      v128.store(target + c, f64x2.sub(v128.load(target + c), f64x2.mul(l, v128.load(from + c))));
    }
  }
}

/** target_i = Σ_{j ≤ i, j < d} L_ij·x_j for rows i in [from, to), `columns` even. */
export function lowerProduct(
  a: u32,
  d: u32,
  from: u32,
  to: u32,
  x: u32,
  width: u32,
  columns: u32,
  target: u32,
): void {
  const step = width << 3;
  for (let i = from; i < to; i++) {
    const row = rowOf(a, i);
    const stop = row + (min<u32>(i + 1, d) << 3);
    const out = target + i * step;
    let c: u32 = 0;
    for (; c + 8 <= columns; c += 8) {
      let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
      let source = x + (c << 3);
      for (let at = row; at < stop; at += 8) {
        const l = v128.load64_splat(at);
        s0 = multiplyAdd64(l, v128.load(source), s0);
        s1 = multiplyAdd64(l, v128.load(source, 16), s1);
        s2 = multiplyAdd64(l, v128.load(source, 32), s2);
        s3 = multiplyAdd64(l, v128.load(source, 48), s3);
        source += step;
      }
      const at = out + (c << 3);
      v128.store(at, s0);
      v128.store(at, s1, 16);
      v128.store(at, s2, 32);
      v128.store(at, s3, 48);
    }
    for (; c < columns; c += 2) {
      let s0 = f64x2.splat(0);
      let source = x + (c << 3);
      for (let at = row; at < stop; at += 8) {
        s0 = multiplyAdd64(v128.load64_splat(at), v128.load(source), s0);
        source += step;
      }
      v128.store(out + (c << 3), s0);
    }
  }
}
