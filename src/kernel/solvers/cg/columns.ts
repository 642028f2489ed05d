import type { KernelSystem } from '../residual.js';

/**
 * Narrows x and r from the system of all regularizations to that of the best one on all rows, in place. On rows held out
 * x held the predictions f: now x = 0 and r = y − f there. Returns the norms of the columns of r.
 */
export function narrowToRefit(
  from: KernelSystem,
  to: KernelSystem,
  x: Float64Array,
  r: Float64Array,
): Float64Array {
  const norms = new Float64Array(to.width);
  for (let i = 0; i < from.n; i++) {
    const source = i * from.width + to.firstTarget;
    const target = i * to.width;
    const isHeldOut = from.heldOut?.[i] === 1;
    for (let c = 0; c < to.k; c++) {
      const value = x[source + c]!;
      const y = to.targets[i * to.targetWidth + to.firstTarget + c]!;
      const residual = isHeldOut ? y - value : r[source + c]!;
      x[target + c] = isHeldOut ? 0 : value;
      r[target + c] = residual;
      norms[c]! += residual * residual;
    }
    x.fill(0, target + to.k, target + to.width);
    r.fill(0, target + to.k, target + to.width);
  }
  return norms.map(Math.sqrt);
}

/** Puts the coefficients of a refit back into their columns among all, in place; the other columns become zero. */
export function widenFromRefit(refit: KernelSystem, x: Float64Array): void {
  const { n, k, width, targetWidth, firstTarget } = refit;
  const row = new Float64Array(k);
  for (let i = n - 1; i >= 0; i--) {
    row.set(x.subarray(i * width, i * width + k));
    x.fill(0, i * targetWidth, (i + 1) * targetWidth);
    x.set(row, i * targetWidth + firstTarget);
  }
}

/** Sets the rows held out of a block of vectors to zero. */
export function clearHeldOut({ n, width, heldOut }: KernelSystem, x: Float64Array): void {
  if (heldOut === undefined) return;
  for (let i = 0; i < n; i++) if (heldOut[i] === 1) x.fill(0, i * width, (i + 1) * width);
}
