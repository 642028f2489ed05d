/**
 * Sixteen stored rows of floats, scaled, bounded and packed (packRows.ts) in one go: to the bit what gather32Float32, clamp32 and
 * packFloatRows32 make one after the other, without the rows lying in between.
 */
import { storeTransposed } from './packRows';

/** Four features of a row: multiply and add in doubles, rounded to floats, within [−limit, limit]; NaN stays NaN. */
// @ts-ignore: decorator
@inline
function scaledQuad(address: u32, m0: v128, m1: v128, a0: v128, a1: v128, lowest: v128, highest: v128): v128 {
  const x = v128.load(address);
  const high = i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  const y0 = f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(x), m0), a0));
  const y1 = f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(high), m1), a1));
  const y = i8x16.shuffle(y0, y1, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
  return f32x4.pmax(f32x4.pmin(y, highest), lowest);
}

/** See src/arithmetic/packScaled.ts for the parameters. */
export function packScaledRows32(
  source: u32, rowBytes: u32, first: u32, d: u32, scaling: u32, limit: f64, target: u32
): void {
  const lowest = f32x4.splat(<f32>-limit);
  const highest = f32x4.splat(<f32>limit);
  const addOffset = d << 3;
  const panel = target + ((first * d) << 2);
  for (let q: u32 = 0; q < 16; q += 4) {
    const row = source + q * rowBytes;
    const out = panel + (q << 2);
    let j: u32 = 0;
    for (; j + 4 <= d; j += 4) {
      const scale = scaling + (j << 3);
      const m0 = v128.load(scale);
      const m1 = v128.load(scale, 16);
      const a0 = v128.load(scale + addOffset);
      const a1 = v128.load(scale + addOffset, 16);
      const at = row + (j << 2);
      storeTransposed(
        scaledQuad(at, m0, m1, a0, a1, lowest, highest),
        scaledQuad(at + rowBytes, m0, m1, a0, a1, lowest, highest),
        scaledQuad(at + 2 * rowBytes, m0, m1, a0, a1, lowest, highest),
        scaledQuad(at + 3 * rowBytes, m0, m1, a0, a1, lowest, highest),
        out + (j << 6)
      );
    }
    for (; j < d; j++) {
      for (let r: u32 = 0; r < 4; r++) {
        const x = <f64>load<f32>(row + r * rowBytes + (j << 2));
        const y = <f32>(x * load<f64>(scaling + (j << 3)) + load<f64>(scaling + addOffset + (j << 3)));
        store<f32>(out + (j << 6) + (r << 2), max<f32>(min<f32>(y, <f32>limit), <f32>-limit));
      }
    }
  }
}
