/**
 * Elementary functions on vectors of four floats (T = f32) or two doubles (T = f64), as polynomials in code: the standard
 * library's would place tables in memory that belongs to the arena. pmin and pmax are one instruction where min and max
 * are several; with the bound as the second argument NaN stays NaN.
 */
import { multiplyAdd32, multiplyAdd64 } from './multiplyAdd';

/** a·b + c */
// @ts-ignore: decorator
@inline
export function multiplyAdd<T>(a: v128, b: v128, c: v128): v128 {
  return sizeof<T>() == 4 ? multiplyAdd32(a, b, c) : multiplyAdd64(a, b, c);
}

/** The same number in all lanes. */
// @ts-ignore: decorator
@inline
export function all<T>(value: f64): v128 {
  return v128.splat<T>(<T>value);
}

/** 1.5·2²³ or 1.5·2⁵²: a small whole number added to it stands in the lowest bits, and the addition rounds to one. */
// @ts-ignore: decorator
@inline
function shift<T>(): v128 {
  return all<T>(sizeof<T>() == 4 ? 12582912 : 6755399441055744);
}

/** n of exp(x) = 2ⁿ·e^r, x/ln 2 to the nearest whole number, in the lowest bits. */
// @ts-ignore: decorator
@inline
function shiftedPower<T>(x: v128): v128 {
  return multiplyAdd<T>(x, all<T>(1.4426950408889634), shift<T>());
}

/** r = x − n·ln 2, |r| ≤ ½ ln 2, with ln 2 in two parts: n times the first is exact. */
// @ts-ignore: decorator
@inline
function remainder<T>(x: v128, n: v128): v128 {
  const high = sizeof<T>() == 4 ? -0.693359375 : -0.6931471803691238;
  const low = sizeof<T>() == 4 ? 2.12194440054690583e-4 : -1.9082149292705877e-10;
  return multiplyAdd<T>(n, all<T>(low), multiplyAdd<T>(n, all<T>(high), x));
}

/** e^r − 1 for |r| ≤ ½ ln 2 by its Taylor polynomial, of degree 7 (floats) or 13 (doubles). */
// @ts-ignore: decorator
@inline
function smallExponential<T>(r: v128): v128 {
  let p: v128;
  if (sizeof<T>() == 4) {
    p = all<T>(1.0 / 5040);
  } else {
    p = multiplyAdd<T>(all<T>(1.0 / 6227020800), r, all<T>(1.0 / 479001600));
    p = multiplyAdd<T>(p, r, all<T>(1.0 / 39916800));
    p = multiplyAdd<T>(p, r, all<T>(1.0 / 3628800));
    p = multiplyAdd<T>(p, r, all<T>(1.0 / 362880));
    p = multiplyAdd<T>(p, r, all<T>(1.0 / 40320));
    p = multiplyAdd<T>(p, r, all<T>(1.0 / 5040));
  }
  p = multiplyAdd<T>(p, r, all<T>(1.0 / 720));
  p = multiplyAdd<T>(p, r, all<T>(1.0 / 120));
  p = multiplyAdd<T>(p, r, all<T>(1.0 / 24));
  p = multiplyAdd<T>(p, r, all<T>(1.0 / 6));
  p = multiplyAdd<T>(p, r, all<T>(0.5));
  return multiplyAdd<T>(v128.mul<T>(r, r), p, r);
}

/** x·2ⁿ for normal x and result: n is added to the exponent. */
// @ts-ignore: decorator
@inline
function timesPowerOfTwo<T>(x: v128, shifted: v128): v128 {
  if (sizeof<T>() == 4) return i32x4.add(x, i32x4.shl(shifted, 23));
  return i64x2.add(x, i64x2.shl(shifted, 52));
}

