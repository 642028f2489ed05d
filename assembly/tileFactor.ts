/**
 * Kernels of the tiled Cholesky factorisation. Matrices lie in **strips** of eight rows: element (r, c) as f32 at
 * address + 4·(((r >> 3)·stride + c)·8 + (r & 7)), so the eight elements of a column of a strip lie together. The
 * operands of a product and its target share this layout, so nothing is ever packed again.
 *
 * Matrices are scaled to a diagonal of about 1. Elements below `TINY` are set to zero: they are far below rounding, and
 * their products would be subnormal numbers, with which processors are a hundred times slower.
 */
import { halfToFloat } from './half';
import { multiplyAdd32, multiplyAdd64 } from './multiplyAdd';

// @ts-ignore: decorator
@inline
const TINY: f32 = 8.673617379884035e-19; // 2^-60

// @ts-ignore: decorator
@inline
function flush(value: f32): f32 {
  // NaN stays.
  return abs<f32>(value) < TINY ? 0 : value;
}

// @ts-ignore: decorator
@inline
function flush4(values: v128): v128 {
  return v128.andnot(values, f32x4.lt(f32x4.abs(values), f32x4.splat(TINY)));
}

/**
 * Copies rows × columns of a row-major matrix (`dtype` 0 float16, 1 float32, 2 float64; `sourceStride` elements from
 * row to row), times `scale`, into strips, beginning at a row that starts a strip.
 */
export function loadStrips(source: u32, dtype: u32, sourceStride: u32, rows: u32, columns: u32, target: u32, stride: u32, scale: f32): void {
  const shift = dtype + 1;
  for (let r: u32 = 0; r < rows; r++) {
    let from = source + ((r * sourceStride) << shift);
    let to = target + (r >> 3) * (stride << 5) + ((r & 7) << 2);
    const end = to + (columns << 5);
    if (dtype == 0) {
      for (; to < end; to += 32, from += 2) store<f32>(to, flush(scale * halfToFloat(load<u16>(from))));
    } else if (dtype == 1) {
      for (; to < end; to += 32, from += 4) store<f32>(to, flush(scale * load<f32>(from)));
    } else {
      for (; to < end; to += 32, from += 8) store<f32>(to, flush(<f32>(<f64>scale * load<f64>(from))));
    }
  }
}

/**
 * Eight rows by four columns of target −= A·Bᵀ over `depth` columns (a multiple of 4) of a strip of A and four rows of a strip of B.
 * The sums run in registers from zero and are subtracted at the end.
 */
// @ts-ignore: decorator
@inline
function subtractBlock(a: u32, b: u32, depth: u32, target: u32): void {
  let s00 = f32x4.splat(0), s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0), s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0), s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0), s31 = f32x4.splat(0);
  const end = a + (depth << 5);
  while (a < end) {
    let x0 = v128.load(a), x1 = v128.load(a, 16);
    let y = v128.load32_splat(b);
    s00 = multiplyAdd32(x0, y, s00);
    s01 = multiplyAdd32(x1, y, s01);
    y = v128.load32_splat(b, 4);
    s10 = multiplyAdd32(x0, y, s10);
    s11 = multiplyAdd32(x1, y, s11);
    y = v128.load32_splat(b, 8);
    s20 = multiplyAdd32(x0, y, s20);
    s21 = multiplyAdd32(x1, y, s21);
    y = v128.load32_splat(b, 12);
    s30 = multiplyAdd32(x0, y, s30);
    s31 = multiplyAdd32(x1, y, s31);
    x0 = v128.load(a, 32);
    x1 = v128.load(a, 48);
    y = v128.load32_splat(b, 32);
    s00 = multiplyAdd32(x0, y, s00);
    s01 = multiplyAdd32(x1, y, s01);
    y = v128.load32_splat(b, 36);
    s10 = multiplyAdd32(x0, y, s10);
    s11 = multiplyAdd32(x1, y, s11);
    y = v128.load32_splat(b, 40);
    s20 = multiplyAdd32(x0, y, s20);
    s21 = multiplyAdd32(x1, y, s21);
    y = v128.load32_splat(b, 44);
    s30 = multiplyAdd32(x0, y, s30);
    s31 = multiplyAdd32(x1, y, s31);
    a += 64;
    b += 64;
  }
  v128.store(target, f32x4.sub(v128.load(target), s00));
  v128.store(target, f32x4.sub(v128.load(target, 16), s01), 16);
  v128.store(target, f32x4.sub(v128.load(target, 32), s10), 32);
  v128.store(target, f32x4.sub(v128.load(target, 48), s11), 48);
  v128.store(target, f32x4.sub(v128.load(target, 64), s20), 64);
  v128.store(target, f32x4.sub(v128.load(target, 80), s21), 80);
  v128.store(target, f32x4.sub(v128.load(target, 96), s30), 96);
  v128.store(target, f32x4.sub(v128.load(target, 112), s31), 112);
}

