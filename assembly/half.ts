/** IEEE 754 binary16 bits to a float: shift into place, rebias the exponent by a multiplication, restore infinities and NaN. */
// @ts-ignore: decorator
@inline
export function halfToFloat(bits: u32): f32 {
  const size = (bits & 0x7fff) << 13;
  let value = reinterpret<f32>(size) * reinterpret<f32>(0x77800000); // 2^112
  if (size >= 0x0f800000) value = reinterpret<f32>(size | 0x7f800000);
  return (bits & 0x8000) != 0 ? -value : value;
}
