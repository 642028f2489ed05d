/**
 * a·b + c on four floats (two doubles). In the relaxed build this is one fused instruction with one
 * rounding; in the plain SIMD build it is a multiply and an add. `RELAXED` is a compile-time constant.
 */
// @ts-ignore: decorator
@inline
export function multiplyAdd32(a: v128, b: v128, c: v128): v128 {
  if (RELAXED) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
export function multiplyAdd64(a: v128, b: v128, c: v128): v128 {
  if (RELAXED) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}