/**
 * target −= A·Bᵀ for `strips` strips of A and `columns` (a multiple of 8) rows of B, over `depth` (a multiple of 8)
 * columns of both. All three have the same `stride`.
 */
export function subtractStripProducts(a: u32, b: u32, target: u32, strips: u32, columns: u32, depth: u32, stride: u32): void {
  const step = stride << 5;
  // Four rows of B stay in the first-level cache while the strips of A pass by from the second.
  for (let c: u32 = 0; c < columns; c += 4) {
    const rows = b + (c >> 3) * step + ((c & 4) << 2);
    let left = a;
    let out = target + (c << 5);
    for (let s: u32 = 0; s < strips; s++) {
      subtractBlock(left, rows, depth, out);
      left += step;
      out += step;
    }
  }
}

// @ts-ignore: decorator
@inline
function eliminate(x: v128, y: v128, factor: u32): v128 {
  return f32x4.sub(x, f32x4.mul(y, v128.load32_splat(factor)));
}

/**
 * Solves X·Lᵀ = C in place for `strips` strips of C, L the lower triangle with `columns` (a multiple of 8) rows that
 * lies in strips at `factor`. All have the same `stride`.
 */
export function solveStrips(factor: u32, target: u32, strips: u32, columns: u32, stride: u32): void {
  const step = stride << 5;
  const one = f32x4.splat(1);
  for (let c: u32 = 0; c < columns; c += 4) {
    const rows = factor + (c >> 3) * step + ((c & 4) << 2);
    // Element (c + i, c + j) of L lies at corner + 32·j + 4·i.
    const corner = rows + (c << 5);
    const d0 = f32x4.div(one, v128.load32_splat(corner));
    const d1 = f32x4.div(one, v128.load32_splat(corner, 36));
    const d2 = f32x4.div(one, v128.load32_splat(corner, 72));
    const d3 = f32x4.div(one, v128.load32_splat(corner, 108));
    for (let s: u32 = 0; s < strips; s++) {
      const strip = target + s * step;
      const out = strip + (c << 5);
      subtractBlock(strip, rows, c, out);
      for (let half: u32 = 0; half < 32; half += 16) {
        const at = out + half;
        const x0 = flush4(f32x4.mul(v128.load(at), d0));
        const x1 = flush4(f32x4.mul(eliminate(v128.load(at, 32), x0, corner + 4), d1));
        let x2 = eliminate(eliminate(v128.load(at, 64), x0, corner + 8), x1, corner + 40);
        x2 = flush4(f32x4.mul(x2, d2));
        let x3 = eliminate(eliminate(v128.load(at, 96), x0, corner + 12), x1, corner + 44);
        x3 = flush4(f32x4.mul(eliminate(x3, x2, corner + 76), d3));
        v128.store(at, x0);
        v128.store(at, x1, 32);
        v128.store(at, x2, 64);
        v128.store(at, x3, 96);
      }
    }
  }
}

/** target[r] += Σ_c x(r, c)² in doubles, for `strips` strips. */
export function addStripSquares(strips: u32, columns: u32, source: u32, stride: u32, target: u32): void {
  for (let s: u32 = 0; s < strips; s++) {
    const out = target + (s << 6);
    let s0 = v128.load(out), s1 = v128.load(out, 16), s2 = v128.load(out, 32), s3 = v128.load(out, 48);
    let at = source + s * (stride << 5);
    for (const end = at + (columns << 5); at < end; at += 32) {
      const x0 = f64x2.promote_low_f32x4(v128.load64_zero(at));
      const x1 = f64x2.promote_low_f32x4(v128.load64_zero(at, 8));
      const x2 = f64x2.promote_low_f32x4(v128.load64_zero(at, 16));
      const x3 = f64x2.promote_low_f32x4(v128.load64_zero(at, 24));
      s0 = multiplyAdd64(x0, x0, s0);
      s1 = multiplyAdd64(x1, x1, s1);
      s2 = multiplyAdd64(x2, x2, s2);
      s3 = multiplyAdd64(x3, x3, s3);
    }
    v128.store(out, s0);
    v128.store(out, s1, 16);
    v128.store(out, s2, 32);
    v128.store(out, s3, 48);
  }
}

