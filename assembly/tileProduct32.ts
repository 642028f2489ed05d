/**
 * Products of a tile of float16 or float32 with blocks of vectors, in floats over at most 64 terms and from there in
 * doubles: for where the exactness of doubles is not asked for.
 *
 * Outputs are the lanes of a vector, so that no width wastes any. Each column of v is multiplied with a power of two, so
 * that its size does not matter; its sums are multiplied back.
 */
import { multiplyAdd32, multiplyAdd64 } from './multiplyAdd';
import {
  COLUMNS, EIGHT, FLOATS, FLOATS32, highHalves, highPairs, LANES, lowPairs, ORDINARY_HALVES, OUTPUTS, packPart, packVectors,
  SCALES, SUMS, TERMS, VECTORS,
} from './packTile';
import { addTileProduct, addTransposedTileProduct } from './tileProduct';

// @ts-ignore: decorator
@inline
function addRow(out: u32, sums: v128, scale: v128): void {
  v128.store(out, multiplyAdd64(f64x2.promote_low_f32x4(sums), scale, v128.load(out)));
}

/** Adds the sums of four outputs and two columns, each column's times its power of two (so products are exact). */
// @ts-ignore: decorator
@inline
function addPair(out: u32, step: u32, a: v128, b: v128, scale: v128): void {
  const low = lowPairs(a, b);
  addRow(out, low, scale);
  addRow(out + step, highHalves(low, low), scale);
  const high = highPairs(a, b);
  addRow(out + 2 * step, high, scale);
  addRow(out + 3 * step, highHalves(high, high), scale);
}

/** Adds two sums of one column to two rows. */
// @ts-ignore: decorator
@inline
function addTwoRows(out: u32, step: u32, sums: v128, scale: v128): void {
  const before = v128.load64_lane(out + step, v128.load64_zero(out), 1);
  const after = multiplyAdd64(f64x2.promote_low_f32x4(sums), scale, before);
  v128.store64_lane(out, after, 0);
  v128.store64_lane(out + step, after, 1);
}

/** The same for one column. */
// @ts-ignore: decorator
@inline
function addColumn(out: u32, step: u32, a: v128, scale: v128): void {
  addTwoRows(out, step, a, scale);
  addTwoRows(out + 2 * step, step, highHalves(a, a), scale);
}

/** out[o][c] += Σ_i a[i][o]·v[i][c]·scale_c for eight outputs and `COUNT` (2 to 4, a constant where it is inlined) columns. */
// @ts-ignore: decorator
@inline
function addEight(COUNT: u32, a: u32, terms: u32, v: u32, scales: u32, out: u32, step: u32): void {
  let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s02 = f32x4.splat(0), s03 = f32x4.splat(0);
  let s10 = f32x4.splat(0), s11 = f32x4.splat(0), s12 = f32x4.splat(0), s13 = f32x4.splat(0);
  for (let i: u32 = 0; i < terms; i++) {
    const x0 = v128.load(a);
    const x1 = v128.load(a, 16);
    let w = v128.load32_splat(v);
    s00 = multiplyAdd32(x0, w, s00);
    s10 = multiplyAdd32(x1, w, s10);
    w = v128.load32_splat(v, 4);
    s01 = multiplyAdd32(x0, w, s01);
    s11 = multiplyAdd32(x1, w, s11);
    if (COUNT > 2) {
      w = v128.load32_splat(v, 8);
      s02 = multiplyAdd32(x0, w, s02);
      s12 = multiplyAdd32(x1, w, s12);
    }
    if (COUNT > 3) {
      w = v128.load32_splat(v, 12);
      s03 = multiplyAdd32(x0, w, s03);
      s13 = multiplyAdd32(x1, w, s13);
    }
    a += 32;
    v += COUNT << 2;
  }
  const below = out + 4 * step;
  const scale = v128.load(scales);
  addPair(out, step, s00, s01, scale);
  addPair(below, step, s10, s11, scale);
  if (COUNT > 3) {
    const next = v128.load(scales, 16);
    addPair(out + 16, step, s02, s03, next);
    addPair(below + 16, step, s12, s13, next);
  }
  if (COUNT == 3) {
    const last = v128.load64_splat(scales, 16);
    addColumn(out + 16, step, s02, last);
    addColumn(below + 16, step, s12, last);
  }
}

function addGroup(count: u32, a: u32, terms: u32, v: u32, scales: u32, out: u32, step: u32): void {
  if (count == 4) addEight(4, a, terms, v, scales, out, step);
  else if (count == 3) addEight(3, a, terms, v, scales, out, step);
  else addEight(2, a, terms, v, scales, out, step);
}

