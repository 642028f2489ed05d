/**
 * Products of sparse rows, and the sums like them that other kernels are made of. A packed block (src/arithmetic/sparseProducts.ts)
 * holds of each row its number of nonzeros, and in lists of `length` their indices, rising, and their values.
 *
 * Sixteen rows of one side are unpacked next to each other, a line of sixteen numbers for each feature that any of them has; then each
 * row of the other side is one walk along its nonzeros. `map` tells where the line of a feature lies: line 0, of zeros, for all that
 * none of the rows has. So a pair costs the nonzeros of one row, and every sum runs over rising features from 0, whichever side is unpacked.
 */
import { multiplyAdd32, multiplyAdd64 } from './multiplyAdd';

/** Rows unpacked together. */
const LINE: u32 = 16;
/** Lines of the panel: zeros, then four columns on their way to the plane, then features. */
const SUMS: u32 = 1;
const FIRST: u32 = 5;

const PRODUCT: u32 = 0;
const SMALLER: u32 = 1;
const HARMONIC: u32 = 2;

// @ts-ignore: decorator
@inline
function valueAt(at: u32, i: u32, code: u32): f64 {
  if (code == 0) return <f64>load<u8>(at + i);
  if (code == 2) return <f64>load<f32>(at + (i << 2));
  return load<f64>(at + (i << 3));
}

/**
 * Sixteen stored rows (assembly/sparse.ts), `count` of which are there, to the packed rows whose number, indices and values begin at
 * `counts`, `indices` and `values`: scaled, within [lowest, highest], without those that became 0. `factors` 0: not scaled.
 */
// @ts-ignore: decorator
@inline
function packSparse<T>(
  source: u32, rowBytes: u32, count: u32, code: u32, factors: u32, lowest: f64, highest: f64,
  counts: u32, indices: u32, values: u32, length: u32,
): void {
  for (let r: u32 = 0; r < LINE; r++) {
    let kept: u32 = 0;
    if (r < count) {
      const row = source + r * rowBytes;
      // The slot of a row holds no more.
      const m = min(load<u32>(row), length);
      const from = row + 12;
      const numbers = from + (m << 2);
      const toIndex = indices + ((r * length) << 2);
      const toValue = values + r * length * <u32>sizeof<T>();
      for (let i: u32 = 0; i < m; i++) {
        const j = load<u32>(from + (i << 2));
        let x = valueAt(numbers, i, code);
        if (factors != 0) x *= load<f64>(factors + (j << 3));
        const v = <T>min<f64>(max<f64>(x, lowest), highest);
        if (v == 0) continue;
        store<u32>(toIndex + (kept << 2), j);
        store<T>(toValue + kept * <u32>sizeof<T>(), v);
        kept++;
      }
    }
    store<u32>(counts + (r << 2), kept);
  }
}

export function packSparse32(
  source: u32, rowBytes: u32, count: u32, code: u32, factors: u32, lowest: f64, highest: f64,
  counts: u32, indices: u32, values: u32, length: u32,
): void {
  packSparse<f32>(source, rowBytes, count, code, factors, lowest, highest, counts, indices, values, length);
}
export function packSparse64(
  source: u32, rowBytes: u32, count: u32, code: u32, factors: u32, lowest: f64, highest: f64,
  counts: u32, indices: u32, values: u32, length: u32,
): void {
  packSparse<f64>(source, rowBytes, count, code, factors, lowest, highest, counts, indices, values, length);
}

/** sum + x·y, or sum + min(|x|, |y|) where both have one sign (else 0), or sum + 2xy/(x + y). All are 0 where y is. */
// @ts-ignore: decorator
@inline
function add32(kind: u32, x: v128, y: v128, sum: v128): v128 {
  if (kind == PRODUCT) return multiplyAdd32(x, y, sum);
  if (kind == SMALLER) {
    const both = f32x4.add(f32x4.abs(x), f32x4.abs(y));
    return f32x4.add(sum, f32x4.mul(f32x4.splat(0.5), f32x4.sub(both, f32x4.abs(f32x4.sub(x, y)))));
  }
  const low = f32x4.pmin(x, y), high = f32x4.pmax(x, y);
  return f32x4.add(sum, f32x4.mul(f32x4.add(low, low), f32x4.div(high, f32x4.add(low, high))));
}

