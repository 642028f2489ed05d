/**
 * Products of a tile of a kernel matrix with blocks of vectors. A part of the tile is turned into doubles once, in the
 * thread's scratch, where it stays in the first cache; from there every entry is multiplied with all columns.
 *
 * Each sum is taken one product at a time in the order of its index, in registers, so the result does not depend on how
 * a tile is cut into calls.
 */
import { areOrdinary, halvesToFloats, ordinaryHalves, seeFourHalves, seeHalves } from './halfFloats';
import { multiplyAdd64 } from './multiplyAdd';

/** Output rows and summed-over rows of the part that lies in scratch: 32 · 64 doubles are 16 KiB. */
const OUTPUTS: u32 = 32;
const INNER: u32 = 64;

// @ts-ignore: decorator
@inline
function storeFloats(target: u32, floats: v128): void {
  v128.store(target, f64x2.promote_low_f32x4(floats));
  v128.store(target, f64x2.promote_low_f32x4(i8x16.shuffle(floats, floats, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)), 16);
}

/** Rows of binary16 numbers to doubles; `ORDINARY`, a constant where it is inlined: see `areOrdinary`. */
// @ts-ignore: decorator
@inline
function convertHalves(ORDINARY: bool, source: u32, stride: u32, rows: u32, columns: u32, target: u32): void {
  const fours = columns & ~3;
  for (let r: u32 = 0; r < rows; r++) {
    let c: u32 = 0;
    for (; c < fours; c += 4) {
      const from = source + (c << 1);
      storeFloats(target + (c << 3), ORDINARY ? ordinaryHalves(from) : halvesToFloats(v128.load16x4_u(from)));
    }
    for (; c < columns; c++) {
      const bits = i32x4.splat(load<u16>(source + (c << 1)));
      store<f64>(target + (c << 3), f32x4.extract_lane(halvesToFloats(bits), 0));
    }
    source += stride << 1;
    target += columns << 3;
  }
}

/** Rows of entries (dtype 0 float16, 1 float32, 2 float64), `stride` entries apart, to doubles, `columns` apart. */
export function toDoubles(source: u32, dtype: u32, stride: u32, rows: u32, columns: u32, target: u32): void {
  if (dtype == 0) {
    // Looked at beforehand: one conversion of a small number takes longer than looking at them all.
    let seen = i16x8.splat(0);
    let row = source;
    for (let r: u32 = 0; r < rows; r++, row += stride << 1) {
      for (let c: u32 = 0; c + 8 <= columns; c += 8) seen = seeHalves(seen, row + (c << 1));
      if ((columns & 7) >= 4) seen = seeFourHalves(seen, row + ((columns & ~7) << 1));
    }
    if (areOrdinary(seen)) convertHalves(true, source, stride, rows, columns, target);
    else convertHalves(false, source, stride, rows, columns, target);
    return;
  }
  const fours = columns & ~3;
  for (let r: u32 = 0; r < rows; r++) {
    let c: u32 = 0;
    if (dtype == 1) {
      for (; c < fours; c += 4) storeFloats(target + (c << 3), v128.load(source + (c << 2)));
      for (; c < columns; c++) store<f64>(target + (c << 3), load<f32>(source + (c << 2)));
    } else {
      memory.copy(target, source, columns << 3);
    }
    source += stride << (dtype + 1);
    target += columns << 3;
  }
}

/**
 * out_o[c] += Σ_i block(o, i)·v[i][c] for two outputs and `PAIRS` (3 or 4, a constant where it is inlined) pairs of
 * columns. Element (o, i) of the block is given by the address of (o, 0) and the step from one i to the next.
 */
// @ts-ignore: decorator
@inline
function addTwo(PAIRS: u32, b0: u32, b1: u32, step: u32, inner: u32, v: u32, vStep: u32, out0: u32, out1: u32): void {
  let s00 = v128.load(out0), s01 = v128.load(out0, 16), s02 = v128.load(out0, 32);
  let s10 = v128.load(out1), s11 = v128.load(out1, 16), s12 = v128.load(out1, 32);
  let s03 = f64x2.splat(0), s13 = f64x2.splat(0);
  if (PAIRS > 3) {
    s03 = v128.load(out0, 48);
    s13 = v128.load(out1, 48);
  }
  for (let i: u32 = 0; i < inner; i++) {
    const x0 = v128.load64_splat(b0);
    const x1 = v128.load64_splat(b1);
    let w = v128.load(v);
    s00 = multiplyAdd64(x0, w, s00);
    s10 = multiplyAdd64(x1, w, s10);
    w = v128.load(v, 16);
    s01 = multiplyAdd64(x0, w, s01);
    s11 = multiplyAdd64(x1, w, s11);
    w = v128.load(v, 32);
    s02 = multiplyAdd64(x0, w, s02);
    s12 = multiplyAdd64(x1, w, s12);
    if (PAIRS > 3) {
      w = v128.load(v, 48);
      s03 = multiplyAdd64(x0, w, s03);
      s13 = multiplyAdd64(x1, w, s13);
    }
    b0 += step;
    b1 += step;
    v += vStep;
  }
  v128.store(out0, s00);
  v128.store(out0, s01, 16);
  v128.store(out0, s02, 32);
  v128.store(out1, s10);
  v128.store(out1, s11, 16);
  v128.store(out1, s12, 32);
  if (PAIRS > 3) {
    v128.store(out0, s03, 48);
    v128.store(out1, s13, 48);
  }
}

