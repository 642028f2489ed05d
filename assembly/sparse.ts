/**
 * Sparse rows. A row (src/data/sparse/sparseRecord.ts) is
 *
 *     number of nonzeros m u32, label f64, index u32 × m, value × m, zeros up to a multiple of 4 bytes
 *
 * and lies at base + 4·order[i]. `code` is log2 of the bytes of a value: 0 bytes, 2 floats, 3 doubles. Weights of k columns lie
 * feature by feature, w[j·k + c]: one line of the cache for each nonzero.
 */
export const HEADER: u32 = 12;

// @ts-ignore: decorator
@inline
export function rowAt(base: u32, order: u32, i: u32): u32 {
  return base + (load<u32>(order + (i << 2)) << 2);
}

// @ts-ignore: decorator
@inline
export function value32(at: u32, i: u32, code: u32): f32 {
  if (code == 0) return <f32>load<u8>(at + i);
  if (code == 2) return load<f32>(at + (i << 2));
  return <f32>load<f64>(at + (i << 3));
}

// @ts-ignore: decorator
@inline
function value64(at: u32, i: u32, code: u32): f64 {
  if (code == 0) return <f64>load<u8>(at + i);
  if (code == 2) return <f64>load<f32>(at + (i << 2));
  return load<f64>(at + (i << 3));
}

/** x times the factor of feature j, of which `at` is 4·j. */
// @ts-ignore: decorator
@inline
export function scaled(x: f32, factors: u32, at: u32): f32 {
  return factors != 0 ? x * load<f32>(factors + at) : x;
}

// @ts-ignore: decorator
@inline
function recordBytes(m: u64, code: u32): u64 {
  return HEADER + (m << 2) + (((m << code) + 3) & ~3);
}

/**
 * Finds the rows that lie one after another in [start, end): writes order[0 … count), in words from base, until one is cut by the
 * end, or `capacity` of them are found, or one cannot be right. Returns count.
 *
 * result   three words: bytes of the rows found; what is wrong with the next (0 nothing, 1 too many nonzeros, 2 an index that is
 *          not below d); the bytes it needs when it is cut, 0 when not even its number of nonzeros is there
 */
export function walkSparse(start: u32, end: u32, d: u32, code: u32, base: u32, order: u32, capacity: u32, result: u32): u32 {
  let at = start;
  let count: u32 = 0;
  let fault: u32 = 0;
  let wanted: u32 = 0;
  while (count < capacity && end - at >= HEADER) {
    const m = load<u32>(at);
    if (m > d) {
      fault = 1;
      break;
    }
    const bytes = recordBytes(m, code);
    if (bytes > <u64>(end - at)) {
      wanted = <u32>min<u64>(bytes, 0xffffffff);
      break;
    }
    let p = at + HEADER;
    const last = p + (m << 2);
    let most = i32x4.splat(0);
    for (; p + 16 <= last; p += 16) most = i32x4.max_u(most, v128.load(p));
    let largest = max(
      max<u32>(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1)),
      max<u32>(i32x4.extract_lane(most, 2), i32x4.extract_lane(most, 3)),
    );
    for (; p < last; p += 4) largest = max(largest, load<u32>(p));
    if (m > 0 && largest >= d) {
      fault = 2;
      break;
    }
    store<u32>(order + (count << 2), (at - base) >> 2);
    count++;
    at += <u32>bytes;
  }
  store<u32>(result, at - start);
  store<u32>(result + 4, fault);
  store<u32>(result + 8, wanted);
  return count;
}

// @ts-ignore: decorator
@inline
function scoreColumn(row: u32, code: u32, w: u32, factors: u32): f32 {
  const m = load<u32>(row);
  const indices = row + HEADER;
  const values = indices + (m << 2);
  let a: f32 = 0;
  let b: f32 = 0;
  let i: u32 = 0;
  // Two sums, so that an addition need not wait for the one before.
  for (; i + 2 <= m; i += 2) {
    const j = load<u32>(indices + (i << 2)) << 2;
    const l = load<u32>(indices + (i << 2), 4) << 2;
    const x = scaled(value32(values, i, code), factors, j);
    const y = scaled(value32(values, i + 1, code), factors, l);
    a += x * load<f32>(w + j);
    b += y * load<f32>(w + l);
  }
  if (i < m) {
    const j = load<u32>(indices + (i << 2)) << 2;
    const x = scaled(value32(values, i, code), factors, j);
    a += x * load<f32>(w + j);
  }
  return a + b;
}

