/**
 * Gathering: stored rows of any number type become scaled rows of floats, in the order asked for.
 *
 *   target[i][j] = multiply[j] · row(order[from + i])[j] + add[j]        j < d
 *   target[i][j] = 0                                                     d ≤ j < stride
 *
 * base       address of row 0; rows are rowBytes apart, features first
 * order      address of u32 row numbers, or 0 for consecutive rows
 * scaling    bytes: address of f32 multiply[stride], add[stride], both 0 behind d;
 *            other types: address of f64 multiply[d], add[d]
 * target     address of count × stride floats (doubles in gather64…)
 */
import { halfToFloat } from './half';
import { multiplyAdd32 } from './multiplyAdd';

// @ts-ignore: decorator
@inline
function rowAddress(base: u32, rowBytes: u32, order: u32, position: u32): u32 {
  return base + (order == 0 ? position : load<u32>(order + (position << 2))) * rowBytes;
}

// @ts-ignore: decorator
@inline
function scaled(x: f64, scaling: u32, d: u32, j: u32): f64 {
  return x * load<f64>(scaling + (j << 3)) + load<f64>(scaling + ((d + j) << 3));
}

/** Bytes, 16 at a time; may read up to 15 bytes behind the row. `stride` is a multiple of 16. */
export function gather32Uint8(
  base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32,
): void {
  const addOffset = stride << 2;
  for (let i: u32 = 0; i < count; i++) {
    let source = rowAddress(base, rowBytes, order, from + i);
    let scale = scaling;
    const end = target + (stride << 2);
    while (target < end) {
      const bytes = v128.load(source);
      const low = i16x8.extend_low_i8x16_u(bytes);
      const high = i16x8.extend_high_i8x16_u(bytes);
      v128.store(target, multiplyAdd32(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low)), v128.load(scale), v128.load(scale + addOffset)));
      v128.store(target, multiplyAdd32(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low)), v128.load(scale, 16), v128.load(scale + addOffset, 16)), 16);
      v128.store(target, multiplyAdd32(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high)), v128.load(scale, 32), v128.load(scale + addOffset, 32)), 32);
      v128.store(target, multiplyAdd32(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high)), v128.load(scale, 48), v128.load(scale + addOffset, 48)), 48);
      source += 16;
      scale += 64;
      target += 64;
    }
  }
}

// @ts-ignore: decorator
@inline
function gather32<T>(
  base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const source = rowAddress(base, rowBytes, order, from + i);
    for (let j: u32 = 0; j < d; j++) {
      const x = <f64>load<T>(source + j * sizeof<T>());
      store<f32>(target + (j << 2), <f32>scaled(x, scaling, d, j));
    }
    for (let j = d; j < stride; j++) store<f32>(target + (j << 2), 0);
    target += stride << 2;
  }
}

// @ts-ignore: decorator
@inline
function gather64<T>(
  base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const source = rowAddress(base, rowBytes, order, from + i);
    for (let j: u32 = 0; j < d; j++) {
      const x = <f64>load<T>(source + j * sizeof<T>());
      store<f64>(target + (j << 3), scaled(x, scaling, d, j));
    }
    for (let j = d; j < stride; j++) store<f64>(target + (j << 3), 0);
    target += stride << 3;
  }
}

export function gather32Int8(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  gather32<i8>(base, rowBytes, order, from, count, d, stride, scaling, target);
}
export function gather32Int16(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  gather32<i16>(base, rowBytes, order, from, count, d, stride, scaling, target);
}
/** Floats, four at a time, with the roundings of `scaled`: in doubles, then to a float. */
export function gather32Float32(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  const addOffset = d << 3;
  for (let i: u32 = 0; i < count; i++) {
    const source = rowAddress(base, rowBytes, order, from + i);
    let j: u32 = 0;
    for (; j + 4 <= d; j += 4) {
      const x = v128.load(source + (j << 2));
      const scale = scaling + (j << 3);
      const high = i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
      const y0 = f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(x), v128.load(scale)), v128.load(scale + addOffset));
      const y1 = f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(high), v128.load(scale, 16)), v128.load(scale + addOffset, 16));
      const left = f32x4.demote_f64x2_zero(y0);
      const right = f32x4.demote_f64x2_zero(y1);
      v128.store(target + (j << 2), i8x16.shuffle(left, right, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
    }
    for (; j < d; j++) store<f32>(target + (j << 2), <f32>scaled(<f64>load<f32>(source + (j << 2)), scaling, d, j));
    for (; j < stride; j++) store<f32>(target + (j << 2), 0);
    target += stride << 2;
  }
}
export function gather32Float64(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  gather32<f64>(base, rowBytes, order, from, count, d, stride, scaling, target);
}
export function gather32Float16(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const source = rowAddress(base, rowBytes, order, from + i);
    for (let j: u32 = 0; j < d; j++) {
      store<f32>(target + (j << 2), <f32>scaled(<f64>halfToFloat(load<u16>(source + (j << 1))), scaling, d, j));
    }
    for (let j = d; j < stride; j++) store<f32>(target + (j << 2), 0);
    target += stride << 2;
  }
}