/** exp(x) for x ≤ 0, below 2 ulp; 0 where the result would be no normal number. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exponential<T>(x: v128): v128 {
  const least = all<T>(sizeof<T>() == 4 ? -87.33 : -708.3);
  const bounded = v128.pmax<T>(x, least);
  const shifted = shiftedPower<T>(bounded);
  const r = remainder<T>(bounded, v128.sub<T>(shifted, shift<T>()));
  const p = v128.add<T>(smallExponential<T>(r), all<T>(1));
  return v128.andnot(timesPowerOfTwo<T>(p, shifted), v128.lt<T>(x, least));
}

/**
 * tanh(x) = −e/(e + 2) with e = exp(−2|x|) − 1, put together as 2ⁿ·(e^r − 1) + (2ⁿ − 1), which loses nothing near 0; and
 * the sign of x. Below 4 ulp.
 */
// @ts-ignore: decorator
@inline
export function hyperbolicTangent<T>(x: v128): v128 {
  const sign = v128.and(x, all<T>(-0.0));
  const doubled = v128.mul<T>(v128.abs<T>(x), all<T>(-2));
  const bounded = v128.pmax<T>(doubled, all<T>(sizeof<T>() == 4 ? -40 : -80));
  const shifted = shiftedPower<T>(bounded);
  const power = timesPowerOfTwo<T>(all<T>(1), shifted);
  const small = smallExponential<T>(remainder<T>(bounded, v128.sub<T>(shifted, shift<T>())));
  const e = multiplyAdd<T>(power, small, v128.sub<T>(power, all<T>(1)));
  return v128.or(sign, v128.abs<T>(v128.div<T>(e, v128.add<T>(e, all<T>(2)))));
}

/**
 * acos(c) of two doubles in [−1, 1], absolute error below 1e−15: asin(z)/z is a polynomial in z² on |z| ≤ ½ (interpolated
 * at Chebyshev points, relative error 4e−18); beyond, acos(c) = 2·asin(√((1 − c)/2)) and acos(−c) = π − acos(c).
 */
// @ts-ignore: decorator
@inline
export function arcCosine64(c: v128): v128 {
  const one = f64x2.splat(1);
  const size = f64x2.abs(c);
  const near = f64x2.le(size, f64x2.splat(0.5));
  const half = f64x2.mul(f64x2.sub(one, size), f64x2.splat(0.5));
  const w = v128.bitselect(f64x2.mul(c, c), half, near);
  const z = v128.bitselect(c, f64x2.sqrt(half), near);
  let p = multiplyAdd64(f64x2.splat(0.032579347966928420), w, f64x2.splat(-0.020930658315182449));
  p = multiplyAdd64(p, w, f64x2.splat(0.021668058869056359));
  p = multiplyAdd64(p, w, f64x2.splat(0.0037180577483250539));
  p = multiplyAdd64(p, w, f64x2.splat(0.010778675120995992));
  p = multiplyAdd64(p, w, f64x2.splat(0.011398850408440756));
  p = multiplyAdd64(p, w, f64x2.splat(0.013980882992171010));
  p = multiplyAdd64(p, w, f64x2.splat(0.017351600625343435));
  p = multiplyAdd64(p, w, f64x2.splat(0.022372216106072146));
  p = multiplyAdd64(p, w, f64x2.splat(0.030381942642327186));
  p = multiplyAdd64(p, w, f64x2.splat(0.044642857176863219));
  p = multiplyAdd64(p, w, f64x2.splat(0.074999999999666106));
  p = multiplyAdd64(p, w, f64x2.splat(0.16666666666666795));
  const sine = multiplyAdd64(f64x2.mul(z, w), p, z);
  const inner = f64x2.sub(f64x2.splat(1.5707963267948966), sine);
  const twice = f64x2.add(sine, sine);
  const outer = v128.bitselect(
    f64x2.sub(f64x2.splat(3.141592653589793), twice),
    twice,
    f64x2.lt(c, f64x2.splat(0)),
  );
  return v128.bitselect(inner, outer, near);
}
