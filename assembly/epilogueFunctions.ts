/**
 * Kernel functions of distances and products, number by number: target[i] = f(source[i]), i < count, a multiple of 8;
 * source and target may be the same. T: f32 or f64.
 */
import { all, arcCosine64, exponential, hyperbolicTangent, multiplyAdd } from './epilogueMath';

/** exp(scale·x), scale·x ≤ 0; two vectors at a time, so that one fills the waits of the other. */
// @ts-ignore: decorator
@inline
function exponentials<T>(source: u32, target: u32, count: u32, scale: f64): void {
  for (let i: u32 = 0, end = count * <u32>sizeof<T>(); i < end; i += 32) {
    const x0 = exponential<T>(v128.mul<T>(v128.load(source + i), all<T>(scale)));
    const x1 = exponential<T>(v128.mul<T>(v128.load(source + i, 16), all<T>(scale)));
    v128.store(target + i, x0);
    v128.store(target + i, x1, 16);
  }
}
export function exponentials32(source: u32, target: u32, count: u32, scale: f64): void {
  exponentials<f32>(source, target, count, scale);
}
export function exponentials64(source: u32, target: u32, count: u32, scale: f64): void {
  exponentials<f64>(source, target, count, scale);
}

/** Matérn of t = scale·√x: order 0 (ν = ½) exp(−t), 1 (ν = 3/2) (1 + t)·exp(−t), 2 (ν = 5/2) (1 + t + t²/3)·exp(−t). */
// @ts-ignore: decorator
@inline
function materns<T>(source: u32, target: u32, count: u32, scale: f64, order: u32): void {
  for (let i: u32 = 0, end = count * <u32>sizeof<T>(); i < end; i += 16) {
    // Beyond 1000 the exponential is 0; the bound keeps t² finite.
    const t = v128.pmin<T>(v128.mul<T>(v128.sqrt<T>(v128.load(source + i)), all<T>(scale)), all<T>(1000));
    let value = exponential<T>(v128.neg<T>(t));
    if (order == 1) value = v128.mul<T>(v128.add<T>(t, all<T>(1)), value);
    else if (order == 2) {
      const polynomial = multiplyAdd<T>(multiplyAdd<T>(t, all<T>(1.0 / 3), all<T>(1)), t, all<T>(1));
      value = v128.mul<T>(polynomial, value);
    }
    v128.store(target + i, value);
  }
}
export function materns32(source: u32, target: u32, count: u32, scale: f64, order: u32): void {
  materns<f32>(source, target, count, scale, order);
}
export function materns64(source: u32, target: u32, count: u32, scale: f64, order: u32): void {
  materns<f64>(source, target, count, scale, order);
}

/** (scale·x + offset)^degree by repeated squaring, degree ≥ 1 */
// @ts-ignore: decorator
@inline
function powers<T>(source: u32, target: u32, count: u32, scale: f64, offset: f64, degree: u32): void {
  for (let i: u32 = 0, end = count * <u32>sizeof<T>(); i < end; i += 16) {
    let base = v128.add<T>(v128.mul<T>(v128.load(source + i), all<T>(scale)), all<T>(offset));
    let rest = degree;
    while ((rest & 1) == 0) {
      base = v128.mul<T>(base, base);
      rest >>= 1;
    }
    let value = base;
    for (rest >>= 1; rest != 0; rest >>= 1) {
      base = v128.mul<T>(base, base);
      if (rest & 1) value = v128.mul<T>(value, base);
    }
    v128.store(target + i, value);
  }
}
export function powers32(source: u32, target: u32, count: u32, scale: f64, offset: f64, degree: u32): void {
  powers<f32>(source, target, count, scale, offset, degree);
}
export function powers64(source: u32, target: u32, count: u32, scale: f64, offset: f64, degree: u32): void {
  powers<f64>(source, target, count, scale, offset, degree);
}

/** tanh(scale·x + offset) */
// @ts-ignore: decorator
@inline
function tangents<T>(source: u32, target: u32, count: u32, scale: f64, offset: f64): void {
  for (let i: u32 = 0, end = count * <u32>sizeof<T>(); i < end; i += 16) {
    const x = v128.add<T>(v128.mul<T>(v128.load(source + i), all<T>(scale)), all<T>(offset));
    v128.store(target + i, hyperbolicTangent<T>(x));
  }
}
export function tangents32(source: u32, target: u32, count: u32, scale: f64, offset: f64): void {
  tangents<f32>(source, target, count, scale, offset);
}
export function tangents64(source: u32, target: u32, count: u32, scale: f64, offset: f64): void {
  tangents<f64>(source, target, count, scale, offset);
}

/**
 * x·y/(‖x‖‖y‖) of two or four products, between −1 and 1, 0 where a norm is 0. Floats take the roots one by one, whose
 * product stays in range; doubles √(‖x‖²‖y‖²), which makes a row's cosine with itself exactly 1.
 */
