/**
 * Products of float32 matrices, summed in floats over at most 64 terms and from there in doubles: twice as fast as sums
 * of doubles, and as exact as the rounding of the operands. Preconditioners are made of them.
 */
import { multiplyAdd32 } from './multiplyAdd';

/** Terms of a sum of floats. */
const TERMS: u32 = 64;
/** Output rows worked on while a part of v stays in the first cache. */
const OUTPUTS: u32 = 64;

/** Adds four floats to four doubles. */
// @ts-ignore: decorator
@inline
function addWide(target: u32, sums: v128): void {
  const high = i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  v128.store(target, f64x2.add(v128.load(target), f64x2.promote_low_f32x4(sums)));
  v128.store(target, f64x2.add(v128.load(target, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** out_o[c] += Σ_i a(o, i)·v[i][c] for two outputs and `QUADS` (1 or 4, a constant where it is inlined) times 4 columns. */
// @ts-ignore: decorator
@inline
function addTwo(QUADS: u32, a0: u32, a1: u32, step: u32, terms: u32, v: u32, vStep: u32, out0: u32, out1: u32): void {
  let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s02 = f32x4.splat(0), s03 = f32x4.splat(0);
  let s10 = f32x4.splat(0), s11 = f32x4.splat(0), s12 = f32x4.splat(0), s13 = f32x4.splat(0);
  for (let i: u32 = 0; i < terms; i++) {
    const x0 = v128.load32_splat(a0);
    const x1 = v128.load32_splat(a1);
    let w = v128.load(v);
    s00 = multiplyAdd32(x0, w, s00);
    s10 = multiplyAdd32(x1, w, s10);
    if (QUADS > 1) {
      w = v128.load(v, 16);
      s01 = multiplyAdd32(x0, w, s01);
      s11 = multiplyAdd32(x1, w, s11);
      w = v128.load(v, 32);
      s02 = multiplyAdd32(x0, w, s02);
      s12 = multiplyAdd32(x1, w, s12);
      w = v128.load(v, 48);
      s03 = multiplyAdd32(x0, w, s03);
      s13 = multiplyAdd32(x1, w, s13);
    }
    a0 += step;
    a1 += step;
    v += vStep;
  }
  addWide(out0, s00);
  if (QUADS > 1) {
    addWide(out0 + 32, s01);
    addWide(out0 + 64, s02);
    addWide(out0 + 96, s03);
  }
  if (out1 == out0) return;
  addWide(out1, s10);
  if (QUADS > 1) {
    addWide(out1 + 32, s11);
    addWide(out1 + 64, s12);
    addWide(out1 + 96, s13);
  }
}

// @ts-ignore: decorator
@inline
function addInTwos(
  QUADS: u32, a: u32, aStep: u32, step: u32, outputs: u32, terms: u32, v: u32, vStep: u32, target: u32, outStep: u32,
): void {
  for (let o: u32 = 0; o < outputs; o += 2) {
    const o1 = min(o + 1, outputs - 1);
    addTwo(QUADS, a + o * aStep, a + o1 * aStep, step, terms, v, vStep, target + o * outStep, target + o1 * outStep);
  }
}

/**
 * target[o][c] += Σ_i A(o, i)·v[i][c] for o < outputs, i < terms, c < width (a multiple of 4). Element (o, i) of A lies at
 * a + 4·(o·outputStride + i·termStride), so A may be read transposed; v has rows of vStride floats, the target is
 * [outputs][width] doubles.
 */
export function addFloatProduct(
  a: u32, outputStride: u32, termStride: u32, outputs: u32, terms: u32, v: u32, vStride: u32, width: u32, target: u32,
): void {
  const aStep = outputStride << 2, step = termStride << 2, vStep = vStride << 2, outStep = width << 3;
  for (let i: u32 = 0; i < terms; i += TERMS) {
    const count = min(TERMS, terms - i);
    for (let o: u32 = 0; o < outputs; o += OUTPUTS) {
      const rows = min(OUTPUTS, outputs - o);
      const block = a + o * aStep + i * step;
      const from = v + i * vStep;
      const to = target + o * outStep;
      let c: u32 = 0;
      for (; c + 16 <= width; c += 16) addInTwos(4, block, aStep, step, rows, count, from + (c << 2), vStep, to + (c << 3), outStep);
      for (; c < width; c += 4) addInTwos(1, block, aStep, step, rows, count, from + (c << 2), vStep, to + (c << 3), outStep);
    }
  }
}
