/**
 * Writes a plane of rows × stride numbers as rows of a tile: element (r, c), c < columns, at target + (r·targetStride + c)
 * numbers of the tile's type. Sizes too large for it become its largest finite number; NaN stays NaN. Nothing is
 * written behind the columns.
 */

/** The four halves nearest to four floats, ties to even, in the low bits of four integers. */
// @ts-ignore: decorator
@inline
function halves(x: v128): v128 {
  const size = f32x4.pmin(f32x4.abs(x), f32x4.splat(65504));
  // Below 2^−14, adding ½ leaves the halves' last bit as the float's last: one addition rounds.
  const small = i32x4.sub(f32x4.add(size, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const odd = v128.and(i32x4.shr_u(size, 13), i32x4.splat(1));
  const rounded = i32x4.add(i32x4.add(size, i32x4.splat(0xfff - (112 << 23))), odd);
  const bits = v128.bitselect(small, i32x4.shr_u(rounded, 13), f32x4.lt(size, f32x4.splat(6.103515625e-5)));
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000));
  return v128.bitselect(i32x4.splat(0x7e00), v128.or(bits, sign), f32x4.ne(x, x));
}

/** Four numbers of a plane as floats. */
// @ts-ignore: decorator
@inline
function four<T>(address: u32): v128 {
  if (sizeof<T>() == 4) return v128.load(address);
  const low = f32x4.demote_f64x2_zero(v128.load(address));
  return i64x2.shuffle(low, f32x4.demote_f64x2_zero(v128.load(address, 16)), 0, 2);
}

// @ts-ignore: decorator
@inline
function store16<T>(source: u32, stride: u32, rows: u32, columns: u32, target: u32, targetStride: u32): void {
  const size = <u32>sizeof<T>();
  for (let r: u32 = 0; r < rows; r++) {
    let to = target;
    let c: u32 = 0;
    for (; c + 8 <= columns; c += 8, to += 16) {
      const low = halves(four<T>(source + c * size));
      v128.store(to, i16x8.narrow_i32x4_u(low, halves(four<T>(source + (c + 4) * size))));
    }
    for (; c < columns; c++, to += 2) {
      const x: f32 = <f32>load<T>(source + c * size);
      store<u16>(to, <u16>i32x4.extract_lane(halves(f32x4.splat(x)), 0));
    }
    source += stride * size;
    target += targetStride << 1;
  }
}
export function store16From32(source: u32, stride: u32, rows: u32, columns: u32, target: u32, targetStride: u32): void {
  store16<f32>(source, stride, rows, columns, target, targetStride);
}
export function store16From64(source: u32, stride: u32, rows: u32, columns: u32, target: u32, targetStride: u32): void {
  store16<f64>(source, stride, rows, columns, target, targetStride);
}

// @ts-ignore: decorator
@inline
function bounded(x: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, f32x4.splat(f32.MAX_VALUE)), f32x4.splat(-f32.MAX_VALUE));
}

// @ts-ignore: decorator
@inline
function store32<T>(source: u32, stride: u32, rows: u32, columns: u32, target: u32, targetStride: u32): void {
  const size = <u32>sizeof<T>();
  for (let r: u32 = 0; r < rows; r++) {
    let to = target;
    let c: u32 = 0;
    for (; c + 4 <= columns; c += 4, to += 16) v128.store(to, bounded(four<T>(source + c * size)));
    for (; c < columns; c++, to += 4) {
      const x: f32 = <f32>load<T>(source + c * size);
      store<f32>(to, f32x4.extract_lane(bounded(f32x4.splat(x)), 0));
    }
    source += stride * size;
    target += targetStride << 2;
  }
}
export function store32From32(source: u32, stride: u32, rows: u32, columns: u32, target: u32, targetStride: u32): void {
  store32<f32>(source, stride, rows, columns, target, targetStride);
}
export function store32From64(source: u32, stride: u32, rows: u32, columns: u32, target: u32, targetStride: u32): void {
  store32<f64>(source, stride, rows, columns, target, targetStride);
}

export function store64From64(source: u32, stride: u32, rows: u32, columns: u32, target: u32, targetStride: u32): void {
  for (let r: u32 = 0; r < rows; r++) {
    for (let c: u32 = 0; c < columns; c++) {
      const x = load<f64>(source + (c << 3));
      store<f64>(target + (c << 3), max(min(x, f64.MAX_VALUE), -f64.MAX_VALUE));
    }
    source += stride << 3;
    target += targetStride << 3;
  }
}
