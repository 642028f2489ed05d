/** Cholesky factorisation of a packed lower triangle of doubles: row i starts at a + 8·i(i+1)/2. */
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
function dot(x: u32, y: u32, length: u32): f64 {
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let j: u32 = 0;
  for (; j + 4 <= length; j += 4) {
    const at = j << 3;
    sum0 = multiplyAdd64(v128.load(x + at), v128.load(y + at), sum0);
    sum1 = multiplyAdd64(v128.load(x + at, 16), v128.load(y + at, 16), sum1);
  }
  let sum = lanes(f64x2.add(sum0, sum1));
  for (; j < length; j++) sum += load<f64>(x + (j << 3)) * load<f64>(y + (j << 3));
  return sum;
}

// @ts-ignore: decorator
@inline
function subtractFrom(address: u32, value: f64): void {
  store<f64>(address, load<f64>(address) - value);
}

/** One row of L from column `from` on, given its columns before. Returns its pivot, not yet rooted. */
// @ts-ignore: decorator
@inline
function finishRow(a: u32, i: u32, from: u32): f64 {
  const row = rowOf(a, i);
  for (let j = from; j < i; j++) {
    const other = rowOf(a, j);
    store<f64>(row + (j << 3), (load<f64>(row + (j << 3)) - dot(row, other, j)) / load<f64>(other + (j << 3)));
  }
  return load<f64>(row + (i << 3)) - dot(row, row, i);
}

/**
 * A becomes L with A = LLᵀ. A pivot not above `tolerance` times the diagonal element it came from is taken
 * as zero: the matrix is not positive definite. Returns its row, or d when all went well.
 *
 * Sixteen rows at a time: two finished rows j, j+1 are read from the cache for all of them, four rows by
 * two columns of dot products in registers. What is left of the sixteen, near the diagonal, goes row by row.
 */
export function choleskyPacked(a: u32, d: u32, tolerance: f64): u32 {
  for (let top: u32 = 0; top < d; top += 16) {
    const end = min<u32>(top + 16, d);
    // `top` is even, so the pairs of columns before it are finished rows.
    for (let j: u32 = 0; j < top; j += 2) {
      for (let i = top; i < end; i += 4) eliminatePair(a, i, min<u32>(4, end - i), j);
    }
    for (let i = top; i < end; i++) {
      const diagonal = rowOf(a, i) + (i << 3);
      const before = load<f64>(diagonal);
      const pivot = finishRow(a, i, top);
      if (!(pivot > tolerance * before)) return i;
      store<f64>(diagonal, Math.sqrt(pivot));
    }
  }
  return d;
}

/** Columns j and j+1 of rows i to i+3 (fewer rows one by one). */
// @ts-ignore: decorator
@inline
function eliminatePair(a: u32, i: u32, rows: u32, j: u32): void {
  const q0 = rowOf(a, j);
  const q1 = rowOf(a, j + 1);
  const d0 = load<f64>(q0 + (j << 3));
  const l10 = load<f64>(q1 + (j << 3));
  const d1 = load<f64>(q1 + (j << 3), 8);
  const p0 = rowOf(a, i);
  if (rows < 4) {
    for (let r: u32 = 0; r < rows; r++) {
      const p = rowOf(a, i + r);
      finishPair(p + (j << 3), dot(p, q0, j), dot(p, q1, j), d0, l10, d1);
    }
    return;
  }
  const p1 = rowOf(a, i + 1);
  const p2 = rowOf(a, i + 2);
  const p3 = rowOf(a, i + 3);
  let s00 = f64x2.splat(0), s01 = f64x2.splat(0);
  let s10 = f64x2.splat(0), s11 = f64x2.splat(0);
  let s20 = f64x2.splat(0), s21 = f64x2.splat(0);
  let s30 = f64x2.splat(0), s31 = f64x2.splat(0);
  // j is even: the prefix is a whole number of pairs.
  const length = j << 3;
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
  finishPair(p0 + length, lanes(s00), lanes(s01), d0, l10, d1);
  finishPair(p1 + length, lanes(s10), lanes(s11), d0, l10, d1);
  finishPair(p2 + length, lanes(s20), lanes(s21), d0, l10, d1);
  finishPair(p3 + length, lanes(s30), lanes(s31), d0, l10, d1);
}

// @ts-ignore: decorator
@inline
function finishPair(at: u32, sum0: f64, sum1: f64, d0: f64, l10: f64, d1: f64): void {
  const first = (load<f64>(at) - sum0) / d0;
  store<f64>(at, first);
  store<f64>(at, (load<f64>(at, 8) - sum1 - first * l10) / d1, 8);
}

/** Solves LLᵀx = b in place for `count` vectors of d doubles lying one after the other. */
export function solvePacked(a: u32, d: u32, vectors: u32, count: u32): void {
  for (let i: u32 = 0; i < d; i++) {
    const row = rowOf(a, i);
    for (let c: u32 = 0; c < count; c++) {
      const x = vectors + ((c * d) << 3);
      const value = (load<f64>(x + (i << 3)) - dot(row, x, i)) / load<f64>(row + (i << 3));
      store<f64>(x + (i << 3), value);
    }
  }
  for (let i = d; i-- > 0; ) {
    const row = rowOf(a, i);
    for (let c: u32 = 0; c < count; c++) {
      const x = vectors + ((c * d) << 3);
      const value = load<f64>(x + (i << 3)) / load<f64>(row + (i << 3));
      store<f64>(x + (i << 3), value);
      for (let j: u32 = 0; j < i; j++) subtractFrom(x + (j << 3), value * load<f64>(row + (j << 3)));
    }
  }
}
