/**
 * Parts of a tile and of blocks of vectors laid out in scratch as floats for `addTileProduct32`: of the tile [terms][8
 * outputs], of the vectors [terms][up to 4 columns].
 */
import { halfToFloat } from './half';
import { areOrdinary, halvesToFloats, ordinaryHalves, seeHalves } from './halfFloats';

/** Terms of a sum of floats. */
export const TERMS: u32 = 64;
/** Outputs worked on together: two vectors of floats. */
export const LANES: u32 = 8;
/** Outputs of the part of the tile in scratch: with its terms 8 KiB. */
export const OUTPUTS: u32 = 32;
/** Bytes of eight outputs in scratch; a multiple of 4 KiB would make loads wait for stores. */
export const EIGHT: u32 = TERMS * LANES * 4 + 64;
/** The most columns of v that are in scratch at once, and floats of it. */
export const COLUMNS: u32 = 40;
export const FLOATS: u32 = 8192;

/** In scratch: the part of the tile, powers of two of the columns, sums of outputs that are no full eight, v. */
export const SCALES: u32 = (OUTPUTS / LANES) * EIGHT;
export const SUMS: u32 = SCALES + COLUMNS * 8;
export const VECTORS: u32 = SUMS + LANES * 4 * 8;

// @ts-ignore: decorator
@inline
export function lowPairs(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
}

// @ts-ignore: decorator
@inline
export function highPairs(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
}

// @ts-ignore: decorator
@inline
function lowHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}

// @ts-ignore: decorator
@inline
export function highHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

/** How the entries of a part become floats; a constant where it is inlined. */
export const ORDINARY_HALVES: u32 = 0;
const HALVES: u32 = 1;
export const FLOATS32: u32 = 2;

// @ts-ignore: decorator
@inline
function fourFloats(ENTRIES: u32, source: u32): v128 {
  if (ENTRIES == FLOATS32) return v128.load(source);
  return ENTRIES == HALVES ? halvesToFloats(v128.load16x4_u(source)) : ordinaryHalves(source);
}

/** Elements [o0, o1) x [i0, i1) of the part, one by one; zeros behind its last output. */
function packSlowly(
  tile: u32, dtype: u32, outputStep: u32, termStep: u32, outputs: u32, o0: u32, o1: u32, i0: u32, i1: u32, block: u32,
): void {
  for (let o = o0; o < o1; o++) {
    const to = block + (o >> 3) * EIGHT + ((o & 7) << 2);
    for (let i = i0; i < i1; i++) {
      let value: f32 = 0;
      if (o < outputs) {
        const from = tile + o * outputStep + i * termStep;
        value = dtype == 0 ? halfToFloat(load<u16>(from)) : load<f32>(from);
      }
      store<f32>(to + (i << 5), value);
    }
  }
}

/** [terms][outputs] of the tile to eights of outputs [terms][8]. False: halves are not ordinary. */
// @ts-ignore: decorator
@inline
function packTerms(ENTRIES: u32, tile: u32, rowBytes: u32, eights: u32, terms: u32, block: u32): bool {
  const four: u32 = ENTRIES == FLOATS32 ? 16 : 8;
  let seen = i16x8.splat(0);
  for (let i: u32 = 0; i < terms; i++) {
    let from = tile;
    let to = block + (i << 5);
    for (let e: u32 = 0; e < eights; e++) {
      if (ENTRIES == ORDINARY_HALVES) seen = seeHalves(seen, from);
      v128.store(to, fourFloats(ENTRIES, from));
      v128.store(to, fourFloats(ENTRIES, from + four), 16);
      from += four << 1;
      to += EIGHT;
    }
    tile += rowBytes;
  }
  return areOrdinary(seen);
}

/** Four outputs and terms, turned. */
// @ts-ignore: decorator
@inline
function packSquare(ENTRIES: u32, row0: u32, row1: u32, row2: u32, row3: u32, to: u32): void {
  const a = fourFloats(ENTRIES, row0), b = fourFloats(ENTRIES, row1);
  const c = fourFloats(ENTRIES, row2), d = fourFloats(ENTRIES, row3);
  const ab = lowPairs(a, b), cd = lowPairs(c, d);
  v128.store(to, lowHalves(ab, cd));
  v128.store(to, highHalves(ab, cd), 32);
  const ab2 = highPairs(a, b), cd2 = highPairs(c, d);
  v128.store(to, lowHalves(ab2, cd2), 64);
  v128.store(to, highHalves(ab2, cd2), 96);
}

/** The same from [outputs][terms], `terms` a multiple of 8. */
// @ts-ignore: decorator
@inline
function packOutputs(ENTRIES: u32, tile: u32, rowBytes: u32, eights: u32, terms: u32, block: u32): bool {
  const four: u32 = ENTRIES == FLOATS32 ? 16 : 8;
  let seen = i16x8.splat(0);
  for (let f: u32 = 0; f < eights << 1; f++) {
    let row0 = tile + (f << 2) * rowBytes;
    let row1 = row0 + rowBytes, row2 = row1 + rowBytes, row3 = row2 + rowBytes;
    let to = block + (f >> 1) * EIGHT + ((f & 1) << 4);
    for (let i: u32 = 0; i < terms; i += 8) {
      if (ENTRIES == ORDINARY_HALVES) {
        seen = seeHalves(seeHalves(seen, row0), row1);
        seen = seeHalves(seeHalves(seen, row2), row3);
      }
      packSquare(ENTRIES, row0, row1, row2, row3, to);
      packSquare(ENTRIES, row0 + four, row1 + four, row2 + four, row3 + four, to + 128);
      row0 += four << 1;
      row1 += four << 1;
      row2 += four << 1;
      row3 += four << 1;
      to += 256;
    }
  }
  return areOrdinary(seen);
}

