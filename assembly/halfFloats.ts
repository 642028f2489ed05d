/**
 * IEEE 754 binary16 numbers to floats, four at a time. Numbers below 2⁻¹⁴ (subnormal) must not become operands of a
 * floating-point instruction as they are: processors need a hundred times as long for those.
 */

/** 2⁻¹⁴, the smallest normal number. */
const SMALLEST: i32 = 0x38800000;

/** Any four, zero-extended to 32 bits: exact, infinities and NaN too. */
// @ts-ignore: decorator
@inline
export function halvesToFloats(bits: v128): v128 {
  const size = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  // Below 2⁻¹⁴ the fraction has no leading one: 2⁻¹⁴·(1 + fraction) − 2⁻¹⁴.
  const isSmall = i32x4.lt_s(size, i32x4.splat(0x00800000));
  const exponent = i32x4.sub(i32x4.splat(0x38000000), v128.and(isSmall, i32x4.splat(-0x00800000)));
  const value = f32x4.sub(i32x4.add(size, exponent), v128.and(isSmall, i32x4.splat(SMALLEST)));
  const isSpecial = i32x4.gt_s(size, i32x4.splat(0x0f7fffff));
  const special = v128.and(isSpecial, i32x4.splat(0x7f800000));
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  return v128.or(v128.or(value, special), sign);
}

/** Four ordinary ones at an address (see `areOrdinary`): into place, and the exponent rebiased by a multiplication. */
// @ts-ignore: decorator
@inline
export function ordinaryHalves(source: u32): v128 {
  return f32x4.mul(i32x4.shl(v128.load16x4_u(source), 13), i32x4.splat(0x77800000)); // 2^112
}

/** Keeps in `seen` what `areOrdinary` has to know of eight numbers at an address. Starts from 0. */
// @ts-ignore: decorator
@inline
export function seeHalves(seen: v128, source: u32): v128 {
  return i16x8.max_u(seen, i16x8.sub(v128.load(source), i16x8.splat(0x0400)));
}

/** The same of four numbers. */
// @ts-ignore: decorator
@inline
export function seeFourHalves(seen: v128, source: u32): v128 {
  return i16x8.max_u(seen, i16x8.sub(v128.load64_splat(source), i16x8.splat(0x0400)));
}

/** Whether all numbers seen are positive, normal and finite, as nearly all entries of most kernels are. */
// @ts-ignore: decorator
@inline
export function areOrdinary(seen: v128): bool {
  return !v128.any_true(i16x8.ge_u(seen, i16x8.splat(0x7800)));
}