/** labels[i] of rows order[from … from + count), doubles. */
export function sparseLabels(base: u32, order: u32, from: u32, count: u32, labels: u32): void {
  for (let i: u32 = 0; i < count; i++) store<f64>(labels + (i << 3), load<f64>(rowAt(base, order, from + i), 4));
}

/** The largest squared norm of rows order[from … from + count), features times their factors (0: all are 1). Of one row: that of it. */
export function largestSparseSquare32(base: u32, order: u32, from: u32, count: u32, code: u32, factors: u32): f32 {
  let largest: f32 = 0;
  for (let r: u32 = 0; r < count; r++) {
    const row = rowAt(base, order, from + r);
    const m = load<u32>(row);
    const indices = row + HEADER;
    const values = indices + (m << 2);
    let sum: f32 = 0;
    for (let i: u32 = 0; i < m; i++) {
      const x = scaled(value32(values, i, code), factors, load<u32>(indices + (i << 2)) << 2);
      sum += x * x;
    }
    if (!(sum <= largest)) largest = sum;
  }
  return largest;
}

/**
 * scores[i·k + c] = scale · Σ factors[j]·x[j]·w[j·k + c] + intercept[c] and labels[i] of rows order[from … from + count), floats.
 * `factors` 0: all are 1.
 */
export function sparseScores32(
  base: u32, order: u32, from: u32, count: u32, code: u32, w: u32, k: u32, factors: u32, scale: f32, intercept: u32, scores: u32, labels: u32,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(base, order, from + i);
    store<f64>(labels + (i << 3), load<f64>(row, 4));
    if (k == 1) {
      let sum: f32;
      // The number type is known outside the loop over nonzeros.
      if (code == 0 && factors == 0) sum = scoreColumn(row, 0, w, 0);
      else if (code == 0) sum = scoreColumn(row, 0, w, factors);
      else if (code == 2) sum = scoreColumn(row, 2, w, factors);
      else sum = scoreColumn(row, 3, w, factors);
      store<f32>(scores + (i << 2), scale * sum + load<f32>(intercept));
      continue;
    }
    const target = scores + i * (k << 2);
    memory.fill(target, 0, k << 2);
    const m = load<u32>(row);
    const indices = row + HEADER;
    const values = indices + (m << 2);
    for (let t: u32 = 0; t < m; t++) {
      const j = load<u32>(indices + (t << 2));
      const x = scaled(value32(values, t, code), factors, j << 2);
      const weights = w + j * (k << 2);
      const xs = f32x4.splat(x);
      let c: u32 = 0;
      for (; c + 4 <= k; c += 4) {
        const at = target + (c << 2);
        v128.store(at, f32x4.add(v128.load(at), f32x4.mul(xs, v128.load(weights + (c << 2)))));
      }
      for (; c < k; c++) {
        const at = target + (c << 2);
        store<f32>(at, load<f32>(at) + x * load<f32>(weights + (c << 2)));
      }
    }
    for (let c: u32 = 0; c < k; c++) {
      const at = target + (c << 2);
      store<f32>(at, scale * load<f32>(at) + load<f32>(intercept + (c << 2)));
    }
  }
}

