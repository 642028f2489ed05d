import type { ProductPrecision } from '../../tiles/multiply.js';
import type { KernelProblem } from '../solver.js';

/** Of an entry on the diagonal: beyond, or below its inverse, floats would overflow or vanish. */
const LARGEST_DIAGONAL = 2 ** 40;
/** Tolerances below are always left to doubles. */
const SMALLEST_TOL = 1e-5;

/** Whether products in floats can do for a tolerance at all, whatever K is. */
export function allowsFloats({
  tol,
  reg,
}: {
  readonly tol: number;
  readonly reg: readonly number[];
}): boolean {
  return tol >= SMALLEST_TOL && Math.min(...reg) > 0;
}

/**
 * In what the directions of conjugate gradients are multiplied with K: in floats when the drift they cause between the
 * residual of the recurrence and the true one is small against `tol`, that is when tol ≥ 2⁻²⁴·√(trace(K)/λ).
 *
 * The drift was measured to be 0.07 to 0.1 of that (MNIST, 10 000 rows, RBF 5, λ 0.1 and 0.001: 1.7e-6 and 1.3e-5 of ‖Y‖).
 * The true residual is computed in doubles in any case, so the rule decides on time alone.
 */
export async function productPrecision(problem: KernelProblem): Promise<ProductPrecision> {
  const { matrix, options, workspace } = problem;
  if (matrix.dtype === 'float64' || !allowsFloats(options)) return 'float64';
  const diagonal = workspace.arena.float64('cg products').subarray(0, matrix.n);
  await matrix.diagonal(diagonal);
  let [trace, largest] = [0, 0];
  for (const value of diagonal) {
    trace += value;
    largest = Math.max(largest, Math.abs(value));
  }
  if (!(largest <= LARGEST_DIAGONAL && trace >= matrix.n / LARGEST_DIAGONAL)) return 'float64';
  return options.tol >= 2 ** -24 * Math.sqrt(trace / Math.min(...options.reg)) ? 'float32' : 'float64';
}
