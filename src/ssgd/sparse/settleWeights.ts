/**
 * Penalties of all weights brought up to date at once: what the kernels `sparseShrink32` and `sparseAdagradSettle` do for the features
 * of some rows. Weights are w[j·columns + c].
 */

/** Toward 0 by total − seen[j], then times the factor of all weights. */
export function settleShrunk(
  weights: Float32Array,
  columns: number,
  seen: Float64Array,
  total: number,
  factor: number,
): void {
  for (let i = 0; i < weights.length; i++) {
    const v = weights[i]!;
    const threshold = total - seen[Math.floor(i / columns)]!;
    weights[i] = Math.sign(v) * Math.max(0, Math.abs(v) - threshold) * factor;
  }
}

/** By what the sum of the rates has grown; see the kernel. */
export function settleAdagrad(
  weights: Float32Array,
  squares: Float32Array,
  columns: number,
  seen: Float64Array,
  total: number,
  { decay, l1 }: { readonly decay: number; readonly l1: number },
  epsilon: number,
): void {
  if (decay === 0 && l1 === 0) return;
  for (let i = 0; i < weights.length; i++) {
    const v = weights[i]!;
    const time = total - seen[Math.floor(i / columns)]!;
    if (v === 0 || time === 0) continue;
    const tau = time / (Math.sqrt(squares[i]!) + epsilon);
    const power = Math.exp(-decay * tau);
    const lost = decay > 0 ? (l1 / decay) * (1 - power) : l1 * tau;
    weights[i] = Math.sign(v) * Math.max(0, Math.abs(v) * power - lost);
  }
}
