/**
 * Sums of outer products of rows, into a packed lower triangle of doubles:
 * element (i, j), j ≤ i, lies at gram + 8·(i(i+1)/2 + j).
 */
import { multiplyAdd64 } from './multiplyAdd';

/**
 * Turns bytes of rows into 16-bit numbers, feature by feature, as `addGramUint8` wants them.
 *
 * base, rowBytes   row r lies at base + r·rowBytes, features first
 * count            rows; d features
 * padded           count rounded up to a multiple of 16; rows behind count become 0
 * target           [⌈d/4⌉·4][padded] of i16; features behind d become 0
 */
export function transposeUint8(base: u32, rowBytes: u32, count: u32, padded: u32, d: u32, target: u32): void {
  const features = (d + 3) & ~3;
  for (let r: u32 = 0; r < padded; r += 8) {
    for (let j: u32 = 0; j < features; j++) {
      const out = target + ((j * padded + r) << 1);
      v128.store(out, i16x8.splat(0));
      if (j >= d) continue;
      const rows = min<u32>(8, r < count ? count - r : 0);
      let source = base + r * rowBytes + j;
      for (let i: u32 = 0; i < rows; i++) {
        store<u16>(out + (i << 1), load<u8>(source));
        source += rowBytes;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addTo(address: u32, value: f64): void {
  store<f64>(address, load<f64>(address) + value);
}

// @ts-ignore: decorator
@inline
function add4(acc: v128, a: v128, b: v128): v128 {
  return i32x4.add(acc, i32x4.dot_i16x8_s(a, b));
}

/**
 * Rows [from, to) of gram += the integer products of all pairs of features over one transposed block; `from` is a
 * multiple of 4, and so is `to` unless it is d. Exact: the 32-bit sums hold 255²·rows < 2^31, that is rows ≤ 33 025,
 * and the doubles hold integers below 2^53. Features are taken 4 by 2, so that sums and operands stay in registers.
 */
export function addGramUint8(block: u32, rows: u32, d: u32, from: u32, to: u32, gram: u32): void {
  const step = rows << 1;
  for (let i = from; i < to; i += 4) {
    const a = block + i * step;
    for (let j: u32 = 0; j <= i + 2; j += 2) {
      let s00 = i32x4.splat(0), s01 = i32x4.splat(0);
      let s10 = i32x4.splat(0), s11 = i32x4.splat(0);
      let s20 = i32x4.splat(0), s21 = i32x4.splat(0);
      let s30 = i32x4.splat(0), s31 = i32x4.splat(0);
      let pa = a;
      let pb = block + j * step;
      const end = pa + step;
      while (pa < end) {
        const b0 = v128.load(pb);
        const b1 = v128.load(pb + step);
        let x = v128.load(pa);
        s00 = add4(s00, x, b0);
        s01 = add4(s01, x, b1);
        x = v128.load(pa + step);
        s10 = add4(s10, x, b0);
        s11 = add4(s11, x, b1);
        x = v128.load(pa + 2 * step);
        s20 = add4(s20, x, b0);
        s21 = add4(s21, x, b1);
        x = v128.load(pa + 3 * step);
        s30 = add4(s30, x, b0);
        s31 = add4(s31, x, b1);
        pa += 16;
        pb += 16;
      }
      addPair(gram, i, j, d, s00, s01);
      addPair(gram, i + 1, j, d, s10, s11);
      addPair(gram, i + 2, j, d, s20, s21);
      addPair(gram, i + 3, j, d, s30, s31);
    }
  }
}

/** Adds the lane sums of two accumulators to elements (i, j) and (i, j+1), where they belong to the triangle. */
// @ts-ignore: decorator
@inline
function addPair(gram: u32, i: u32, j: u32, d: u32, first: v128, second: v128): void {
  if (i >= d || j > i) return;
  const even = i8x16.shuffle(first, second, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const odd = i8x16.shuffle(first, second, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const half = i32x4.add(even, odd);
  const sums = i32x4.add(half, i8x16.shuffle(half, half, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  const pair = f64x2.convert_low_i32x4_s(sums);
  const out = gram + ((((i * (i + 1)) >>> 1) + j) << 3);
  if (j < i) v128.store(out, f64x2.add(v128.load(out), pair));
  else addTo(out, f64x2.extract_lane(pair, 0));
}

/** target[j] += factor·x[j] for one row of bytes. */
export function addScaledUint8(source: u32, d: u32, factor: f64, target: u32): void {
  const f = f64x2.splat(factor);
  let j: u32 = 0;
  for (; j + 8 <= d; j += 8) {
    const words = v128.load64_zero(source + j);
    const half = i16x8.extend_low_i8x16_u(words);
    const low = i32x4.extend_low_i16x8_u(half);
    const high = i32x4.extend_high_i16x8_u(half);
    const out = target + (j << 3);
    v128.store(out, f64x2.add(v128.load(out), f64x2.mul(f, f64x2.convert_low_i32x4_s(low))));
    const low2 = i8x16.shuffle(low, low, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    v128.store(out, f64x2.add(v128.load(out, 16), f64x2.mul(f, f64x2.convert_low_i32x4_s(low2))), 16);
    v128.store(out, f64x2.add(v128.load(out, 32), f64x2.mul(f, f64x2.convert_low_i32x4_s(high))), 32);
    const high2 = i8x16.shuffle(high, high, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    v128.store(out, f64x2.add(v128.load(out, 48), f64x2.mul(f, f64x2.convert_low_i32x4_s(high2))), 48);
  }
  for (; j < d; j++) addTo(target + (j << 3), factor * <f64>load<u8>(source + j));
}

/**
 * target_c += G·vector_c for `count` vectors of d doubles, one after the other, G packed. Each row of G is read
 * once for both triangles: a dot product gives element i, a scaled addition the elements before it.
 */
export function addSymmetricProduct(gram: u32, d: u32, vectors: u32, count: u32, target: u32): void {
  const length = d << 3;
  for (let c: u32 = 0; c < count; c++) {
    const x = vectors + c * length;
    const y = target + c * length;
    let row = gram;
    for (let i: u32 = 0; i < d; i++) {
      const xi = load<f64>(x + (i << 3));
      const factor = f64x2.splat(xi);
      let sum0 = f64x2.splat(0);
      let sum1 = f64x2.splat(0);
      let j: u32 = 0;
      for (; j + 4 <= i; j += 4) {
        const at = j << 3;
        const g0 = v128.load(row + at);
        const g1 = v128.load(row + at, 16);
        sum0 = multiplyAdd64(g0, v128.load(x + at), sum0);
        sum1 = multiplyAdd64(g1, v128.load(x + at, 16), sum1);
        v128.store(y + at, multiplyAdd64(factor, g0, v128.load(y + at)));
        v128.store(y + at, multiplyAdd64(factor, g1, v128.load(y + at, 16)), 16);
      }
      sum0 = f64x2.add(sum0, sum1);
      let sum = f64x2.extract_lane(sum0, 0) + f64x2.extract_lane(sum0, 1);
      for (; j < i; j++) {
        const g = load<f64>(row + (j << 3));
        sum += g * load<f64>(x + (j << 3));
        addTo(y + (j << 3), xi * g);
      }
      addTo(y + (i << 3), sum + load<f64>(row + (i << 3)) * xi);
      row += (i + 1) << 3;
    }
  }
}
