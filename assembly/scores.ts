/**
 * Scores of a linear model: scores[i·k + c] = Σⱼ x[i][j]·w[c][j] + intercept[c], for m rows and k columns.
 *
 * scores32: x, w, intercept, scores are floats, rows of x and w are `stride` floats apart (a multiple of 16).
 * scores64: doubles; rows of x and w are d doubles apart.
 * Blocks of 2 rows × 5 columns keep ten running sums in registers.
 */
import { multiplyAdd32, multiplyAdd64 } from './multiplyAdd';

// @ts-ignore: decorator
@inline
function sum32(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** 2 rows × 5 columns. */
function block2x5(x: u32, w: u32, rowBytes: u32, intercept: u32, scores: u32, k: u32): void {
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0, b4 = a0;
  const w1 = rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes, w4 = w3 + rowBytes;
  const end = x + rowBytes;
  // Twice the same four floats further: rows are a multiple of sixteen.
  for (let p = x, q = w; p < end; p += 32, q += 32) {
    const second = p + rowBytes;
    const column1 = q + w1, column2 = q + w2, column3 = q + w3, column4 = q + w4;
    let x0 = v128.load(p);
    let x1 = v128.load(second);
    let weight = v128.load(q);
    a0 = multiplyAdd32(x0, weight, a0);
    b0 = multiplyAdd32(x1, weight, b0);
    weight = v128.load(column1);
    a1 = multiplyAdd32(x0, weight, a1);
    b1 = multiplyAdd32(x1, weight, b1);
    weight = v128.load(column2);
    a2 = multiplyAdd32(x0, weight, a2);
    b2 = multiplyAdd32(x1, weight, b2);
    weight = v128.load(column3);
    a3 = multiplyAdd32(x0, weight, a3);
    b3 = multiplyAdd32(x1, weight, b3);
    weight = v128.load(column4);
    a4 = multiplyAdd32(x0, weight, a4);
    b4 = multiplyAdd32(x1, weight, b4);
    x0 = v128.load(p, 16);
    x1 = v128.load(second, 16);
    weight = v128.load(q, 16);
    a0 = multiplyAdd32(x0, weight, a0);
    b0 = multiplyAdd32(x1, weight, b0);
    weight = v128.load(column1, 16);
    a1 = multiplyAdd32(x0, weight, a1);
    b1 = multiplyAdd32(x1, weight, b1);
    weight = v128.load(column2, 16);
    a2 = multiplyAdd32(x0, weight, a2);
    b2 = multiplyAdd32(x1, weight, b2);
    weight = v128.load(column3, 16);
    a3 = multiplyAdd32(x0, weight, a3);
    b3 = multiplyAdd32(x1, weight, b3);
    weight = v128.load(column4, 16);
    a4 = multiplyAdd32(x0, weight, a4);
    b4 = multiplyAdd32(x1, weight, b4);
  }
  const c0 = load<f32>(intercept), c1 = load<f32>(intercept, 4), c2 = load<f32>(intercept, 8);
  const c3 = load<f32>(intercept, 12), c4 = load<f32>(intercept, 16);
  store<f32>(scores, sum32(a0) + c0);
  store<f32>(scores, sum32(a1) + c1, 4);
  store<f32>(scores, sum32(a2) + c2, 8);
  store<f32>(scores, sum32(a3) + c3, 12);
  store<f32>(scores, sum32(a4) + c4, 16);
  const second = scores + (k << 2);
  store<f32>(second, sum32(b0) + c0);
  store<f32>(second, sum32(b1) + c1, 4);
  store<f32>(second, sum32(b2) + c2, 8);
  store<f32>(second, sum32(b3) + c3, 12);
  store<f32>(second, sum32(b4) + c4, 16);
}

/** 1 row × 5 columns, two running sums each. */
function block1x5(x: u32, w: u32, rowBytes: u32, intercept: u32, scores: u32): void {
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0, b4 = a0;
  const w1 = rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes, w4 = w3 + rowBytes;
  const end = x + rowBytes;
  for (let p = x, q = w; p < end; p += 32, q += 32) {
    const x0 = v128.load(p);
    const x1 = v128.load(p, 16);
    a0 = multiplyAdd32(x0, v128.load(q), a0);
    b0 = multiplyAdd32(x1, v128.load(q, 16), b0);
    a1 = multiplyAdd32(x0, v128.load(q + w1), a1);
    b1 = multiplyAdd32(x1, v128.load(q + w1, 16), b1);
    a2 = multiplyAdd32(x0, v128.load(q + w2), a2);
    b2 = multiplyAdd32(x1, v128.load(q + w2, 16), b2);
    a3 = multiplyAdd32(x0, v128.load(q + w3), a3);
    b3 = multiplyAdd32(x1, v128.load(q + w3, 16), b3);
    a4 = multiplyAdd32(x0, v128.load(q + w4), a4);
    b4 = multiplyAdd32(x1, v128.load(q + w4, 16), b4);
  }
  store<f32>(scores, sum32(f32x4.add(a0, b0)) + load<f32>(intercept));
  store<f32>(scores, sum32(f32x4.add(a1, b1)) + load<f32>(intercept, 4), 4);
  store<f32>(scores, sum32(f32x4.add(a2, b2)) + load<f32>(intercept, 8), 8);
  store<f32>(scores, sum32(f32x4.add(a3, b3)) + load<f32>(intercept, 12), 12);
  store<f32>(scores, sum32(f32x4.add(a4, b4)) + load<f32>(intercept, 16), 16);
}

/** 1 row × 1 column, four running sums. */
function block1x1(x: u32, w: u32, rowBytes: u32): f32 {
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  const end = x + rowBytes;
  for (let p = x, q = w; p < end; p += 64, q += 64) {
    a0 = multiplyAdd32(v128.load(p), v128.load(q), a0);
    a1 = multiplyAdd32(v128.load(p, 16), v128.load(q, 16), a1);
    a2 = multiplyAdd32(v128.load(p, 32), v128.load(q, 32), a2);
    a3 = multiplyAdd32(v128.load(p, 48), v128.load(q, 48), a3);
  }
  return sum32(f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)));
}

