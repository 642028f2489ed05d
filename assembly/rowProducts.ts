/**
 * Products x·y of all pairs of rows of two packed blocks (packRows.ts).
 *
 * A vector of a step is four rows (two rows of doubles); a row of the other side is spread over a vector as it is loaded.
 * So the sums come out in the order of the target, with nothing to add across lanes. The type T of a generic function is
 * the type of the sums: i32 for bytes in pairs, u32 for bytes in quads (the same integers), f32 and f64.
 */
import { multiplyAdd32, multiplyAdd64 } from './multiplyAdd';
import { quadBytes, quadForm } from './packRows';

/** Bytes of a step: 16 rows of one element. */
// @ts-ignore: decorator
@inline
export function stepBytes<T>(): u32 {
  return <u32>sizeof<T>() << 4;
}

// @ts-ignore: decorator
@inline
export function stepsOf<T>(d: u32): u32 {
  if (!isInteger<T>()) return d;
  return isSigned<T>() ? (d + 1) >> 1 : (d + 3) >> 2;
}

/**
 * Steps of a block along the features: two panels of at most 16 KiB each stay in the first-level cache. The sums of blocks are added
 * in their order, so this belongs to the bits of a result.
 */
// @ts-ignore: decorator
@inline
export function blockLength<T>(steps: u32): u32 {
  const most = 16384 / stepBytes<T>();
  const blocks = (steps + most - 1) / most;
  return (steps + blocks - 1) / blocks;
}

/** One row's element of a step, in all lanes. */
// @ts-ignore: decorator
@inline
function spread<T>(address: u32): v128 {
  return sizeof<T>() == 8 ? v128.load64_splat(address) : v128.load32_splat(address);
}

// @ts-ignore: decorator
@inline
export function addProduct<T>(sum: v128, x: v128, y: v128): v128 {
  if (!isInteger<T>()) return sizeof<T>() == 8 ? multiplyAdd64(x, y, sum) : multiplyAdd32(x, y, sum);
  if (RELAXED && !isSigned<T>()) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, y, sum);
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, y));
}

// @ts-ignore: decorator
@inline
export function addSums<T>(x: v128, y: v128): v128 {
  if (isInteger<T>()) return i32x4.add(x, y);
  return sizeof<T>() == 8 ? f64x2.add(x, y) : f32x4.add(x, y);
}

/** Writes one row of sums, or adds it to what earlier steps left there; `wide`: both vectors belong to the target. */
// @ts-ignore: decorator
@inline
function put<T>(out: u32, s0: v128, s1: v128, wide: bool, onward: bool): void {
  v128.store(out, onward ? addSums<T>(s0, v128.load(out)) : s0);
  if (wide) v128.store(out, onward ? addSums<T>(s1, v128.load(out, 16)) : s1, 16);
}

/** Four rows at a, two vectors of rows at b, `steps` steps. */
function tile4<T>(a: u32, b: u32, steps: u32, out: u32, rowStride: u32, wide: bool, onward: bool): void {
  const step = stepBytes<T>();
  const size = <u32>sizeof<T>();
  let s00 = i32x4.splat(0), s01 = i32x4.splat(0);
  let s10 = i32x4.splat(0), s11 = i32x4.splat(0);
  let s20 = i32x4.splat(0), s21 = i32x4.splat(0);
  let s30 = i32x4.splat(0), s31 = i32x4.splat(0);
  const end = a + steps * step;
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = spread<T>(a);
    s00 = addProduct<T>(s00, x, b0);
    s01 = addProduct<T>(s01, x, b1);
    x = spread<T>(a + size);
    s10 = addProduct<T>(s10, x, b0);
    s11 = addProduct<T>(s11, x, b1);
    x = spread<T>(a + 2 * size);
    s20 = addProduct<T>(s20, x, b0);
    s21 = addProduct<T>(s21, x, b1);
    x = spread<T>(a + 3 * size);
    s30 = addProduct<T>(s30, x, b0);
    s31 = addProduct<T>(s31, x, b1);
    a += step;
    b += step;
  }
  put<T>(out, s00, s01, wide, onward);
  put<T>(out + rowStride, s10, s11, wide, onward);
  put<T>(out + 2 * rowStride, s20, s21, wide, onward);
  put<T>(out + 3 * rowStride, s30, s31, wide, onward);
}

/** Six rows at a: twelve sums, two vectors and one spread row are all the registers that x86 has for them. */
function tile6<T>(a: u32, b: u32, steps: u32, out: u32, rowStride: u32, wide: bool, onward: bool): void {
  const step = stepBytes<T>();
  const size = <u32>sizeof<T>();
  let s00 = i32x4.splat(0), s01 = i32x4.splat(0);
  let s10 = i32x4.splat(0), s11 = i32x4.splat(0);
  let s20 = i32x4.splat(0), s21 = i32x4.splat(0);
  let s30 = i32x4.splat(0), s31 = i32x4.splat(0);
  let s40 = i32x4.splat(0), s41 = i32x4.splat(0);
  let s50 = i32x4.splat(0), s51 = i32x4.splat(0);
  const end = a + steps * step;
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = spread<T>(a);
    s00 = addProduct<T>(s00, x, b0);
    s01 = addProduct<T>(s01, x, b1);
    x = spread<T>(a + size);
    s10 = addProduct<T>(s10, x, b0);
    s11 = addProduct<T>(s11, x, b1);
    x = spread<T>(a + 2 * size);
    s20 = addProduct<T>(s20, x, b0);
    s21 = addProduct<T>(s21, x, b1);
    x = spread<T>(a + 3 * size);
    s30 = addProduct<T>(s30, x, b0);
    s31 = addProduct<T>(s31, x, b1);
    x = spread<T>(a + 4 * size);
    s40 = addProduct<T>(s40, x, b0);
    s41 = addProduct<T>(s41, x, b1);
    x = spread<T>(a + 5 * size);
    s50 = addProduct<T>(s50, x, b0);
    s51 = addProduct<T>(s51, x, b1);
    a += step;
    b += step;
  }
  put<T>(out, s00, s01, wide, onward);
  put<T>(out + rowStride, s10, s11, wide, onward);
  put<T>(out + 2 * rowStride, s20, s21, wide, onward);
  put<T>(out + 3 * rowStride, s30, s31, wide, onward);
  put<T>(out + 4 * rowStride, s40, s41, wide, onward);
  put<T>(out + 5 * rowStride, s50, s51, wide, onward);
}