/** The same for fewer than eight outputs. */
function addFewer(
  count: u32, a: u32, terms: u32, v: u32, scales: u32, out: u32, step: u32, outputs: u32, sums: u32,
): void {
  memory.fill(sums, 0, (LANES * count) << 3);
  addGroup(count, a, terms, v, scales, sums, count << 3);
  for (let o: u32 = 0; o < outputs; o++) {
    for (let c: u32 = 0; c < count; c++) {
      const at = out + o * step + (c << 3);
      store<f64>(at, load<f64>(at) + load<f64>(sums + ((o * count + c) << 3)));
    }
  }
}

/** Columns of group g when `columns` are shared among `groups` of 2 to 4. */
// @ts-ignore: decorator
@inline
function groupSize(columns: u32, groups: u32, g: u32): u32 {
  return columns / groups + (g < columns % groups ? 1 : 0);
}

/** target[o][c] += Σ_i K(o, i)·v[i][c] for the part of the tile in scratch and terms [first, first + terms) of `count` there. */
function addPart(
  outputs: u32, terms: u32, first: u32, count: u32, columns: u32, target: u32, step: u32, scratch: u32,
): void {
  const groups = (columns + 3) / 4;
  for (let o: u32 = 0; o < outputs; o += LANES) {
    const a = scratch + (o >> 3) * EIGHT;
    const left = outputs - o;
    for (let g: u32 = 0, c: u32 = 0; g < groups; g++) {
      const size = groupSize(columns, groups, g);
      const v = scratch + VECTORS + ((c * count + first * size) << 2);
      const scales = scratch + SCALES + (c << 3);
      const out = target + o * step + (c << 3);
      if (left >= LANES) addGroup(size, a, terms, v, scales, out, step);
      else addFewer(size, a, terms, v, scales, out, step, left, scratch + SUMS);
      c += size;
    }
  }
}

/** target[o][c] += Σ_i K(o, i)·v[i][c] for `columns` ≤ COLUMNS columns of rows of `width`. */
function addColumns(
  tile: u32, dtype: u32, stride: u32, transposed: bool, outputs: u32, terms: u32,
  v: u32, width: u32, columns: u32, target: u32, scratch: u32,
): void {
  const step = width << 3;
  const chunk = FLOATS / columns / TERMS * TERMS;
  const rowBytes = stride << (dtype + 1), entryBytes: u32 = 2 << dtype;
  const outputBytes = transposed ? entryBytes : rowBytes;
  const termBytes = transposed ? rowBytes : entryBytes;
  let entries: u32 = dtype == 1 ? FLOATS32 : ORDINARY_HALVES;
  for (let first: u32 = 0; first < terms; first += chunk) {
    const count = min(chunk, terms - first);
    packVectors(v + first * step, step, count, columns, scratch);
    // The tile is walked through in the order in which it lies in memory.
    const parts = ((outputs + OUTPUTS - 1) / OUTPUTS) * ((count + TERMS - 1) / TERMS);
    let o: u32 = 0, i: u32 = 0;
    for (let p: u32 = 0; p < parts; p++) {
      const rows = min(OUTPUTS, outputs - o), inner = min(TERMS, count - i);
      const from = tile + o * outputBytes + (first + i) * termBytes;
      entries = packPart(from, entries, stride, transposed, rows, inner, scratch);
      addPart(rows, inner, i, count, columns, target + o * step, step, scratch);
      if (transposed) {
        o += OUTPUTS;
        if (o < outputs) continue;
        o = 0;
        i += TERMS;
      } else {
        i += TERMS;
        if (i < count) continue;
        i = 0;
        o += OUTPUTS;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addAll(
  tile: u32, dtype: u32, stride: u32, transposed: bool, outputs: u32, terms: u32, v: u32, width: u32, target: u32, scratch: u32,
): void {
  for (let c: u32 = 0; c < width; c += COLUMNS) {
    const columns = min(COLUMNS, width - c);
    addColumns(tile, dtype, stride, transposed, outputs, terms, v + (c << 3), width, columns, target + (c << 3), scratch);
  }
}

/** target[r][c] += Σ_s K[r][s]·v[s][c]; tiles of doubles are multiplied in doubles. */
export function addTileProduct32(
  tile: u32, dtype: u32, stride: u32, rows: u32, columns: u32, v: u32, width: u32, target: u32, scratch: u32,
): void {
  if (dtype == 2) addTileProduct(tile, dtype, stride, rows, columns, v, width, target, scratch);
  else addAll(tile, dtype, stride, false, rows, columns, v, width, target, scratch);
}

/** target[s][c] += Σ_r K[r][s]·u[r][c]. */
export function addTransposedTileProduct32(
  tile: u32, dtype: u32, stride: u32, rows: u32, columns: u32, u: u32, width: u32, target: u32, scratch: u32,
): void {
  if (dtype == 2) addTransposedTileProduct(tile, dtype, stride, rows, columns, u, width, target, scratch);
  else addAll(tile, dtype, stride, true, columns, rows, u, width, target, scratch);
}