export function scores32(x: u32, m: u32, stride: u32, w: u32, k: u32, intercept: u32, scores: u32): void {
  const rowBytes = stride << 2;
  let c: u32 = 0;
  for (; c + 5 <= k; c += 5) {
    const columns = w + c * rowBytes;
    const first = intercept + (c << 2);
    let i: u32 = 0;
    for (; i + 2 <= m; i += 2) block2x5(x + i * rowBytes, columns, rowBytes, first, scores + ((i * k + c) << 2), k);
    if (i < m) block1x5(x + i * rowBytes, columns, rowBytes, first, scores + ((i * k + c) << 2));
  }
  for (; c < k; c++) {
    const column = w + c * rowBytes;
    const constant = load<f32>(intercept + (c << 2));
    for (let i: u32 = 0; i < m; i++) {
      store<f32>(scores + ((i * k + c) << 2), block1x1(x + i * rowBytes, column, rowBytes) + constant);
    }
  }
}

// @ts-ignore: decorator
@inline
function sum64(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** One score in doubles: four running pairs, then the odd elements. */
function dot64(x: u32, w: u32, d: u32): f64 {
  let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let p = x, q = w;
  for (const end = x + ((d & ~7) << 3); p < end; p += 64, q += 64) {
    a0 = multiplyAdd64(v128.load(p), v128.load(q), a0);
    a1 = multiplyAdd64(v128.load(p, 16), v128.load(q, 16), a1);
    a2 = multiplyAdd64(v128.load(p, 32), v128.load(q, 32), a2);
    a3 = multiplyAdd64(v128.load(p, 48), v128.load(q, 48), a3);
  }
  let total = sum64(f64x2.add(f64x2.add(a0, a1), f64x2.add(a2, a3)));
  for (const end = x + (d << 3); p < end; p += 8, q += 8) total += load<f64>(p) * load<f64>(q);
  return total;
}

/** Two rows × five columns in doubles. */
function block2x5Doubles(x: u32, w: u32, d: u32, intercept: u32, scores: u32, k: u32): void {
  let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0, b4 = a0;
  const rowBytes = d << 3;
  let p = x, q = w;
  for (const end = x + ((d & ~1) << 3); p < end; p += 16, q += 16) {
    const x0 = v128.load(p);
    const x1 = v128.load(p + rowBytes);
    let column = q;
    let weight = v128.load(column);
    a0 = multiplyAdd64(x0, weight, a0);
    b0 = multiplyAdd64(x1, weight, b0);
    column += rowBytes;
    weight = v128.load(column);
    a1 = multiplyAdd64(x0, weight, a1);
    b1 = multiplyAdd64(x1, weight, b1);
    column += rowBytes;
    weight = v128.load(column);
    a2 = multiplyAdd64(x0, weight, a2);
    b2 = multiplyAdd64(x1, weight, b2);
    column += rowBytes;
    weight = v128.load(column);
    a3 = multiplyAdd64(x0, weight, a3);
    b3 = multiplyAdd64(x1, weight, b3);
    column += rowBytes;
    weight = v128.load(column);
    a4 = multiplyAdd64(x0, weight, a4);
    b4 = multiplyAdd64(x1, weight, b4);
  }
  const odd = (d & 1) == 1;
  const x0 = odd ? load<f64>(p) : 0;
  const x1 = odd ? load<f64>(p + rowBytes) : 0;
  finishColumn(0, a0, b0, x0, x1, q, rowBytes, odd, intercept, scores, k);
  finishColumn(1, a1, b1, x0, x1, q, rowBytes, odd, intercept, scores, k);
  finishColumn(2, a2, b2, x0, x1, q, rowBytes, odd, intercept, scores, k);
  finishColumn(3, a3, b3, x0, x1, q, rowBytes, odd, intercept, scores, k);
  finishColumn(4, a4, b4, x0, x1, q, rowBytes, odd, intercept, scores, k);
}

/** Adds the last feature of an odd number, and the intercept, and stores the scores of two rows in a column. */
// @ts-ignore: decorator
@inline
function finishColumn(
  c: u32, a: v128, b: v128, x0: f64, x1: f64, q: u32, rowBytes: u32, odd: bool, intercept: u32, scores: u32, k: u32,
): void {
  const weight = odd ? load<f64>(q + c * rowBytes) : 0;
  const constant = load<f64>(intercept + (c << 3));
  store<f64>(scores + (c << 3), sum64(a) + x0 * weight + constant);
  store<f64>(scores + ((k + c) << 3), sum64(b) + x1 * weight + constant);
}

export function scores64(x: u32, m: u32, d: u32, w: u32, k: u32, intercept: u32, scores: u32): void {
  const rowBytes = d << 3;
  for (let i: u32 = 0; i < m; ) {
    const rows: u32 = i + 2 <= m ? 2 : 1;
    const row = x + i * rowBytes;
    let c: u32 = 0;
    if (rows == 2) {
      for (; c + 5 <= k; c += 5) {
        block2x5Doubles(row, w + c * rowBytes, d, intercept + (c << 3), scores + ((i * k + c) << 3), k);
      }
    }
    for (; c < k; c++) {
      for (let r: u32 = 0; r < rows; r++) {
        const score = dot64(row + r * rowBytes, w + c * rowBytes, d) + load<f64>(intercept + (c << 3));
        store<f64>(scores + (((i + r) * k + c) << 3), score);
      }
    }
    i += rows;
  }
}