/** The same for four outputs and 1 or 2 pairs of columns; outputs are `bStep` and `vStep` apart. */
// @ts-ignore: decorator
@inline
function addFour(
  PAIRS: u32, b0: u32, b1: u32, b2: u32, b3: u32, step: u32, inner: u32, v: u32, vStep: u32,
  out0: u32, out1: u32, out2: u32, out3: u32,
): void {
  let s00 = v128.load(out0), s10 = v128.load(out1), s20 = v128.load(out2), s30 = v128.load(out3);
  let s01 = f64x2.splat(0), s11 = f64x2.splat(0), s21 = f64x2.splat(0), s31 = f64x2.splat(0);
  if (PAIRS > 1) {
    s01 = v128.load(out0, 16);
    s11 = v128.load(out1, 16);
    s21 = v128.load(out2, 16);
    s31 = v128.load(out3, 16);
  }
  for (let i: u32 = 0; i < inner; i++) {
    const x0 = v128.load64_splat(b0);
    const x1 = v128.load64_splat(b1);
    const x2 = v128.load64_splat(b2);
    const x3 = v128.load64_splat(b3);
    let w = v128.load(v);
    s00 = multiplyAdd64(x0, w, s00);
    s10 = multiplyAdd64(x1, w, s10);
    s20 = multiplyAdd64(x2, w, s20);
    s30 = multiplyAdd64(x3, w, s30);
    if (PAIRS > 1) {
      w = v128.load(v, 16);
      s01 = multiplyAdd64(x0, w, s01);
      s11 = multiplyAdd64(x1, w, s11);
      s21 = multiplyAdd64(x2, w, s21);
      s31 = multiplyAdd64(x3, w, s31);
    }
    b0 += step;
    b1 += step;
    b2 += step;
    b3 += step;
    v += vStep;
  }
  v128.store(out0, s00);
  v128.store(out1, s10);
  v128.store(out2, s20);
  v128.store(out3, s30);
  if (PAIRS > 1) {
    v128.store(out0, s01, 16);
    v128.store(out1, s11, 16);
    v128.store(out2, s21, 16);
    v128.store(out3, s31, 16);
  }
}

/** Outputs four by four. Behind the last one it stands in for those that are missing: equal sums are stored again. */
// @ts-ignore: decorator
@inline
function addInFours(
  PAIRS: u32, block: u32, bStep: u32, step: u32, outputs: u32, inner: u32, v: u32, vStep: u32, target: u32,
): void {
  for (let o: u32 = 0; o < outputs; o += 4) {
    const o1 = min(o + 1, outputs - 1), o2 = min(o + 2, outputs - 1), o3 = min(o + 3, outputs - 1);
    addFour(
      PAIRS, block + o * bStep, block + o1 * bStep, block + o2 * bStep, block + o3 * bStep, step, inner, v, vStep,
      target + o * vStep, target + o1 * vStep, target + o2 * vStep, target + o3 * vStep,
    );
  }
}

// @ts-ignore: decorator
@inline
function addInTwos(
  PAIRS: u32, block: u32, bStep: u32, step: u32, outputs: u32, inner: u32, v: u32, vStep: u32, target: u32,
): void {
  for (let o: u32 = 0; o < outputs; o += 2) {
    const o1 = min(o + 1, outputs - 1);
    addTwo(PAIRS, block + o * bStep, block + o1 * bStep, step, inner, v, vStep, target + o * vStep, target + o1 * vStep);
  }
}

/** target[o][c] += Σ_i block(o, i)·v[i][c] for `width` columns, in groups of at most eight: more would not fit the registers. */
function addBlock(
  block: u32, bStep: u32, step: u32, outputs: u32, inner: u32, v: u32, width: u32, target: u32,
): void {
  const vStep = width << 3;
  let left = width >> 1;
  while (left > 0) {
    // 3 + 2 and 3 + 3 rather than 4 + 1 and 4 + 2: narrow groups load more for each product.
    const pairs: u32 = left == 5 || left == 6 ? 3 : min<u32>(left, 4);
    if (pairs == 4) addInTwos(4, block, bStep, step, outputs, inner, v, vStep, target);
    else if (pairs == 3) addInTwos(3, block, bStep, step, outputs, inner, v, vStep, target);
    else if (pairs == 2) addInFours(2, block, bStep, step, outputs, inner, v, vStep, target);
    else addInFours(1, block, bStep, step, outputs, inner, v, vStep, target);
    left -= pairs;
    v += pairs << 4;
    target += pairs << 4;
  }
}

/** target[r][c] += Σ_s K[r][s]·v[s][c]. */
export function addTileProduct(
  tile: u32, dtype: u32, stride: u32, rows: u32, columns: u32, v: u32, width: u32, target: u32, scratch: u32,
): void {
  const shift = dtype + 1;
  for (let r: u32 = 0; r < rows; r += OUTPUTS) {
    const outputs = min(OUTPUTS, rows - r);
    for (let s: u32 = 0; s < columns; s += INNER) {
      const inner = min(INNER, columns - s);
      toDoubles(tile + ((r * stride + s) << shift), dtype, stride, outputs, inner, scratch);
      addBlock(scratch, inner << 3, 8, outputs, inner, v + ((s * width) << 3), width, target + ((r * width) << 3));
    }
  }
}

/** target[s][c] += Σ_r K[r][s]·u[r][c]. */
export function addTransposedTileProduct(
  tile: u32, dtype: u32, stride: u32, rows: u32, columns: u32, u: u32, width: u32, target: u32, scratch: u32,
): void {
  const shift = dtype + 1;
  for (let s: u32 = 0; s < columns; s += OUTPUTS) {
    const outputs = min(OUTPUTS, columns - s);
    for (let r: u32 = 0; r < rows; r += INNER) {
      const inner = min(INNER, rows - r);
      toDoubles(tile + ((r * stride + s) << shift), dtype, stride, inner, outputs, scratch);
      addBlock(scratch, 8, outputs << 3, outputs, inner, u + ((r * width) << 3), width, target + ((s * width) << 3));
    }
  }
}
