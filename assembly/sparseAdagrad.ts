/** AdaGrad on sparse rows, which lie as in sparse.ts. */
import { HEADER, rowAt, scaled, value32 } from './sparse';

/** e^x for x ≤ 0, relative error below 1e−13: 2ⁿ·e^r, e^r by its Taylor polynomial. (The standard library's has tables in the arena's memory.) */
// @ts-ignore: decorator
@inline
function exp64(x: f64): f64 {
  const bounded = max<f64>(x, -700);
  const n = nearest<f64>(bounded * 1.4426950408889634);
  const r = bounded - n * 0.6931471803691238 - n * 1.9082149292705877e-10;
  let p: f64 = 1;
  for (let i: i32 = 13; i > 0; i--) p = 1 + (p * r) / <f64>i;
  return p * reinterpret<f64>((<i64>n + 1023) << 52);
}

/**
 * AdaGrad, lazily: brings the weights of the features of rows order[from … from + count) up to date with both penalties. Feature j
 * has been left alone while the sum of the rates grew by τ = total − seen[j]; its weight v with the sum of squares G follows
 * dv = −(decay·v + l1·sign v)·dτ/(√G + ε): v(τ) = (v + l1/decay)·e^(−decay·τ/(√G + ε)) − l1/decay for v > 0, 0 from where it meets 0.
 */
export function sparseAdagradSettle(
  base: u32, order: u32, from: u32, count: u32, w: u32, squares: u32, k: u32, seen: u32, total: f64, decay: f64, l1: f64, epsilon: f64,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(base, order, from + i);
    const first = row + HEADER;
    for (let p = first, last = first + (load<u32>(row) << 2); p < last; p += 4) {
      const j = load<u32>(p);
      const time = total - load<f64>(seen + (j << 3));
      if (time == 0) continue;
      store<f64>(seen + (j << 3), total);
      for (let at = j * (k << 2), end = at + (k << 2); at < end; at += 4) {
        const v = <f64>load<f32>(w + at);
        if (v == 0) continue;
        const tau = time / (sqrt(<f64>load<f32>(squares + at)) + epsilon);
        let size = abs(v);
        if (decay > 0) {
          const power = exp64(-decay * tau);
          size = size * power - (l1 / decay) * (1 - power);
        } else size -= l1 * tau;
        store<f32>(w + at, size > 0 ? <f32>copysign(size, v) : 0);
      }
    }
  }
}

/** AdaGrad: g = scale·slope·x of each nonzero, G += g², w −= rate·g/(√G + ε). */
export function sparseAdagradStep(
  base: u32, order: u32, from: u32, count: u32, code: u32, w: u32, squares: u32, k: u32, factors: u32, slopes: u32, scale: f32, rate: f32, epsilon: f32,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(base, order, from + i);
    const m = load<u32>(row);
    const indices = row + HEADER;
    const values = indices + (m << 2);
    const slope = slopes + i * (k << 2);
    for (let t: u32 = 0; t < m; t++) {
      const j = load<u32>(indices + (t << 2));
      const x = scaled(scale * value32(values, t, code), factors, j << 2);
      for (let c: u32 = 0; c < k; c++) {
        const at = (j * k + c) << 2;
        const g = x * load<f32>(slope + (c << 2));
        if (g == 0) continue;
        const sum = load<f32>(squares + at) + g * g;
        store<f32>(squares + at, sum);
        store<f32>(w + at, load<f32>(w + at) - (rate * g) / (sqrt(sum) + epsilon));
      }
    }
  }
}
