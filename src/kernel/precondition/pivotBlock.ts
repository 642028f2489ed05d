/** A pivot is left out when less than this share of it is new after the pivots before it in its block. */
const NEW_SHARE = 1e-3;

/**
 * For the residual kernel G between the pivots of a block (m × m, row-major, symmetric positive semidefinite but for
 * rounding): the upper triangular T with TᵀGT = I on the pivots kept, so that G[:, S]·T are the new columns of F.
 * Pivots that the ones before them explain, or whose residual is below `smallest` (rounding), are left out: their rows
 * and columns of T are zero.
 *
 * @param g overwritten with L, G = LLᵀ on the pivots kept
 * @param t m × m, row-major
 * @returns how many pivots are kept
 */
export function inverseTransposedFactor(
  g: Float64Array,
  m: number,
  smallest: number,
  t: Float64Array,
): number {
  const kept = new Uint8Array(m);
  for (let j = 0; j < m; j++) {
    const before = g[j * m + j]!;
    let pivot = before;
    for (let q = 0; q < j; q++) if (kept[q] === 1) pivot -= g[j * m + q]! ** 2;
    if (!(pivot > NEW_SHARE * before && before > smallest)) continue;
    kept[j] = 1;
    const root = Math.sqrt(pivot);
    g[j * m + j] = root;
    for (let i = j + 1; i < m; i++) {
      let value = g[i * m + j]!;
      for (let q = 0; q < j; q++) if (kept[q] === 1) value -= g[i * m + q]! * g[j * m + q]!;
      g[i * m + j] = value / root;
    }
  }
  // L·X = I column by column; T = Xᵀ.
  t.fill(0, 0, m * m);
  for (let c = 0; c < m; c++) {
    if (kept[c] === 0) continue;
    t[c * m + c] = 1 / g[c * m + c]!;
    for (let i = c + 1; i < m; i++) {
      if (kept[i] === 0) continue;
      let sum = 0;
      for (let q = c; q < i; q++) if (kept[q] === 1) sum += g[i * m + q]! * t[c * m + q]!;
      t[c * m + i] = -sum / g[i * m + i]!;
    }
  }
  return kept.reduce((sum, flag) => sum + flag, 0);
}
