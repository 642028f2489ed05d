/**
 * Gradients and update steps of a linear model on m rows.
 *
 *   g[c][j] = scale · Σᵢ slopes[i·k + c] · x[i][j]  +  decay · w[c][j]
 *
 * where slopes are the derivatives of the losses by the scores, scale is 1/m, decay is reg/n.
 * All matrices are floats with rows `stride` floats apart (a multiple of 16). Features j are those of [from, to), both
 * multiples of 16: threads share the features among themselves, and each place gets the same sum however they do.
 */
import { multiplyAdd32 } from './multiplyAdd';

/** What becomes of the gradient of one place: stored, or used at once. */
const STORE: i32 = 0;
const MOMENTUM: i32 = 1;
const NESTEROV: i32 = 2;

// @ts-ignore: decorator
@inline
function apply(mode: i32, sum: v128, w: u32, v: u32, scale: v128, decay: v128, rate: v128, momentum: v128): void {
  const weights = v128.load(w);
  const gradient = multiplyAdd32(decay, weights, f32x4.mul(scale, sum));
  if (mode == STORE) {
    v128.store(v, gradient);
    return;
  }
  // Δ ← rate·g + momentum·Δ
  const change = multiplyAdd32(rate, gradient, f32x4.mul(momentum, v128.load(v)));
  v128.store(v, change);
  // W ← W − Δ, or with Nesterov's look-ahead W ← W − (rate·g + momentum·Δ)
  if (mode == MOMENTUM) v128.store(w, f32x4.sub(weights, change));
  else v128.store(w, f32x4.sub(weights, multiplyAdd32(rate, gradient, f32x4.mul(momentum, change))));
}

// @ts-ignore: decorator
@inline
function update(
  mode: i32, x: u32, m: u32, stride: u32, from: u32, to: u32, slopes: u32, k: u32, w: u32, v: u32, scaleBy: f32, decayBy: f32, rateBy: f32, momentumBy: f32,
): void {
  const rowBytes = stride << 2;
  const first = from << 2;
  const last = to << 2;
  const slopeBytes = k << 2;
  const scale = f32x4.splat(scaleBy);
  const decay = f32x4.splat(decayBy);
  const rate = f32x4.splat(rateBy);
  const momentum = f32x4.splat(momentumBy);
  const lastSlope = slopes + m * slopeBytes;
  let c: u32 = 0;
  // Five columns × eight features: ten running sums in registers.
  for (; c + 5 <= k; c += 5) {
    const offset = c * rowBytes;
    for (let j = first; j < last; j += 32) {
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0;
      let b0 = a0, b1 = a0, b2 = a0, b3 = a0, b4 = a0;
      let p = x + j;
      for (let s = slopes + (c << 2), end = lastSlope + (c << 2); s < end; s += slopeBytes, p += rowBytes) {
        const x0 = v128.load(p);
        const x1 = v128.load(p, 16);
        let slope = v128.load32_splat(s);
        a0 = multiplyAdd32(slope, x0, a0);
        b0 = multiplyAdd32(slope, x1, b0);
        slope = v128.load32_splat(s, 4);
        a1 = multiplyAdd32(slope, x0, a1);
        b1 = multiplyAdd32(slope, x1, b1);
        slope = v128.load32_splat(s, 8);
        a2 = multiplyAdd32(slope, x0, a2);
        b2 = multiplyAdd32(slope, x1, b2);
        slope = v128.load32_splat(s, 12);
        a3 = multiplyAdd32(slope, x0, a3);
        b3 = multiplyAdd32(slope, x1, b3);
        slope = v128.load32_splat(s, 16);
        a4 = multiplyAdd32(slope, x0, a4);
        b4 = multiplyAdd32(slope, x1, b4);
      }
      let at = offset + j;
      apply(mode, a0, w + at, v + at, scale, decay, rate, momentum);
      apply(mode, b0, w + at + 16, v + at + 16, scale, decay, rate, momentum);
      at += rowBytes;
      apply(mode, a1, w + at, v + at, scale, decay, rate, momentum);
      apply(mode, b1, w + at + 16, v + at + 16, scale, decay, rate, momentum);
      at += rowBytes;
      apply(mode, a2, w + at, v + at, scale, decay, rate, momentum);
      apply(mode, b2, w + at + 16, v + at + 16, scale, decay, rate, momentum);
      at += rowBytes;
      apply(mode, a3, w + at, v + at, scale, decay, rate, momentum);
      apply(mode, b3, w + at + 16, v + at + 16, scale, decay, rate, momentum);
      at += rowBytes;
      apply(mode, a4, w + at, v + at, scale, decay, rate, momentum);
      apply(mode, b4, w + at + 16, v + at + 16, scale, decay, rate, momentum);
    }
  }
  // One column × sixteen features.
  for (; c < k; c++) {
    const offset = c * rowBytes;
    for (let j = first; j < last; j += 64) {
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
      let p = x + j;
      for (let s = slopes + (c << 2), end = lastSlope + (c << 2); s < end; s += slopeBytes, p += rowBytes) {
        const slope = v128.load32_splat(s);
        a0 = multiplyAdd32(slope, v128.load(p), a0);
        a1 = multiplyAdd32(slope, v128.load(p, 16), a1);
        a2 = multiplyAdd32(slope, v128.load(p, 32), a2);
        a3 = multiplyAdd32(slope, v128.load(p, 48), a3);
      }
      const at = offset + j;
      apply(mode, a0, w + at, v + at, scale, decay, rate, momentum);
      apply(mode, a1, w + at + 16, v + at + 16, scale, decay, rate, momentum);
      apply(mode, a2, w + at + 32, v + at + 32, scale, decay, rate, momentum);
      apply(mode, a3, w + at + 48, v + at + 48, scale, decay, rate, momentum);
    }
  }
}

