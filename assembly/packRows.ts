/**
 * Blocks of packed rows, what the products of rows (rowProducts.ts) read.
 *
 * A packed block is a sequence of panels of 16 rows. In a panel one step along the features holds, row after row, one
 * element: a pair of 16-bit numbers (bytes, features 2s and 2s + 1), one float or one double.
 *
 *   pairs     [⌈d/2⌉][16][2] i16   step of 64 bytes
 *   quads     [⌈d/4⌉][16][4] i8    step of 64 bytes
 *   floats    [d][16] f32          step of 64 bytes
 *   doubles   [d][16] f64          step of 128 bytes
 *
 * Bytes are packed in quads where the engine multiplies signed bytes by bytes exactly (`quadForm`). Then the rows lie
 * in the block twice, as first and as second factors, and two numbers for each row make up for the shift of their range.
 * With x = first + o and y = second + p for all features:
 *
 *   Σ x·y = Σ first·second + p·Σ first + o·Σ y
 *
 * so a block in quads is the panels of the first factors, those of the second ones, p·Σ first of each row and o·Σ y.
 */

/**
 * How the engine's relaxed product of sixteen bytes takes its second factor: 0 not exactly, so that pairs have to be
 * used; 1 as unsigned bytes (x86 with VNNI); 2 as signed bytes (ARM). Without RELAXED there is no such product.
 * What the instruction does with a second factor of more than seven bits is left to the engine, but it always does the same.
 */
export function quadForm(): u32 {
  if (!RELAXED) return 0;
  // 4·(−128)·255 + 1 is beyond 16 bits: an instruction that adds in 16 bits fails here.
  const lowest = i8x16.splat(-128);
  const highest = i8x16.splat(-1);
  const product = i32x4.relaxed_dot_i8x16_i7x16_add_s(lowest, highest, i32x4.splat(1));
  if (all4(product, 1 - 4 * 128 * 255)) return 1;
  if (!all4(product, 1 + 4 * 128)) return 0;
  return all4(i32x4.relaxed_dot_i8x16_i7x16_add_s(lowest, lowest, i32x4.splat(1)), 1 + 4 * 128 * 128) ? 2 : 0;
}

// @ts-ignore: decorator
@inline
function all4(found: v128, expected: i32): bool {
  return i32x4.all_true(i32x4.eq(found, i32x4.splat(expected)));
}

/** Bytes of all first factors, or of all second ones, of a block in quads. */
// @ts-ignore: decorator
@inline
export function quadBytes(d: u32, capacity: u32): u32 {
  return ((d + 3) & ~3) * capacity;
}

/** Four vectors of four 32-bit elements, rows to columns, stored `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function storeTransposed(r0: v128, r1: v128, r2: v128, r3: v128, out: u32): void {
  const low01 = i8x16.shuffle(r0, r1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const high01 = i8x16.shuffle(r0, r1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const low23 = i8x16.shuffle(r2, r3, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const high23 = i8x16.shuffle(r2, r3, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  v128.store(out, i8x16.shuffle(low01, low23, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
  v128.store(out, i8x16.shuffle(low01, low23, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 64);
  v128.store(out, i8x16.shuffle(high01, high23, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), 128);
  v128.store(out, i8x16.shuffle(high01, high23, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 192);
}

// @ts-ignore: decorator
@inline
function words(address: u32, signed: u32): v128 {
  return signed ? v128.load8x8_s(address) : v128.load8x8_u(address);
}

// @ts-ignore: decorator
@inline
function byteAt(address: u32, signed: u32): i32 {
  return signed ? <i32>load<i8>(address) : <i32>load<u8>(address);
}

/** Packs rows of bytes. See src/arithmetic/rowProducts.ts for the parameters of the exported functions. */
export function packByteRows(
  source: u32, rowBytes: u32, first: u32, count: u32, d: u32, signed: u32, target: u32, capacity: u32
): void {
  const form = quadForm();
  const padded = (count + 15) & ~15;
  for (let r: u32 = 0; r < padded; r += 4) {
    const rows = r < count ? min<u32>(4, count - r) : 0;
    const row = source + r * rowBytes;
    if (form) packQuads(row, rowBytes, first + r, rows, d, signed, target, capacity, form);
    else packPairs(row, rowBytes, first + r, rows, d, signed, target);
  }
}

/** Four rows in pairs, of which `rows` are there and the others zero. */
function packPairs(source: u32, rowBytes: u32, first: u32, rows: u32, d: u32, signed: u32, block: u32): void {
  const target = block + ((first & ~15) * ((d + 1) >> 1) << 2) + ((first & 15) << 2);
  let j: u32 = 0;
  if (rows == 4) {
    for (; j + 8 <= d; j += 8) {
      const row = source + j;
      const r0 = words(row, signed);
      const r1 = words(row + rowBytes, signed);
      const r2 = words(row + 2 * rowBytes, signed);
      const r3 = words(row + 3 * rowBytes, signed);
      storeTransposed(r0, r1, r2, r3, target + (j << 5));
    }
  }
  for (; j < d; j += 2) {
    for (let r: u32 = 0; r < 4; r++) {
      const row = source + r * rowBytes + j;
      const out = target + (j << 5) + (r << 2);
      store<i16>(out, r < rows ? byteAt(row, signed) : 0);
      store<i16>(out, r < rows && j + 1 < d ? byteAt(row + 1, signed) : 0, 2);
    }
  }
}

