/** Powers of ten up to 10^22 are doubles without rounding. */
const EXACT = 22;
/** Exponents of the powers of five in the table. */
const MOST = 64;

/** Bytes of the tables that kernels need to read numbers: 10^0 … 10^22 as doubles, then 5^-64 … 5^64. */
export const POWERS_BYTES = 8 * (EXACT + 2) + 16 * (2 * MOST + 1);

/**
 * Fills the tables at `address` (a multiple of 8). A power of five is its first 128 bits, the upper 64 first; those of negative
 * exponents are rounded up, the others down, as Lemire's method wants it (Number parsing at a gigabyte per second, 2021).
 */
export function fillPowersOfTen(buffer: SharedArrayBuffer, address: number): void {
  const view = new DataView(buffer, address, POWERS_BYTES);
  for (let power = 0; power <= EXACT; power++) view.setFloat64(8 * power, Number(`1e${power}`), true);
  for (let exponent = -MOST; exponent <= MOST; exponent++) {
    const bits = firstBits(exponent);
    const at = 8 * (EXACT + 2) + 16 * (exponent + MOST);
    view.setBigUint64(at, bits >> 64n, true);
    view.setBigUint64(at + 8, bits & 0xffffffffffffffffn, true);
  }
}

function firstBits(exponent: number): bigint {
  const power = 5n ** BigInt(Math.abs(exponent));
  const length = BigInt(power.toString(2).length);
  if (exponent >= 0) return length > 128n ? power >> (length - 128n) : power << (128n - length);
  // 2^z is the smallest power of two that is not below the power of five; none is one itself, but 5^0.
  if (exponent >= -27) return (1n << (length + 127n)) / power + 1n;
  let quotient = (1n << (2n * length + 128n)) / power + 1n;
  while (quotient >= 1n << 128n) quotient >>= 1n;
  return quotient;
}