/** target[c][j] = g[c][j]. */
export function gradient32(
  x: u32, m: u32, stride: u32, from: u32, to: u32, slopes: u32, k: u32, w: u32, target: u32, scale: f32, decay: f32,
): void {
  update(STORE, x, m, stride, from, to, slopes, k, w, target, scale, decay, 0, 0);
}

/** Δ ← rate·g + momentum·Δ, W ← W − Δ (Polyak's heavy ball; the rule of 2016). `v` is the address of Δ. */
export function momentumStep(
  x: u32, m: u32, stride: u32, from: u32, to: u32, slopes: u32, k: u32, w: u32, v: u32, scale: f32, decay: f32, rate: f32,
  momentum: f32,
): void {
  update(MOMENTUM, x, m, stride, from, to, slopes, k, w, v, scale, decay, rate, momentum);
}

/** The same with Nesterov's look-ahead in the form of Sutskever et al. (2013). */
export function nesterovStep(
  x: u32, m: u32, stride: u32, from: u32, to: u32, slopes: u32, k: u32, w: u32, v: u32, scale: f32, decay: f32, rate: f32,
  momentum: f32,
): void {
  update(NESTEROV, x, m, stride, from, to, slopes, k, w, v, scale, decay, rate, momentum);
}

/** AdaGrad (Duchi, Hazan, Singer 2011): s ← s + g², W ← W − rate·g/(√s + ε). `count` is a multiple of 4. */
export function adagradStep(w: u32, g: u32, s: u32, count: u32, rateBy: f32, epsilonBy: f32): void {
  const rate = f32x4.splat(rateBy);
  const epsilon = f32x4.splat(epsilonBy);
  for (let at: u32 = 0, end = count << 2; at < end; at += 16) {
    const gradient = v128.load(g + at);
    const squares = f32x4.add(v128.load(s + at), f32x4.mul(gradient, gradient));
    v128.store(s + at, squares);
    const step = f32x4.div(f32x4.mul(rate, gradient), f32x4.add(f32x4.sqrt(squares), epsilon));
    v128.store(w + at, f32x4.sub(v128.load(w + at), step));
  }
}

/**
 * Adam (Kingma & Ba 2015): u ← β₁u + (1−β₁)g, s ← β₂s + (1−β₂)g², W ← W − rate·u/(√s + ε).
 * The caller folds the bias corrections into rate = α·√(1−β₂ᵗ)/(1−β₁ᵗ) and ε = ε̂·√(1−β₂ᵗ).
 */
export function adamStep(
  w: u32, g: u32, u: u32, s: u32, count: u32, rateBy: f32, beta1By: f32, beta2By: f32, epsilonBy: f32,
): void {
  const rate = f32x4.splat(rateBy);
  const epsilon = f32x4.splat(epsilonBy);
  const beta1 = f32x4.splat(beta1By), rest1 = f32x4.splat(1 - beta1By);
  const beta2 = f32x4.splat(beta2By), rest2 = f32x4.splat(1 - beta2By);
  for (let at: u32 = 0, end = count << 2; at < end; at += 16) {
    const gradient = v128.load(g + at);
    const first = f32x4.add(f32x4.mul(beta1, v128.load(u + at)), f32x4.mul(rest1, gradient));
    const second = f32x4.add(f32x4.mul(beta2, v128.load(s + at)), f32x4.mul(rest2, f32x4.mul(gradient, gradient)));
    v128.store(u + at, first);
    v128.store(s + at, second);
    const step = f32x4.div(f32x4.mul(rate, first), f32x4.add(f32x4.sqrt(second), epsilon));
    v128.store(w + at, f32x4.sub(v128.load(w + at), step));
  }
}

/** Proximal step of the l1 penalty: W ← sign(W)·max(|W| − threshold, 0). */
export function softThreshold(w: u32, count: u32, thresholdBy: f32): void {
  const threshold = f32x4.splat(thresholdBy);
  const zero = f32x4.splat(0);
  const signs = i32x4.splat(0x80000000);
  for (let at: u32 = 0, end = count << 2; at < end; at += 16) {
    const weights = v128.load(w + at);
    const size = f32x4.max(f32x4.sub(f32x4.abs(weights), threshold), zero);
    v128.store(w + at, v128.or(size, v128.and(weights, signs)));
  }
}

/** The same where AdaGrad and Adam scale each place: the threshold is divided by √s + ε. */
export function softThresholdScaled(w: u32, s: u32, count: u32, thresholdBy: f32, epsilonBy: f32): void {
  const threshold = f32x4.splat(thresholdBy);
  const epsilon = f32x4.splat(epsilonBy);
  const zero = f32x4.splat(0);
  const signs = i32x4.splat(0x80000000);
  for (let at: u32 = 0, end = count << 2; at < end; at += 16) {
    const weights = v128.load(w + at);
    const scaled = f32x4.div(threshold, f32x4.add(f32x4.sqrt(v128.load(s + at)), epsilon));
    const size = f32x4.max(f32x4.sub(f32x4.abs(weights), scaled), zero);
    v128.store(w + at, v128.or(size, v128.and(weights, signs)));
  }
}

/** Running mean: a ← a + share·(W − a). */
export function averageStep(a: u32, w: u32, count: u32, shareBy: f32): void {
  const share = f32x4.splat(shareBy);
  for (let at: u32 = 0, end = count << 2; at < end; at += 16) {
    const mean = v128.load(a + at);
    v128.store(a + at, multiplyAdd32(share, f32x4.sub(v128.load(w + at), mean), mean));
  }
}
