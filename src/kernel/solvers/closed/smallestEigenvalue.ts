/** Most steps, each one pass over K. */
const MOST_STEPS = 30;

/**
 * Estimates the smallest eigenvalue of a symmetric n × n matrix from above by the Lanczos recurrence
 * β_{j+1}·v_{j+1} = A·v_j − α_j·v_j − β_j·v_{j−1} (Paige 1972), whose tridiagonal matrix of α and β has extreme eigenvalues that
 * converge first. Without reorthogonalisation copies of them appear, which does not move the extremes.
 *
 * Vectors lie in column 0 of blocks [n][width]; other columns are zero. `multiply` writes A·current to `product`.
 */
export async function smallestEigenvalue(
  n: number,
  width: number,
  blocks: {
    readonly current: Float64Array;
    readonly previous: Float64Array;
    readonly product: Float64Array;
  },
  start: (i: number) => number,
  multiply: () => Promise<void>,
): Promise<number> {
  const { current, previous, product } = blocks;
  current.fill(0);
  previous.fill(0);
  for (let i = 0; i < n; i++) current[i * width] = start(i);
  const alphas: number[] = [];
  const betas: number[] = [];
  const norm = (block: Float64Array) => {
    let sum = 0;
    for (let at = 0; at < n * width; at += width) sum += block[at]! ** 2;
    return Math.sqrt(sum);
  };
  const first = norm(current);
  for (let at = 0; at < n * width; at += width) current[at]! /= first;
  let beta = 0;
  for (let step = 0; step < Math.min(MOST_STEPS, n); step++) {
    await multiply();
    let alpha = 0;
    for (let at = 0; at < n * width; at += width) alpha += current[at]! * product[at]!;
    alphas.push(alpha);
    for (let at = 0; at < n * width; at += width) product[at]! -= alpha * current[at]! + beta * previous[at]!;
    beta = norm(product);
    if (!(beta > 1e-12 * Math.abs(alphas[0]!))) break;
    betas.push(beta);
    previous.set(current);
    for (let at = 0; at < n * width; at += width) current[at] = product[at]! / beta;
  }
  return smallestOfTridiagonal(alphas, betas);
}

/** By bisection: the number of negative terms of the Sturm sequence at x is the number of eigenvalues below x. */
export function smallestOfTridiagonal(diagonal: readonly number[], below: readonly number[]): number {
  const radius = (i: number) =>
    Math.abs(below[i - 1] ?? 0) + (i + 1 < diagonal.length ? Math.abs(below[i] ?? 0) : 0);
  let low = Math.min(...diagonal.map((value, i) => value - radius(i)));
  let high = Math.min(...diagonal);
  const anyBelow = (x: number) => {
    let term = 1;
    for (let i = 0; i < diagonal.length; i++) {
      const coupling = i === 0 ? 0 : below[i - 1]! ** 2 / term;
      term = diagonal[i]! - x - coupling;
      if (term < 0) return true;
      if (term === 0) term = Number.MIN_VALUE;
    }
    return false;
  };
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (anyBelow(middle)) high = middle;
    else low = middle;
  }
  return high;
}
