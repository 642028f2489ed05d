/**
 * Squared norms of the 16 rows of a panel (packRows.ts), to the bit what the products of rows give for a row with itself,
 * without the products with the other fifteen.
 */
import { quadBytes, quadForm } from './packRows';
import { addProduct, addSums, blockLength, stepBytes, stepsOf } from './rowProducts';

/** Sums of x·y over the steps of a panel of first factors and one of second factors; `onward`: added to the target. */
// @ts-ignore: decorator
@inline
function panelNorms<T>(first: u32, second: u32, steps: u32, target: u32, onward: bool): void {
  const step = stepBytes<T>();
  const length = blockLength<T>(steps);
  // Four vectors at once: a step of doubles has eight.
  for (let part: u32 = 0; part < step; part += 64) {
    let n0 = i32x4.splat(0), n1 = i32x4.splat(0), n2 = i32x4.splat(0), n3 = i32x4.splat(0);
    for (let s: u32 = 0; s < steps; s += length) {
      let s0 = i32x4.splat(0), s1 = i32x4.splat(0), s2 = i32x4.splat(0), s3 = i32x4.splat(0);
      let x = first + s * step + part;
      let y = second + s * step + part;
      for (const end = first + min(s + length, steps) * step; x < end; x += step, y += step) {
        s0 = addProduct<T>(s0, v128.load(x), v128.load(y));
        s1 = addProduct<T>(s1, v128.load(x, 16), v128.load(y, 16));
        s2 = addProduct<T>(s2, v128.load(x, 32), v128.load(y, 32));
        s3 = addProduct<T>(s3, v128.load(x, 48), v128.load(y, 48));
      }
      n0 = s == 0 ? s0 : addSums<T>(s0, n0);
      n1 = s == 0 ? s1 : addSums<T>(s1, n1);
      n2 = s == 0 ? s2 : addSums<T>(s2, n2);
      n3 = s == 0 ? s3 : addSums<T>(s3, n3);
    }
    const out = target + part;
    v128.store(out, onward ? addSums<T>(n0, v128.load(out)) : n0);
    v128.store(out, onward ? addSums<T>(n1, v128.load(out, 16)) : n1, 16);
    v128.store(out, onward ? addSums<T>(n2, v128.load(out, 32)) : n2, 32);
    v128.store(out, onward ? addSums<T>(n3, v128.load(out, 48)) : n3, 48);
  }
}

/** See src/arithmetic/rowNorms.ts for the parameters of the exported functions. */
export function byteNorms(block: u32, capacity: u32, first: u32, d: u32, target: u32): void {
  if (quadForm() == 0) {
    const steps = stepsOf<i32>(d);
    const panel = block + (first >> 4) * steps * stepBytes<i32>();
    panelNorms<i32>(panel, panel, steps, target, false);
    return;
  }
  const steps = stepsOf<u32>(d);
  const bytes = quadBytes(d, capacity);
  const sums = block + 2 * bytes + (first << 2);
  for (let r: u32 = 0; r < 64; r += 16) {
    v128.store(target + r, i32x4.add(v128.load(sums + r), v128.load(sums + (capacity << 2) + r)));
  }
  const panel = block + (first >> 4) * steps * stepBytes<u32>();
  panelNorms<u32>(panel, panel + bytes, steps, target, true);
}

export function floatNorms32(block: u32, first: u32, d: u32, target: u32, onward: u32): void {
  const panel = block + (first >> 4) * d * stepBytes<f32>();
  panelNorms<f32>(panel, panel, d, target, onward != 0);
}

export function floatNorms64(block: u32, first: u32, d: u32, target: u32, onward: u32): void {
  const panel = block + (first >> 4) * d * stepBytes<f64>();
  panelNorms<f64>(panel, panel, d, target, onward != 0);
}