// @ts-ignore: decorator
@inline
function add64(kind: u32, x: v128, y: v128, sum: v128): v128 {
  if (kind == PRODUCT) return multiplyAdd64(x, y, sum);
  if (kind == SMALLER) {
    const both = f64x2.add(f64x2.abs(x), f64x2.abs(y));
    return f64x2.add(sum, f64x2.mul(f64x2.splat(0.5), f64x2.sub(both, f64x2.abs(f64x2.sub(x, y)))));
  }
  const low = f64x2.pmin(x, y), high = f64x2.pmax(x, y);
  return f64x2.add(sum, f64x2.mul(f64x2.add(low, low), f64x2.div(high, f64x2.add(low, high))));
}

/** One row against the panel: sixteen sums at `target`. */
// @ts-ignore: decorator
@inline
function walk32(kind: u32, indices: u32, values: u32, m: u32, map: u32, panel: u32, target: u32): void {
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
  for (const end = indices + (m << 2); indices < end; indices += 4, values += 4) {
    const line = panel + load<u32>(map + (load<u32>(indices) << 2));
    const x = v128.load32_splat(values);
    a0 = add32(kind, x, v128.load(line), a0);
    a1 = add32(kind, x, v128.load(line, 16), a1);
    a2 = add32(kind, x, v128.load(line, 32), a2);
    a3 = add32(kind, x, v128.load(line, 48), a3);
  }
  v128.store(target, a0);
  v128.store(target, a1, 16);
  v128.store(target, a2, 32);
  v128.store(target, a3, 48);
}

// @ts-ignore: decorator
@inline
function walk64(kind: u32, indices: u32, values: u32, m: u32, map: u32, panel: u32, target: u32): void {
  let a0 = f64x2.splat(0), a1 = f64x2.splat(0), a2 = f64x2.splat(0), a3 = f64x2.splat(0);
  let a4 = f64x2.splat(0), a5 = f64x2.splat(0), a6 = f64x2.splat(0), a7 = f64x2.splat(0);
  for (const end = indices + (m << 2); indices < end; indices += 4, values += 8) {
    const line = panel + load<u32>(map + (load<u32>(indices) << 2));
    const x = v128.load64_splat(values);
    a0 = add64(kind, x, v128.load(line), a0);
    a1 = add64(kind, x, v128.load(line, 16), a1);
    a2 = add64(kind, x, v128.load(line, 32), a2);
    a3 = add64(kind, x, v128.load(line, 48), a3);
    a4 = add64(kind, x, v128.load(line, 64), a4);
    a5 = add64(kind, x, v128.load(line, 80), a5);
    a6 = add64(kind, x, v128.load(line, 96), a6);
    a7 = add64(kind, x, v128.load(line, 112), a7);
  }
  v128.store(target, a0);
  v128.store(target, a1, 16);
  v128.store(target, a2, 32);
  v128.store(target, a3, 48);
  v128.store(target, a4, 64);
  v128.store(target, a5, 80);
  v128.store(target, a6, 96);
  v128.store(target, a7, 112);
}