/** Four rows in quads, of which `rows` are there and the others zero, and the two numbers of each row. */
function packQuads(
  source: u32, rowBytes: u32, first: u32, rows: u32, d: u32, signed: u32, block: u32, capacity: u32, form: u32
): void {
  const secondFactors = quadBytes(d, capacity);
  const target = block + (first & ~15) * ((d + 3) & ~3) + ((first & 15) << 2);
  // The top bit turns a byte of one range into one of the other.
  const flipFirst: u32 = signed ? 0 : 0x80808080;
  const flipSecond: u32 = form == 1 ? 0x80808080 : 0;
  let s0 = i32x4.splat(0), s1 = i32x4.splat(0), s2 = i32x4.splat(0), s3 = i32x4.splat(0);
  let j: u32 = 0;
  if (rows == 4) {
    const flip = i32x4.splat(flipFirst);
    const turn = i32x4.splat(flipSecond);
    for (; j + 16 <= d; j += 16) {
      const row = source + j;
      const r0 = v128.xor(v128.load(row), flip);
      const r1 = v128.xor(v128.load(row + rowBytes), flip);
      const r2 = v128.xor(v128.load(row + 2 * rowBytes), flip);
      const r3 = v128.xor(v128.load(row + 3 * rowBytes), flip);
      s0 = addBytes(s0, r0);
      s1 = addBytes(s1, r1);
      s2 = addBytes(s2, r2);
      s3 = addBytes(s3, r3);
      const out = target + (j << 4);
      storeTransposed(r0, r1, r2, r3, out);
      storeTransposed(
        v128.xor(r0, turn), v128.xor(r1, turn), v128.xor(r2, turn), v128.xor(r3, turn), out + secondFactors
      );
    }
  }
  for (let r: u32 = 0; r < 4; r++) {
    let sum = sumOfLanes(r < 2 ? (r == 0 ? s0 : s1) : r == 2 ? s2 : s3);
    const row = source + r * rowBytes;
    let out = target + (j << 4) + (r << 2);
    for (let i = j; i < d; i += 4, out += 64) {
      let quad: u32 = 0;
      for (let e = i; e < min(i + 4, d) && r < rows; e++) quad |= <u32>load<u8>(row + e) << ((e - i) << 3);
      quad ^= flipFirst;
      // Behind d the first factors are zero, so that it does not matter what the second ones are.
      if (i + 4 > d) quad &= 0xffffffff >>> ((i + 4 - d) << 3);
      sum += <i32><i8>quad + <i32><i8>(quad >>> 8) + <i32><i8>(quad >>> 16) + <i32><i8>(quad >>> 24);
      store<u32>(out, quad);
      store<u32>(out + secondFactors, quad ^ flipSecond);
    }
    const o: i32 = signed ? 0 : 128;
    const p: i32 = o - (form == 1 ? 128 : 0);
    const sums = block + 2 * secondFactors + ((first + r) << 2);
    store<i32>(sums, p * sum);
    store<i32>(sums + (capacity << 2), o * (sum + o * <i32>d));
  }
}

/** Adds sixteen signed bytes to the lanes of sums. */
// @ts-ignore: decorator
@inline
function addBytes(sums: v128, bytes: v128): v128 {
  return i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(bytes)));
}

function sumOfLanes(x: v128): i32 {
  const low = i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1);
  return low + i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3);
}

/** Packs rows of floats or doubles. */
// @ts-ignore: decorator
@inline
function packFloatRows<T>(source: u32, first: u32, count: u32, d: u32, target: u32): void {
  const size = <u32>sizeof<T>();
  const rowBytes = d * size;
  for (let q: u32 = 0; q < count; q += 4) {
    const panel = target + ((first + q) & ~15) * rowBytes;
    const place = (q & 15) * size;
    let j: u32 = 0;
    if (sizeof<T>() == 4 && q + 4 <= count) {
      let row = source + q * rowBytes;
      for (; j + 4 <= d; j += 4, row += 16) {
        const r0 = v128.load(row);
        const r1 = v128.load(row + rowBytes);
        const r2 = v128.load(row + 2 * rowBytes);
        const r3 = v128.load(row + 3 * rowBytes);
        storeTransposed(r0, r1, r2, r3, panel + place + (j << 6));
      }
    }
    for (; j < d; j++) {
      const out = panel + place + (j << 4) * size;
      for (let r: u32 = 0; r < 4; r++) {
        store<T>(out + r * size, q + r < count ? load<T>(source + (q + r) * rowBytes + j * size) : 0);
      }
    }
  }
  // Quads of rows of which none was packed.
  for (let q = (count + 3) & ~3; q < ((count + 15) & ~15); q += 4) {
    const out = target + ((first + q) & ~15) * rowBytes + (q & 15) * size;
    for (let j: u32 = 0; j < d; j++) memory.fill(out + (j << 4) * size, 0, 4 * size);
  }
}

export function packFloatRows32(source: u32, first: u32, count: u32, d: u32, target: u32, capacity: u32): void {
  packFloatRows<f32>(source, first, count, d, target);
}

export function packFloatRows64(source: u32, first: u32, count: u32, d: u32, target: u32, capacity: u32): void {
  packFloatRows<f64>(source, first, count, d, target);
}
