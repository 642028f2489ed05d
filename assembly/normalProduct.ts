/**
 * Products of tall blocks of doubles, all in one layout: **panels** of four columns,
 * [⌈columns/4⌉][rows][4], so that a tile of 4 x 4 reads its operands front to back.
 */
import { multiplyAdd64 } from './multiplyAdd';

/**
 * Packs rows of doubles (row-major, `stride` apart) into panels, from row `at` of `rows` on.
 * Columns from d to the end of the last panel become 0.
 */
export function packPanels(source: u32, stride: u32, count: u32, d: u32, target: u32, at: u32, rows: u32): void {
  for (let j: u32 = 0; j < d; j += 4) {
    const width = min<u32>(4, d - j);
    let out = target + (((j >> 2) * rows + at) << 5);
    let row = source + (j << 3);
    for (let r: u32 = 0; r < count; r++) {
      if (width == 4) {
        v128.store(out, v128.load(row));
        v128.store(out, v128.load(row, 16), 16);
      } else {
        for (let c: u32 = 0; c < 4; c++) store<f64>(out + (c << 3), c < width ? load<f64>(row + (c << 3)) : 0);
      }
      out += 32;
      row += stride << 3;
    }
  }
}

/** out_i[c] += Σ_r a[r][i]·b[r][c] of two panels; out0 to out3 are the addresses of four doubles each. */
// @ts-ignore: decorator
@inline
export function addCrossTile(a: u32, b: u32, rows: u32, out0: u32, out1: u32, out2: u32, out3: u32): void {
  let s00 = v128.load(out0), s01 = v128.load(out0, 16);
  let s10 = v128.load(out1), s11 = v128.load(out1, 16);
  let s20 = v128.load(out2), s21 = v128.load(out2, 16);
  let s30 = v128.load(out3), s31 = v128.load(out3, 16);
  const end = a + (rows << 5);
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load64_splat(a);
    s00 = multiplyAdd64(x, b0, s00);
    s01 = multiplyAdd64(x, b1, s01);
    x = v128.load64_splat(a, 8);
    s10 = multiplyAdd64(x, b0, s10);
    s11 = multiplyAdd64(x, b1, s11);
    x = v128.load64_splat(a, 16);
    s20 = multiplyAdd64(x, b0, s20);
    s21 = multiplyAdd64(x, b1, s21);
    x = v128.load64_splat(a, 24);
    s30 = multiplyAdd64(x, b0, s30);
    s31 = multiplyAdd64(x, b1, s31);
    a += 32;
    b += 32;
  }
  v128.store(out0, s00);
  v128.store(out0, s01, 16);
  v128.store(out1, s10);
  v128.store(out1, s11, 16);
  v128.store(out2, s20);
  v128.store(out2, s21, 16);
  v128.store(out3, s30);
  v128.store(out3, s31, 16);
}

/**
 * target += AᵀB. A has `rows` rows in `aPanels` panels, B likewise; the target has 4·aPanels rows in bPanels panels.
 */
export function addCrossProduct(a: u32, aPanels: u32, b: u32, bPanels: u32, rows: u32, target: u32): void {
  addCrossPanels(a, aPanels, 0, aPanels, b, bPanels, rows, target);
}

/** The same for panels [from, to) of A alone, that is rows [4·from, 4·to) of the target. */
export function addCrossPanels(
  a: u32, aPanels: u32, from: u32, to: u32, b: u32, bPanels: u32, rows: u32, target: u32,
): void {
  const panelBytes = rows << 5;
  for (let p = from; p < to; p++) {
    for (let q: u32 = 0; q < bPanels; q++) {
      const tile = target + ((q * aPanels + p) << 7);
      addCrossTile(a + p * panelBytes, b + q * panelBytes, rows, tile, tile + 32, tile + 64, tile + 96);
    }
  }
}

/**
 * Rows [from, to), multiples of 4, of target += A·M. A has `rows` rows (a multiple of 4) in `aPanels` panels, M has
 * 4·aPanels rows in `mPanels` panels, the target `rows` rows in mPanels panels. Rows are taken in fours inside a
 * panel of M, so that the panel stays in the cache.
 */
export function addProduct(
  a: u32, aPanels: u32, rows: u32, from: u32, to: u32, m: u32, mPanels: u32, target: u32,
): void {
  const panelBytes = rows << 5;
  for (let q: u32 = 0; q < mPanels; q++) {
    const panel = m + ((q * aPanels) << 7);
    for (let r = from; r < to; r += 4) {
      const tile = target + q * panelBytes + (r << 5);
      let s00 = v128.load(tile), s01 = v128.load(tile, 16);
      let s10 = v128.load(tile, 32), s11 = v128.load(tile, 48);
      let s20 = v128.load(tile, 64), s21 = v128.load(tile, 80);
      let s30 = v128.load(tile, 96), s31 = v128.load(tile, 112);
      let x = a + (r << 5);
      let w = panel;
      const end = w + (aPanels << 7);
      while (w < end) {
        for (let c: u32 = 0; c < 4; c++) {
          const b0 = v128.load(w);
          const b1 = v128.load(w, 16);
          const from = x + (c << 3);
          let value = v128.load64_splat(from);
          s00 = multiplyAdd64(value, b0, s00);
          s01 = multiplyAdd64(value, b1, s01);
          value = v128.load64_splat(from, 32);
          s10 = multiplyAdd64(value, b0, s10);
          s11 = multiplyAdd64(value, b1, s11);
          value = v128.load64_splat(from, 64);
          s20 = multiplyAdd64(value, b0, s20);
          s21 = multiplyAdd64(value, b1, s21);
          value = v128.load64_splat(from, 96);
          s30 = multiplyAdd64(value, b0, s30);
          s31 = multiplyAdd64(value, b1, s31);
          w += 32;
        }
        x += panelBytes;
      }
      v128.store(tile, s00);
      v128.store(tile, s01, 16);
      v128.store(tile, s10, 32);
      v128.store(tile, s11, 48);
      v128.store(tile, s20, 64);
      v128.store(tile, s21, 80);
      v128.store(tile, s30, 96);
      v128.store(tile, s31, 112);
    }
  }
}