/** Four columns of sums, [4][16], to `rows` (a multiple of 4) rows of the plane. */
// @ts-ignore: decorator
@inline
function turn<T>(sums: u32, rows: u32, plane: u32, stride: u32): void {
  const size = <u32>sizeof<T>();
  for (let r: u32 = 0; r < rows; r += 4) {
    const from = sums + r * size;
    let to = plane + r * stride * size;
    if (sizeof<T>() == 4) {
      const c0 = v128.load(from), c1 = v128.load(from, 64), c2 = v128.load(from, 128), c3 = v128.load(from, 192);
      const low01 = i32x4.shuffle(c0, c1, 0, 4, 1, 5), high01 = i32x4.shuffle(c0, c1, 2, 6, 3, 7);
      const low23 = i32x4.shuffle(c2, c3, 0, 4, 1, 5), high23 = i32x4.shuffle(c2, c3, 2, 6, 3, 7);
      const step = stride << 2;
      v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
      v128.store(to + step, i64x2.shuffle(low01, low23, 1, 3));
      v128.store(to + 2 * step, i64x2.shuffle(high01, high23, 0, 2));
      v128.store(to + 3 * step, i64x2.shuffle(high01, high23, 1, 3));
    } else {
      for (let i: u32 = 0; i < 4; i++) {
        store<f64>(to, load<f64>(from + (i << 3)));
        store<f64>(to, load<f64>(from + (i << 3), 128), 8);
        store<f64>(to, load<f64>(from + (i << 3), 256), 16);
        store<f64>(to, load<f64>(from + (i << 3), 384), 24);
        to += stride << 3;
      }
    }
  }
}

/** See src/arithmetic/sparseProducts.ts. `kind` is a constant where this is inlined. */
// @ts-ignore: decorator
@inline
function sums<T>(
  kind: u32, aCounts: u32, aIndices: u32, aValues: u32, rows: u32,
  bCounts: u32, bIndices: u32, bValues: u32, columns: u32, length: u32, map: u32, panel: u32, plane: u32, stride: u32,
): void {
  const size = <u32>sizeof<T>();
  const line = LINE * size;
  const indexStep = length << 2, valueStep = length * size;
  memory.fill(panel, 0, FIRST * line);
  for (let r: u32 = 0; r < rows; r += LINE) {
    const count = min(LINE, rows - r);
    let next = FIRST * line;
    for (let i: u32 = 0; i < count; i++) {
      const indices = aIndices + (r + i) * indexStep, values = aValues + (r + i) * valueStep;
      const m = load<u32>(aCounts + ((r + i) << 2));
      for (let t: u32 = 0; t < m; t++) {
        const entry = map + (load<u32>(indices + (t << 2)) << 2);
        let at = load<u32>(entry);
        if (at == 0) {
          at = next;
          next += line;
          store<u32>(entry, at);
          memory.fill(panel + at, 0, line);
        }
        store<T>(panel + at + i * size, load<T>(values + t * size));
      }
    }
    const padded = (count + 3) & ~3;
    const to = plane + r * stride * size;
    for (let c: u32 = 0; c < stride; c += 4) {
      for (let i: u32 = 0; i < 4; i++) {
        const target = panel + (SUMS + i) * line;
        // Columns of the stride that are no rows: sums of nothing.
        const m = c + i < columns ? load<u32>(bCounts + ((c + i) << 2)) : 0;
        const indices = bIndices + (c + i) * indexStep, values = bValues + (c + i) * valueStep;
        if (sizeof<T>() == 4) walk32(kind, indices, values, m, map, panel, target);
        else walk64(kind, indices, values, m, map, panel, target);
      }
      turn<T>(panel + SUMS * line, padded, to + c * size, stride);
    }
    for (let i: u32 = 0; i < count; i++) {
      const indices = aIndices + (r + i) * indexStep;
      const m = load<u32>(aCounts + ((r + i) << 2));
      for (let t: u32 = 0; t < m; t++) store<u32>(map + (load<u32>(indices + (t << 2)) << 2), 0);
    }
  }
}

