/**
 * Softmax cross-entropy of m rows of k scores, in place: the plain reference is src/ssgd/losses/softmax.ts.
 *
 *   p_c = exp(s_c − max s) / Σ exp,   slopes p_c − [c = y],   loss log Σ exp(s_c − max s) + max s − s_y
 *
 * scores   m × k floats, become the slopes; up to 12 bytes behind them are read and overwritten
 * labels   m doubles
 * result   two doubles: the sum of the losses, the number of rows whose first largest score is their label's
 */

/** exp(x) for x ≤ 0 on four floats, below 2 ulp: 2ⁿ·e^r, n = round(x/ln 2), |r| ≤ ½ ln 2, e^r by its Taylor polynomial of degree 7. */
// @ts-ignore: decorator
@inline
function exp32(x: v128): v128 {
  // Below −87 the result is no normal float; there it is taken at −87, which is 1.6e−38. NaN stays NaN.
  const bounded = f32x4.max(x, f32x4.splat(-87));
  const n = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(1.44269504)));
  // ln 2 in two parts, so that n·ln 2 is subtracted without rounding.
  let r = f32x4.sub(bounded, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.add(f32x4.mul(r, f32x4.splat(1.98412698e-4)), f32x4.splat(1.38888889e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.33333333e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.16666667e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.66666667e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  // Adding n to the exponent multiplies by 2ⁿ.
  return i32x4.add(p, i32x4.shl(i32x4.trunc_sat_f32x4_s(n), 23));
}

/**
 * log(x) for finite x ≥ 1, relative error below 1e−14: x = 2ⁿ·f with f in [√½, √2), log f = 2·artanh((f−1)/(f+1)).
 * (The standard library's would place its tables in memory that belongs to the arena.)
 */
// @ts-ignore: decorator
@inline
function log64(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let n = <i32>(bits >> 52) - 1023;
  let f = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (f > 1.4142135623730951) {
    f *= 0.5;
    n++;
  }
  const s = (f - 1) / (f + 1);
  const z = s * s;
  let sum: f64 = 1.0 / 17.0;
  sum = sum * z + 1.0 / 15.0;
  sum = sum * z + 1.0 / 13.0;
  sum = sum * z + 1.0 / 11.0;
  sum = sum * z + 1.0 / 9.0;
  sum = sum * z + 1.0 / 7.0;
  sum = sum * z + 1.0 / 5.0;
  sum = sum * z + 1.0 / 3.0;
  sum = sum * z + 1.0;
  return 2 * s * sum + <f64>n * 0.6931471805599453;
}

export function softmaxSlopes(scores: u32, m: u32, k: u32, labels: u32, result: u32): void {
  const rowBytes = k << 2;
  let lossSum: f64 = 0;
  let right: u32 = 0;
  for (let i: u32 = 0; i < m; i++) {
    const row = scores + i * rowBytes;
    let largest = load<f32>(row);
    let first: u32 = 0;
    for (let c: u32 = 1; c < k; c++) {
      const score = load<f32>(row + (c << 2));
      if (score > largest) {
        largest = score;
        first = c;
      }
    }
    const label = <u32>load<f64>(labels + (i << 3));
    if (first == label) right++;
    lossSum += <f64>largest - <f64>load<f32>(row + (label << 2));
    for (let c: u32 = 0; c < k; c++) store<f32>(row + (c << 2), load<f32>(row + (c << 2)) - largest);
  }
  for (let at = scores, end = scores + m * rowBytes; at < end; at += 16) v128.store(at, exp32(v128.load(at)));
  for (let i: u32 = 0; i < m; i++) {
    const row = scores + i * rowBytes;
    let total: f32 = 0;
    for (let c: u32 = 0; c < k; c++) total += load<f32>(row + (c << 2));
    lossSum += total >= 1 ? log64(<f64>total) : NaN;
    const share = <f32>1 / total;
    for (let c: u32 = 0; c < k; c++) store<f32>(row + (c << 2), load<f32>(row + (c << 2)) * share);
    const place = row + (<u32>load<f64>(labels + (i << 3)) << 2);
    store<f32>(place, load<f32>(place) - 1);
  }
  store<f64>(result, lossSum);
  store<f64>(result + 8, <f64>right);
}