// @ts-ignore: decorator
@inline
function cosine<T>(product: v128, left: v128, right: v128): v128 {
  const norms = sizeof<T>() == 4
    ? v128.mul<T>(v128.sqrt<T>(left), v128.sqrt<T>(right))
    : v128.sqrt<T>(v128.mul<T>(left, right));
  const value = v128.div<T>(product, norms);
  const bounded = v128.pmin<T>(v128.pmax<T>(value, all<T>(-1)), all<T>(1));
  return v128.andnot(bounded, v128.eq<T>(norms, all<T>(0)));
}

/** The same of a plane of rows × stride products, with the squared norms of both sides. */
// @ts-ignore: decorator
@inline
function cosines<T>(source: u32, target: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32): void {
  const rowBytes = stride * <u32>sizeof<T>();
  for (let r: u32 = 0; r < rows; r++) {
    const left = v128.splat<T>(load<T>(aNorms + r * <u32>sizeof<T>()));
    for (let i: u32 = 0; i < rowBytes; i += 16) {
      v128.store(target + i, cosine<T>(v128.load(source + i), left, v128.load(bNorms + i)));
    }
    source += rowBytes;
    target += rowBytes;
  }
}
export function cosines32(source: u32, target: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32): void {
  cosines<f32>(source, target, aNorms, bNorms, rows, stride);
}
export function cosines64(source: u32, target: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32): void {
  cosines<f64>(source, target, aNorms, bNorms, rows, stride);
}

/**
 * Infinitely wide ReLU networks of `depth` hidden layers, without biases:
 *
 *   c₀ = cos ∠(x, y),  c_h = κ₁(c_{h−1}),  κ₁(c) = (√(1 − c²) + (π − acos c)·c)/π     arc-cosine: ‖x‖‖y‖·c_depth
 *   t₀ = c₀,  t_h = c_h + t_{h−1}·κ₀(c_{h−1}),  κ₀(c) = (π − acos c)/π                tangent: ‖x‖‖y‖·t_depth
 *
 * scale: of products and squared norms. tangent: 1 for t, 0 for c. In doubles only: κ₀ has an infinite slope at c = 1.
 */
export function arcCosines64(
  source: u32, target: u32, aNorms: u32, bNorms: u32, rows: u32, stride: u32, scale: f64, depth: u32, tangent: u32,
): void {
  const pi = f64x2.splat(3.141592653589793);
  const one = f64x2.splat(1);
  for (let r: u32 = 0; r < rows; r++) {
    const left = v128.load64_splat(aNorms + (r << 3));
    for (let i: u32 = 0, end = stride << 3; i < end; i += 16) {
      const right = v128.load(bNorms + i);
      let c = cosine<f64>(v128.load(source + i), left, right);
      let t = c;
      for (let layer: u32 = 0; layer < depth; layer++) {
        const rest = f64x2.sub(pi, arcCosine64(c));
        const sine = f64x2.sqrt(f64x2.mul(f64x2.sub(one, c), f64x2.add(one, c)));
        const next = f64x2.div(f64x2.add(sine, f64x2.mul(rest, c)), pi);
        c = f64x2.pmin(next, one);
        t = f64x2.add(c, f64x2.mul(t, f64x2.div(rest, pi)));
      }
      const size = f64x2.mul(f64x2.sqrt(f64x2.mul(left, right)), f64x2.splat(scale));
      v128.store(target + i, f64x2.mul(size, tangent ? t : c));
    }
    source += stride << 3;
    target += stride << 3;
  }
}

/** target = scale·source */
// @ts-ignore: decorator
@inline
function scalePlane<T>(source: u32, target: u32, count: u32, scale: f64): void {
  for (let i: u32 = 0, end = count * <u32>sizeof<T>(); i < end; i += 16) {
    v128.store(target + i, v128.mul<T>(v128.load(source + i), all<T>(scale)));
  }
}
export function scalePlane32(source: u32, target: u32, count: u32, scale: f64): void {
  scalePlane<f32>(source, target, count, scale);
}
export function scalePlane64(source: u32, target: u32, count: u32, scale: f64): void {
  scalePlane<f64>(source, target, count, scale);
}

/** target += source */
// @ts-ignore: decorator
@inline
function addPlane<T>(source: u32, target: u32, count: u32): void {
  for (let i: u32 = 0, end = count * <u32>sizeof<T>(); i < end; i += 16) {
    v128.store(target + i, v128.add<T>(v128.load(target + i), v128.load(source + i)));
  }
}
export function addPlane32(source: u32, target: u32, count: u32): void {
  addPlane<f32>(source, target, count);
}
export function addPlane64(source: u32, target: u32, count: u32): void {
  addPlane<f64>(source, target, count);
}

/** target *= source */
// @ts-ignore: decorator
@inline
function multiplyPlane<T>(source: u32, target: u32, count: u32): void {
  for (let i: u32 = 0, end = count * <u32>sizeof<T>(); i < end; i += 16) {
    v128.store(target + i, v128.mul<T>(v128.load(target + i), v128.load(source + i)));
  }
}
export function multiplyPlane32(source: u32, target: u32, count: u32): void {
  multiplyPlane<f32>(source, target, count);
}
export function multiplyPlane64(source: u32, target: u32, count: u32): void {
  multiplyPlane<f64>(source, target, count);
}