/** The same in double precision, with w, intercept and scores doubles and no factors. */
export function sparseScores64(
  base: u32, order: u32, from: u32, count: u32, code: u32, w: u32, k: u32, intercept: u32, scores: u32, labels: u32,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(base, order, from + i);
    store<f64>(labels + (i << 3), load<f64>(row, 4));
    const target = scores + i * (k << 3);
    memory.copy(target, intercept, k << 3);
    const m = load<u32>(row);
    const indices = row + HEADER;
    const values = indices + (m << 2);
    for (let t: u32 = 0; t < m; t++) {
      const x = value64(values, t, code);
      const weights = w + load<u32>(indices + (t << 2)) * (k << 3);
      for (let c: u32 = 0; c < k; c++) {
        const at = target + (c << 3);
        store<f64>(at, load<f64>(at) + x * load<f64>(weights + (c << 3)));
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function stepColumn(row: u32, code: u32, w: u32, factors: u32, g: f32): void {
  const m = load<u32>(row);
  const values = row + HEADER + (m << 2);
  let index = row + HEADER;
  for (let t: u32 = 0; t < m; t++) {
    const at = load<u32>(index) << 2;
    const x = scaled(value32(values, t, code), factors, at);
    store<f32>(w + at, load<f32>(w + at) - g * x);
    index += 4;
  }
}

/** w[j·k + c] −= step · slopes[i·k + c] · factors[j]·x[j] for each nonzero of rows order[from … from + count). */
export function sparseStep32(
  base: u32, order: u32, from: u32, count: u32, code: u32, w: u32, k: u32, factors: u32, slopes: u32, step: f32,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(base, order, from + i);
    const m = load<u32>(row);
    const indices = row + HEADER;
    const values = indices + (m << 2);
    if (k == 1) {
      const g = step * load<f32>(slopes + (i << 2));
      // Hinges are flat for most rows.
      if (g == 0) continue;
      // What is the same for all nonzeros is asked outside the loop over them.
      if (factors != 0) stepColumn(row, code, w, factors, g);
      else if (code == 0) stepColumn(row, 0, w, 0, g);
      else if (code == 2) stepColumn(row, 2, w, 0, g);
      else stepColumn(row, 3, w, 0, g);
      continue;
    }
    const slope = slopes + i * (k << 2);
    for (let t: u32 = 0; t < m; t++) {
      const j = load<u32>(indices + (t << 2));
      const x = scaled(step * value32(values, t, code), factors, j << 2);
      const weights = w + j * (k << 2);
      const xs = f32x4.splat(x);
      let c: u32 = 0;
      for (; c + 4 <= k; c += 4) {
        const at = weights + (c << 2);
        v128.store(at, f32x4.sub(v128.load(at), f32x4.mul(xs, v128.load(slope + (c << 2)))));
      }
      for (; c < k; c++) {
        const at = weights + (c << 2);
        store<f32>(at, load<f32>(at) - x * load<f32>(slope + (c << 2)));
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function shrunk(v: f32, threshold: f32): f32 {
  if (v > threshold) return v - threshold;
  if (v < -threshold) return v + threshold;
  return 0;
}

/**
 * Brings the weights of the features of rows order[from … from + count) up to date with the penalty l1: those of feature j move
 * toward 0 by total − seen[j], and seen[j] becomes total. `seen` holds doubles.
 */
export function sparseShrink32(
  base: u32, order: u32, from: u32, count: u32, w: u32, k: u32, seen: u32, total: f64,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(base, order, from + i);
    const first = row + HEADER;
    for (let p = first, last = first + (load<u32>(row) << 2); p < last; p += 4) {
      const j = load<u32>(p);
      const threshold = <f32>(total - load<f64>(seen + (j << 3)));
      if (threshold == 0) continue;
      store<f64>(seen + (j << 3), total);
      const weights = w + j * (k << 2);
      for (let c: u32 = 0; c < k; c++) {
        const at = weights + (c << 2);
        store<f32>(at, shrunk(load<f32>(at), threshold));
      }
    }
  }
}

/**
 * One step without locks, whose penalties fall on the features of a row alone, in inverse proportion to how many rows have them:
 * w −= step·slope·x + decay·inverse[j]·w, then toward 0 by shrink·inverse[j].
 */
export function sparseHogwildStep32(
  base: u32, order: u32, from: u32, count: u32, code: u32, w: u32, k: u32, factors: u32, slopes: u32, step: f32, inverse: u32, decay: f32, shrink: f32,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(base, order, from + i);
    const m = load<u32>(row);
    const indices = row + HEADER;
    const values = indices + (m << 2);
    const slope = slopes + i * (k << 2);
    for (let t: u32 = 0; t < m; t++) {
      const j = load<u32>(indices + (t << 2));
      const x = scaled(step * value32(values, t, code), factors, j << 2);
      const share = load<f32>(inverse + (j << 2));
      const weights = w + j * (k << 2);
      for (let c: u32 = 0; c < k; c++) {
        const at = weights + (c << 2);
        const before = load<f32>(at);
        const after = before - decay * share * before - x * load<f32>(slope + (c << 2));
        store<f32>(at, shrunk(after, shrink * share));
      }
    }
  }
}

/**
 * Copies rows order[from … to) to their buckets' cursors; `buckets` is parallel to `order`. Returns the first position whose row
 * does not fit below the limit of its bucket, or `to`.
 */
export function scatterSparse(base: u32, order: u32, buckets: u32, from: u32, to: u32, code: u32, cursors: u32, limits: u32): u32 {
  for (let i = from; i < to; i++) {
    const row = rowAt(base, order, i);
    const bytes = <u32>recordBytes(load<u32>(row), code);
    const bucket = load<u32>(buckets + (i << 2)) << 2;
    const cursor = load<u32>(cursors + bucket);
    if (load<u32>(limits + bucket) - cursor < bytes) return i;
    memory.copy(cursor, row, bytes);
    store<u32>(cursors + bucket, cursor + bytes);
  }
  return to;
}