/**
 * target_v[r] −= Σ_c x(r, c)·u_v[c] in doubles for `width` vectors, `length` doubles apart at `u` and at `target`, and
 * `strips` strips of x.
 */
export function subtractStripsTimes(
  x: u32, strips: u32, columns: u32, stride: u32, u: u32, length: u32, width: u32, target: u32,
): void {
  for (let s: u32 = 0; s < strips; s++) {
    const first = x + s * (stride << 5);
    const end = first + (columns << 5);
    for (let v: u32 = 0; v < width; v++) {
      let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
      let from = u + ((v * length) << 3);
      for (let at = first; at < end; at += 32) {
        const y = v128.load64_splat(from);
        s0 = multiplyAdd64(f64x2.promote_low_f32x4(v128.load64_zero(at)), y, s0);
        s1 = multiplyAdd64(f64x2.promote_low_f32x4(v128.load64_zero(at, 8)), y, s1);
        s2 = multiplyAdd64(f64x2.promote_low_f32x4(v128.load64_zero(at, 16)), y, s2);
        s3 = multiplyAdd64(f64x2.promote_low_f32x4(v128.load64_zero(at, 24)), y, s3);
        from += 8;
      }
      const out = target + ((v * length) << 3) + (s << 6);
      v128.store(out, f64x2.sub(v128.load(out), s0));
      v128.store(out, f64x2.sub(v128.load(out, 16), s1), 16);
      v128.store(out, f64x2.sub(v128.load(out, 32), s2), 32);
      v128.store(out, f64x2.sub(v128.load(out, 48), s3), 48);
    }
  }
}

/** target_v[c] −= Σ_r x(r, c)·u_v[r]; otherwise as `subtractStripsTimes`. */
export function subtractStripsTransposedTimes(
  x: u32, strips: u32, columns: u32, stride: u32, u: u32, length: u32, width: u32, target: u32,
): void {
  const step = stride << 5;
  for (let c: u32 = 0; c < columns; c++) {
    for (let v: u32 = 0; v < width; v++) {
      let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
      let from = u + ((v * length) << 3);
      let at = x + (c << 5);
      for (const end = at + strips * step; at < end; at += step) {
        s0 = multiplyAdd64(f64x2.promote_low_f32x4(v128.load64_zero(at)), v128.load(from), s0);
        s1 = multiplyAdd64(f64x2.promote_low_f32x4(v128.load64_zero(at, 8)), v128.load(from, 16), s1);
        s2 = multiplyAdd64(f64x2.promote_low_f32x4(v128.load64_zero(at, 16)), v128.load(from, 32), s2);
        s3 = multiplyAdd64(f64x2.promote_low_f32x4(v128.load64_zero(at, 24)), v128.load(from, 48), s3);
        from += 64;
      }
      s0 = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
      const out = target + ((v * length + c) << 3);
      store<f64>(out, load<f64>(out) - f64x2.extract_lane(s0, 0) - f64x2.extract_lane(s0, 1));
    }
  }
}

/**
 * Solves L·x = u (`transposed` 0) or Lᵀ·x = u (1) in place for `width` vectors, `length` doubles apart; L is a lower
 * triangle with `columns` rows in strips.
 */
export function solveTriangle(factor: u32, columns: u32, stride: u32, u: u32, length: u32, width: u32, transposed: u32): void {
  const step = stride << 5;
  for (let v: u32 = 0; v < width; v++) {
    const x = u + ((v * length) << 3);
    if (transposed == 0) {
      for (let r: u32 = 0; r < columns; r++) {
        const row = factor + (r >> 3) * step + ((r & 7) << 2);
        let sum = load<f64>(x + (r << 3));
        for (let c: u32 = 0; c < r; c++) sum -= <f64>load<f32>(row + (c << 5)) * load<f64>(x + (c << 3));
        store<f64>(x + (r << 3), sum / <f64>load<f32>(row + (r << 5)));
      }
    } else {
      for (let r = columns; r-- > 0; ) {
        const row = factor + (r >> 3) * step + ((r & 7) << 2);
        const value = load<f64>(x + (r << 3)) / <f64>load<f32>(row + (r << 5));
        store<f64>(x + (r << 3), value);
        for (let c: u32 = 0; c < r; c++) {
          const at = x + (c << 3);
          store<f64>(at, load<f64>(at) - <f64>load<f32>(row + (c << 5)) * value);
        }
      }
    }
  }
}