export function sparseProducts32(
  kind: u32, aCounts: u32, aIndices: u32, aValues: u32, rows: u32,
  bCounts: u32, bIndices: u32, bValues: u32, columns: u32, length: u32, map: u32, panel: u32, plane: u32, stride: u32,
): void {
  if (kind == PRODUCT) sums<f32>(PRODUCT, aCounts, aIndices, aValues, rows, bCounts, bIndices, bValues, columns, length, map, panel, plane, stride);
  else if (kind == SMALLER) sums<f32>(SMALLER, aCounts, aIndices, aValues, rows, bCounts, bIndices, bValues, columns, length, map, panel, plane, stride);
  else sums<f32>(HARMONIC, aCounts, aIndices, aValues, rows, bCounts, bIndices, bValues, columns, length, map, panel, plane, stride);
}
export function sparseProducts64(
  kind: u32, aCounts: u32, aIndices: u32, aValues: u32, rows: u32,
  bCounts: u32, bIndices: u32, bValues: u32, columns: u32, length: u32, map: u32, panel: u32, plane: u32, stride: u32,
): void {
  if (kind == PRODUCT) sums<f64>(PRODUCT, aCounts, aIndices, aValues, rows, bCounts, bIndices, bValues, columns, length, map, panel, plane, stride);
  else if (kind == SMALLER) sums<f64>(SMALLER, aCounts, aIndices, aValues, rows, bCounts, bIndices, bValues, columns, length, map, panel, plane, stride);
  else sums<f64>(HARMONIC, aCounts, aIndices, aValues, rows, bCounts, bIndices, bValues, columns, length, map, panel, plane, stride);
}

/** The sums of sixteen packed rows with themselves, to the bit those of `sparseProducts…`. */
// @ts-ignore: decorator
@inline
function norms<T>(kind: u32, counts: u32, values: u32, length: u32, target: u32): void {
  const size = <u32>sizeof<T>();
  for (let r: u32 = 0; r < LINE; r++) {
    let at = values + r * length * size;
    let sum = v128.splat<T>(0);
    for (const end = at + load<u32>(counts + (r << 2)) * size; at < end; at += size) {
      const x = v128.splat<T>(load<T>(at));
      sum = sizeof<T>() == 4 ? add32(kind, x, x, sum) : add64(kind, x, x, sum);
    }
    store<T>(target + r * size, v128.extract_lane<T>(sum, 0));
  }
}

export function sparseNorms32(kind: u32, counts: u32, values: u32, length: u32, target: u32): void {
  if (kind == PRODUCT) norms<f32>(PRODUCT, counts, values, length, target);
  else if (kind == SMALLER) norms<f32>(SMALLER, counts, values, length, target);
  else norms<f32>(HARMONIC, counts, values, length, target);
}
export function sparseNorms64(kind: u32, counts: u32, values: u32, length: u32, target: u32): void {
  if (kind == PRODUCT) norms<f64>(PRODUCT, counts, values, length, target);
  else if (kind == SMALLER) norms<f64>(SMALLER, counts, values, length, target);
  else norms<f64>(HARMONIC, counts, values, length, target);
}

/** Σ x_j·vector_j of sixteen packed rows of doubles, less `half`. */
export function sparseShifts64(counts: u32, indices: u32, values: u32, length: u32, vector: u32, half: f64, target: u32): void {
  for (let r: u32 = 0; r < LINE; r++) {
    const m = load<u32>(counts + (r << 2));
    const at = indices + ((r * length) << 2), numbers = values + ((r * length) << 3);
    let sum: f64 = 0;
    for (let t: u32 = 0; t < m; t++)
      sum += load<f64>(numbers + (t << 3)) * load<f64>(vector + (load<u32>(at + (t << 2)) << 3));
    store<f64>(target + (r << 3), sum - half);
  }
}

/** plane[r][c] −= left[r] + right[c], doubles. */
export function shiftPlane64(plane: u32, left: u32, right: u32, rows: u32, stride: u32): void {
  for (let r: u32 = 0; r < rows; r++) {
    const shift = f64x2.splat(load<f64>(left + (r << 3)));
    for (let c: u32 = 0; c < stride; c += 2, plane += 16)
      v128.store(plane, f64x2.sub(v128.load(plane), f64x2.add(shift, v128.load(right + (c << 3)))));
  }
}