/** As above into doubles; `scaling` is f64 for every type. */
export function gather64Uint8(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  const addOffset = d << 3;
  for (let i: u32 = 0; i < count; i++) {
    const source = rowAddress(base, rowBytes, order, from + i);
    let j: u32 = 0;
    // Four at a time.
    for (; j + 4 <= d; j += 4) {
      const bytes = v128.load32_zero(source + j);
      const integers = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
      const scale = scaling + (j << 3);
      const place = target + (j << 3);
      const low = f64x2.convert_low_i32x4_s(integers);
      const high = f64x2.convert_low_i32x4_s(i8x16.shuffle(integers, integers, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
      v128.store(place, f64x2.add(f64x2.mul(low, v128.load(scale)), v128.load(scale + addOffset)));
      v128.store(place, f64x2.add(f64x2.mul(high, v128.load(scale, 16)), v128.load(scale + addOffset, 16)), 16);
    }
    for (; j < d; j++) store<f64>(target + (j << 3), scaled(<f64>load<u8>(source + j), scaling, d, j));
    for (; j < stride; j++) store<f64>(target + (j << 3), 0);
    target += stride << 3;
  }
}
export function gather64Int8(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  gather64<i8>(base, rowBytes, order, from, count, d, stride, scaling, target);
}
export function gather64Int16(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  gather64<i16>(base, rowBytes, order, from, count, d, stride, scaling, target);
}
export function gather64Float32(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  gather64<f32>(base, rowBytes, order, from, count, d, stride, scaling, target);
}
export function gather64Float64(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  gather64<f64>(base, rowBytes, order, from, count, d, stride, scaling, target);
}
export function gather64Float16(base: u32, rowBytes: u32, order: u32, from: u32, count: u32, d: u32, stride: u32, scaling: u32, target: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const source = rowAddress(base, rowBytes, order, from + i);
    for (let j: u32 = 0; j < d; j++) {
      store<f64>(target + (j << 3), scaled(<f64>halfToFloat(load<u16>(source + (j << 1))), scaling, d, j));
    }
    for (let j = d; j < stride; j++) store<f64>(target + (j << 3), 0);
    target += stride << 3;
  }
}

// @ts-ignore: decorator
@inline
function numberAt(source: u32, dtype: u32): f64 {
  if (dtype == 0) return <f64>load<u8>(source);
  if (dtype == 1) return <f64>load<i8>(source);
  if (dtype == 2) return <f64>load<i16>(source);
  if (dtype == 3) return <f64>halfToFloat(load<u16>(source));
  if (dtype == 4) return <f64>load<f32>(source);
  return load<f64>(source);
}

/**
 * The `labels` labels of each row as doubles, [count][labels]. dtype: 0 uint8, 1 int8, 2 int16, 3 float16, 4 float32,
 * 5 float64.
 */
export function gatherLabels(
  base: u32, rowBytes: u32, labelOffset: u32, dtype: u32, labels: u32, order: u32, from: u32, count: u32, target: u32,
): void {
  const bytes: u32 = dtype < 2 ? 1 : dtype < 4 ? 2 : dtype == 4 ? 4 : 8;
  for (let i: u32 = 0; i < count; i++) {
    let source = rowAddress(base, rowBytes, order, from + i) + labelOffset;
    for (let c: u32 = 0; c < labels; c++) {
      store<f64>(target, numberAt(source, dtype));
      source += bytes;
      target += 8;
    }
  }
}