/** Up to 16 rows of one panel by up to 16 rows of another, `steps` steps; `height`: a multiple of 4. */
// @ts-ignore: decorator
@inline
function panelProducts<T>(
  a: u32, height: u32, b: u32, columns: u32, steps: u32, out: u32, rowStride: u32, onward: bool, tall: bool
): void {
  const size = <u32>sizeof<T>();
  // Two vectors of 16 bytes: 8 floats or integers, or 4 doubles.
  const width: u32 = 32 / size;
  for (let c: u32 = 0; c < columns; c += width) {
    const right = b + c * size;
    const wide = sizeof<T>() == 8 || c + 4 < columns;
    let r: u32 = 0;
    while (r < height) {
      const left = a + r * size;
      const to = out + r * rowStride + c * size;
      // 16 rows are 6 + 6 + 4, 12 rows 6 + 6, 8 rows 4 + 4.
      const rest = height - r;
      if (RELAXED && tall && rest != 4 && rest != 8) {
        tile6<T>(left, right, steps, to, rowStride, wide, onward);
        r += 6;
      } else {
        tile4<T>(left, right, steps, to, rowStride, wide, onward);
        r += 4;
      }
    }
  }
}

/**
 * All products, along the features in blocks of which a panel of each side stays in the first-level cache.
 * `onward`: the sums are added to what the target holds; `tall`: in tiles of six rows, which changes no bit of the sums.
 */
function products<T>(
  a: u32, aFrom: u32, rows: u32, b: u32, bFrom: u32, columns: u32, d: u32, target: u32, stride: u32,
  onward: bool, tall: bool
): void {
  const size = <u32>sizeof<T>();
  const step = stepBytes<T>();
  const steps = stepsOf<T>(d);
  const panelBytes = steps * step;
  const rowStride = stride * size;
  const length = blockLength<T>(steps);
  for (let s: u32 = 0; s < steps; s += length) {
    const count = min(length, steps - s);
    const add = onward || s > 0;
    for (let r: u32 = 0; r < rows; r += 16) {
      const left = a + ((aFrom + r) >> 4) * panelBytes + s * step;
      const height = min<u32>(16, (rows - r + 3) & ~3);
      for (let c: u32 = 0; c < columns; c += 16) {
        const right = b + ((bFrom + c) >> 4) * panelBytes + s * step;
        const out = target + r * rowStride + c * size;
        panelProducts<T>(left, height, right, min<u32>(16, columns - c), count, out, rowStride, add, tall);
      }
    }
  }
}

/** target(r, c) = left_r + right_c, what the products of quads are added to; whole vectors of four. */
function outerSum(left: u32, rows: u32, right: u32, columns: u32, target: u32, stride: u32): void {
  for (let r: u32 = 0; r < rows; r++) {
    const x = v128.load32_splat(left + (r << 2));
    const out = target + ((r * stride) << 2);
    for (let c: u32 = 0; c < columns; c += 4) {
      v128.store(out + (c << 2), i32x4.add(x, v128.load(right + (c << 2))));
    }
  }
}

export function byteProducts(
  a: u32, aCapacity: u32, aFrom: u32, rows: u32, b: u32, bCapacity: u32, bFrom: u32, columns: u32,
  d: u32, target: u32, stride: u32
): void {
  if (quadForm() == 0) {
    products<i32>(a, aFrom, rows, b, bFrom, columns, d, target, stride, false, false);
    return;
  }
  const aBytes = quadBytes(d, aCapacity);
  const bBytes = quadBytes(d, bCapacity);
  outerSum(a + 2 * aBytes + (aFrom << 2), rows, b + 2 * bBytes + ((bCapacity + bFrom) << 2), columns, target, stride);
  products<u32>(a, aFrom, rows, b + bBytes, bFrom, columns, d, target, stride, true, true);
}

/**
 * Whether twelve sums stay in the sixteen registers of x86: V8 13.6 keeps them there, V8 11.3 and 12.4 do not and are then
 * slower than with eight. An engine that has the byte product is of the first kind, so it stands for the other property too.
 */
// @ts-ignore: decorator
@inline
function keepsTwelveSums(): bool {
  return quadForm() != 0;
}

export function floatProducts32(
  a: u32, aCapacity: u32, aFrom: u32, rows: u32, b: u32, bCapacity: u32, bFrom: u32, columns: u32,
  d: u32, target: u32, stride: u32
): void {
  products<f32>(a, aFrom, rows, b, bFrom, columns, d, target, stride, false, keepsTwelveSums());
}

export function floatProducts64(
  a: u32, aCapacity: u32, aFrom: u32, rows: u32, b: u32, bCapacity: u32, bFrom: u32, columns: u32,
  d: u32, target: u32, stride: u32
): void {
  products<f64>(a, aFrom, rows, b, bFrom, columns, d, target, stride, false, keepsTwelveSums());
}
