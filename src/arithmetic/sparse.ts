/**
 * Kernels of sparse rows. A row (src/data/sparse/sparseRecord.ts) lies at base + 4·order[i]; `code` is log2 of the bytes of a
 * value (0, 2 or 3). Weights of k columns lie feature by feature: w[j·k + c]. `factors` 0: features are not scaled.
 */
export interface SparseKernels {
  /**
   * Finds the rows that lie one after another in [start, end) and writes where, in words from `base`, to order[0 … capacity). Every
   * index of a row found is below d. Returns how many were found.
   *
   * `result`, three words: bytes of the rows found; what is wrong with the next (0 nothing, 1 more than d nonzeros, 2 an index that
   * is not below d); the bytes it has when it is cut by the end, 0 when not even its header is there.
   */
  walkSparse(
    start: number,
    end: number,
    d: number,
    code: number,
    base: number,
    order: number,
    capacity: number,
    result: number,
  ): number;
  /** The largest squared norm of rows order[from … from + count), features times their factors; of one row, its own. */
  largestSparseSquare32(
    base: number,
    order: number,
    from: number,
    count: number,
    code: number,
    factors: number,
  ): number;
  /** labels[i], doubles, of rows order[from … from + count). */
  sparseLabels(base: number, order: number, from: number, count: number, labels: number): void;
  /** scores[i·k + c] = scale·Σ factors[j]·x[j]·w[j·k + c] + intercept[c], and labels (doubles), of rows order[from … from + count). */
  sparseScores32(
    base: number,
    order: number,
    from: number,
    count: number,
    code: number,
    w: number,
    k: number,
    factors: number,
    scale: number,
    intercept: number,
    scores: number,
    labels: number,
  ): void;
  /** The same in double precision. */
  sparseScores64(
    base: number,
    order: number,
    from: number,
    count: number,
    code: number,
    w: number,
    k: number,
    intercept: number,
    scores: number,
    labels: number,
  ): void;
  /** w[j·k + c] −= step·slopes[i·k + c]·factors[j]·x[j] for each nonzero. */
  sparseStep32(
    base: number,
    order: number,
    from: number,
    count: number,
    code: number,
    w: number,
    k: number,
    factors: number,
    slopes: number,
    step: number,
  ): void;
  /** Moves the weights of features in these rows toward 0 by total − seen[j] (doubles), which becomes total. */
  sparseShrink32(
    base: number,
    order: number,
    from: number,
    count: number,
    w: number,
    k: number,
    seen: number,
    total: number,
  ): void;
  /** w −= step·slope·x + decay·inverse[j]·w, then toward 0 by shrink·inverse[j], for each nonzero. */
  sparseHogwildStep32(
    base: number,
    order: number,
    from: number,
    count: number,
    code: number,
    w: number,
    k: number,
    factors: number,
    slopes: number,
    step: number,
    inverse: number,
    decay: number,
    shrink: number,
  ): void;
  /**
   * Weights v of features in these rows, with sums of squares G: dv = −(decay·v + l1·sign v)·dτ/(√G + ε) over τ = total − seen[j],
   * not beyond 0.
   */
  sparseAdagradSettle(
    base: number,
    order: number,
    from: number,
    count: number,
    w: number,
    squares: number,
    k: number,
    seen: number,
    total: number,
    decay: number,
    l1: number,
    epsilon: number,
  ): void;
  /** g = scale·slope·factors[j]·x[j], G += g², w −= rate·g/(√G + ε), for each nonzero. */
  sparseAdagradStep(
    base: number,
    order: number,
    from: number,
    count: number,
    code: number,
    w: number,
    squares: number,
    k: number,
    factors: number,
    slopes: number,
    scale: number,
    rate: number,
    epsilon: number,
  ): void;
  /** Copies rows order[from … to) to their buckets' cursors; returns the first whose row has no room below its limit, or `to`. */
  scatterSparse(
    base: number,
    order: number,
    buckets: number,
    from: number,
    to: number,
    code: number,
    cursors: number,
    limits: number,
  ): number;
}