// @ts-ignore: decorator
@inline
function packFast(
  ENTRIES: u32, tile: u32, rowBytes: u32, transposed: bool, eights: u32, terms: u32, block: u32,
): bool {
  if (transposed) return packTerms(ENTRIES, tile, rowBytes, eights, terms, block);
  return packOutputs(ENTRIES, tile, rowBytes, eights, terms, block);
}

/**
 * The part of the tile at `tile`, as [⌈outputs/8⌉] EIGHTs of [terms][8] floats; `entries` says what it holds. Returns
 * what it held, for the next part.
 */
export function packPart(
  tile: u32, entries: u32, stride: u32, transposed: bool, outputs: u32, terms: u32, block: u32,
): u32 {
  const dtype: u32 = entries == FLOATS32 ? 1 : 0;
  const rowBytes = stride << (dtype + 1);
  const eights = outputs >> 3;
  const fast = eights << 3;
  const fastTerms = transposed ? terms : terms & ~7;
  if (dtype == 1) packFast(FLOATS32, tile, rowBytes, transposed, eights, fastTerms, block);
  else {
    if (entries == ORDINARY_HALVES && !packFast(ORDINARY_HALVES, tile, rowBytes, transposed, eights, fastTerms, block)) {
      entries = HALVES;
    }
    if (entries == HALVES) packFast(HALVES, tile, rowBytes, transposed, eights, fastTerms, block);
  }
  const outputStep = transposed ? 2 << dtype : rowBytes;
  const termStep = transposed ? rowBytes : 2 << dtype;
  packSlowly(tile, dtype, outputStep, termStep, outputs, 0, fast, fastTerms, terms, block);
  if (fast < outputs) packSlowly(tile, dtype, outputStep, termStep, outputs, fast, fast + LANES, 0, terms, block);
  return entries;
}

/**
 * The largest number of a column of v becomes 2^LARGEST or up to twice that: high, since products with small entries must
 * not come near the smallest floats, which processors work on slowly; entries up to 2^60 leave room for their sums.
 */
const LARGEST: i64 = 60;

/** Biased exponents of the largest of `terms` numbers in each of two columns; the ends of the range are avoided. */
function pairExponents(v: u32, step: u32, terms: u32): v128 {
  let a = f64x2.splat(0), b = a, c = a, d = a;
  let i: u32 = 0;
  for (; i + 4 <= terms; i += 4) {
    a = f64x2.pmax(a, f64x2.abs(v128.load(v)));
    b = f64x2.pmax(b, f64x2.abs(v128.load(v + step)));
    c = f64x2.pmax(c, f64x2.abs(v128.load(v + 2 * step)));
    d = f64x2.pmax(d, f64x2.abs(v128.load(v + 3 * step)));
    v += step << 2;
  }
  for (; i < terms; i++, v += step) a = f64x2.pmax(a, f64x2.abs(v128.load(v)));
  const exponents = i64x2.shr_u(f64x2.pmax(f64x2.pmax(a, b), f64x2.pmax(c, d)), 52);
  return i32x4.min_s(i32x4.max_s(exponents, i64x2.splat(LARGEST + 1)), i64x2.splat(2045));
}

/**
 * Two columns of v as floats, each times the power of two that brings its largest number to 2^LARGEST, to `to0` and `to1`
 * in steps of their groups' sizes; what their sums are to be multiplied with goes to `scales`.
 */
function packPair(v: u32, step: u32, terms: u32, scales: u32, to0: u32, step0: u32, to1: u32, step1: u32): void {
  const exponents = pairExponents(v, step, terms);
  v128.store(scales, i64x2.shl(i64x2.sub(exponents, i64x2.splat(LARGEST)), 52));
  const scale = i64x2.shl(i64x2.sub(i64x2.splat(2046 + LARGEST), exponents), 52);
  for (let i: u32 = 0; i < terms; i++) {
    const floats = f32x4.demote_f64x2_zero(f64x2.mul(v128.load(v), scale));
    v128.store32_lane(to0, floats, 0);
    v128.store32_lane(to1, floats, 1);
    v += step;
    to0 += step0;
    to1 += step1;
  }
}

/** Where in [groups][count][columns of the group] floats column c begins. */
// @ts-ignore: decorator
@inline
function columnPlace(columns: u32, groups: u32, count: u32, c: u32): u32 {
  const small = columns / groups;
  const wide = (columns % groups) * (small + 1);
  const first = c < wide ? c - c % (small + 1) : c - (c - wide) % small;
  return (first * count + c - first) << 2;
}

/** Columns of the group of column c. */
// @ts-ignore: decorator
@inline
function columnGroup(columns: u32, groups: u32, c: u32): u32 {
  const small = columns / groups;
  return c < (columns % groups) * (small + 1) ? small + 1 : small;
}

/** `columns` columns of v, an even number, as floats: [groups][terms][columns of the group]. */
export function packVectors(v: u32, step: u32, terms: u32, columns: u32, scratch: u32): void {
  const groups = (columns + 3) / 4;
  const to = scratch + VECTORS;
  for (let c: u32 = 0; c < columns; c += 2) {
    packPair(
      v + (c << 3), step, terms, scratch + SCALES + (c << 3),
      to + columnPlace(columns, groups, terms, c), columnGroup(columns, groups, c) << 2,
      to + columnPlace(columns, groups, terms, c + 1), columnGroup(columns, groups, c + 1) << 2,
    );
  }
}