const HEADER = 12;

/** The reference in plain TypeScript. */
export function plainSparse(buffer: SharedArrayBuffer): SparseKernels {
  const bytes = new Uint8Array(buffer);
  const words = new Uint32Array(buffer);
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);
  const view = new DataView(buffer);
  const rowAt = (base: number, order: number, i: number) => base + 4 * words[(order >>> 2) + i]!;
  const recordBytes = (m: number, code: number) => HEADER + 4 * m + 4 * Math.ceil((m * 2 ** code) / 4);
  const value = (row: number, t: number, code: number) => {
    const at = row + HEADER + 4 * words[row >>> 2]! + t * 2 ** code;
    if (code === 0) return bytes[at]!;
    return code === 2 ? view.getFloat32(at, true) : view.getFloat64(at, true);
  };
  /** Visits the nonzeros of rows order[from … from + count). */
  const forEach = (
    base: number,
    order: number,
    from: number,
    count: number,
    visit: (i: number, j: number, row: number, t: number) => void,
  ) => {
    for (let i = 0; i < count; i++) {
      const row = rowAt(base, order, from + i);
      const m = words[row >>> 2]!;
      for (let t = 0; t < m; t++) visit(i, words[(row + HEADER) / 4 + t]!, row, t);
    }
  };
  const factorOf = (factors: number, j: number) => (factors === 0 ? 1 : floats[(factors >>> 2) + j]!);
  const shrunk = (v: number, threshold: number) => Math.sign(v) * Math.max(0, Math.abs(v) - threshold);
  return {
    walkSparse(start, end, d, code, base, order, capacity, result) {
      let at = start;
      let count = 0;
      let [fault, wanted] = [0, 0];
      while (count < capacity && end - at >= HEADER) {
        const m = words[at >>> 2]!;
        if (m > d) {
          fault = 1;
          break;
        }
        const length = recordBytes(m, code);
        if (length > end - at) {
          wanted = Math.min(length, 0xffffffff);
          break;
        }
        const first = (at + HEADER) >>> 2;
        if (!words.subarray(first, first + m).every((index) => index < d)) {
          fault = 2;
          break;
        }
        words[(order >>> 2) + count++] = (at - base) >>> 2;
        at += length;
      }
      words.set([at - start, fault, wanted], result >>> 2);
      return count;
    },
    largestSparseSquare32(base, order, from, count, code, factors) {
      let largest = 0;
      for (let i = 0; i < count; i++) {
        let sum = 0;
        forEach(base, order, from + i, 1, (_, j, at, t) => {
          sum += (value(at, t, code) * factorOf(factors, j)) ** 2;
        });
        if (!(sum <= largest)) largest = sum;
      }
      return Math.fround(largest);
    },
    sparseLabels(base, order, from, count, labels) {
      for (let i = 0; i < count; i++)
        doubles[(labels >>> 3) + i] = view.getFloat64(rowAt(base, order, from + i) + 4, true);
    },
    sparseScores32(base, order, from, count, code, w, k, factors, scale, intercept, scores, labels) {
      for (let i = 0; i < count; i++) {
        const row = rowAt(base, order, from + i);
        doubles[(labels >>> 3) + i] = view.getFloat64(row + 4, true);
        for (let c = 0; c < k; c++) {
          let sum = 0;
          forEach(base, order, from + i, 1, (_, j, at, t) => {
            sum += value(at, t, code) * factorOf(factors, j) * floats[(w >>> 2) + j * k + c]!;
          });
          floats[(scores >>> 2) + i * k + c] = scale * sum + floats[(intercept >>> 2) + c]!;
        }
      }
    },
    sparseScores64(base, order, from, count, code, w, k, intercept, scores, labels) {
      for (let i = 0; i < count; i++) {
        const row = rowAt(base, order, from + i);
        doubles[(labels >>> 3) + i] = view.getFloat64(row + 4, true);
        for (let c = 0; c < k; c++) {
          let sum = doubles[(intercept >>> 3) + c]!;
          forEach(base, order, from + i, 1, (_, j, at, t) => {
            sum += value(at, t, code) * doubles[(w >>> 3) + j * k + c]!;
          });
          doubles[(scores >>> 3) + i * k + c] = sum;
        }
      }
    },
    sparseStep32(base, order, from, count, code, w, k, factors, slopes, step) {
      forEach(base, order, from, count, (i, j, row, t) => {
        const x = step * value(row, t, code) * factorOf(factors, j);
        for (let c = 0; c < k; c++) floats[(w >>> 2) + j * k + c]! -= x * floats[(slopes >>> 2) + i * k + c]!;
      });
    },
    sparseShrink32(base, order, from, count, w, k, seen, total) {
      forEach(base, order, from, count, (_, j) => {
        const threshold = total - doubles[(seen >>> 3) + j]!;
        doubles[(seen >>> 3) + j] = total;
        for (let c = 0; c < k; c++) {
          const at = (w >>> 2) + j * k + c;
          floats[at] = shrunk(floats[at]!, threshold);
        }
      });
    },
    sparseHogwildStep32(base, order, from, count, code, w, k, factors, slopes, step, inverse, decay, shrink) {
      forEach(base, order, from, count, (i, j, row, t) => {
        const x = step * value(row, t, code) * factorOf(factors, j);
        const share = floats[(inverse >>> 2) + j]!;
        for (let c = 0; c < k; c++) {
          const at = (w >>> 2) + j * k + c;
          const before = floats[at]!;
          const after = before - decay * share * before - x * floats[(slopes >>> 2) + i * k + c]!;
          floats[at] = shrunk(after, shrink * share);
        }
      });
    },
    sparseAdagradSettle(base, order, from, count, w, squares, k, seen, total, decay, l1, epsilon) {
      forEach(base, order, from, count, (_, j) => {
        const time = total - doubles[(seen >>> 3) + j]!;
        doubles[(seen >>> 3) + j] = total;
        for (let c = 0; c < k; c++) {
          const at = j * k + c;
          const v = floats[(w >>> 2) + at]!;
          const tau = time / (Math.sqrt(floats[(squares >>> 2) + at]!) + epsilon);
          const power = Math.exp(-decay * tau);
          const loss = decay > 0 ? (l1 / decay) * (1 - power) : l1 * tau;
          floats[(w >>> 2) + at] = Math.sign(v) * Math.max(0, Math.abs(v) * power - loss);
        }
      });
    },
    sparseAdagradStep(base, order, from, count, code, w, squares, k, factors, slopes, scale, rate, epsilon) {
      forEach(base, order, from, count, (i, j, row, t) => {
        const x = scale * value(row, t, code) * factorOf(factors, j);
        for (let c = 0; c < k; c++) {
          const at = j * k + c;
          const g = x * floats[(slopes >>> 2) + i * k + c]!;
          if (g === 0) continue;
          floats[(squares >>> 2) + at]! += g * g;
          floats[(w >>> 2) + at]! -= (rate * g) / (Math.sqrt(floats[(squares >>> 2) + at]!) + epsilon);
        }
      });
    },
    scatterSparse(base, order, buckets, from, to, code, cursors, limits) {
      for (let i = from; i < to; i++) {
        const row = rowAt(base, order, i);
        const length = recordBytes(words[row >>> 2]!, code);
        const bucket = words[(buckets >>> 2) + i]!;
        const cursor = words[(cursors >>> 2) + bucket]!;
        if (words[(limits >>> 2) + bucket]! - cursor < length) return i;
        bytes.copyWithin(cursor, row, row + length);
        words[(cursors >>> 2) + bucket] = cursor + length;
      }
      return to;
    },
  };
}
