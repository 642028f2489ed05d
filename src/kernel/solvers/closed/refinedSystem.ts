import { addKernelProduct } from '../../tiles/multiply.js';
import { type KernelSystem, relativeResiduals, residualFromProduct, targetNorms } from '../residual.js';
import { type KernelProblem, vectorWidth } from '../solver.js';
import { solveWidth } from './planClosed.js';

/**
 * (K + λI)X = Y for one regularization, on blocks [n][width] of doubles in the solver's regions. Rows held out are rows
 * of the identity with zero on the right: X is zero there.
 */
export class RefinedSystem {
  readonly width: number;
  /** Columns in use: targets. */
  readonly k: number;
  readonly estimate: Float64Array;
  readonly residual: Float64Array;
  readonly correction: Float64Array;
  readonly direction: Float64Array;
  readonly product: Float64Array;
  /** Passes over K so far. */
  passes = 0;
  readonly #problem: KernelProblem;
  readonly #equations: KernelSystem;
  readonly #targetNorms: Float64Array;

  /** `index`: which of `options.reg`. */
  constructor(problem: KernelProblem, index: number) {
    const { arena } = problem.workspace;
    const { size, options, targets, heldOut } = problem;
    this.#problem = problem;
    this.k = size.k;
    this.width = solveWidth(this.k);
    this.#equations = {
      n: size.n,
      k: this.k,
      width: this.width,
      regularizations: [options.reg[index]!],
      targets,
      targetWidth: vectorWidth(size),
      firstTarget: index * this.k,
      heldOut,
    };
    this.#targetNorms = targetNorms(this.#equations);
    this.estimate = arena.float64('closed estimate');
    this.residual = arena.float64('closed residual');
    this.correction = arena.float64('closed correction');
    this.direction = arena.float64('closed direction');
    this.product = arena.float64('closed product');
    this.estimate.fill(0);
    this.product.fill(0);
    residualFromProduct(this.#equations, this.estimate, this.product, this.residual);
  }

  target(i: number, c: number): number {
    const { targets, targetWidth, firstTarget } = this.#equations;
    return targets[i * targetWidth + firstTarget + c]!;
  }

  /** product := K·block, rows held out included: one pass. */
  async multiply(block: Float64Array): Promise<void> {
    const { matrix, workspace, signal } = this.#problem;
    this.product.fill(0);
    const options = signal === undefined ? {} : { signal };
    const [from, to] = [block.byteOffset, this.product.byteOffset];
    await addKernelProduct(matrix, workspace.threads, from, this.width, to, options);
    this.passes++;
  }

  /** residual := Y − (K + λI)·estimate: one pass; product := K·estimate. Returns the relative residual. */
  async computeResidual(): Promise<number> {
    await this.multiply(this.estimate);
    residualFromProduct(this.#equations, this.estimate, this.product, this.residual);
    return this.relativeResidual();
  }

  /** product := (K + λI)·direction, zero in rows held out: one pass. */
  async multiplyDirection(): Promise<void> {
    await this.multiply(this.direction);
    const { heldOut, n, regularizations } = this.#equations;
    const lambda = regularizations[0]!;
    for (let i = 0; i < n; i++) {
      for (let at = i * this.width; at < (i + 1) * this.width; at++) {
        const value = this.product[at]! + lambda * this.direction[at]!;
        this.product[at] = heldOut?.[i] === 1 ? 0 : value;
      }
    }
  }

  /** ‖residual‖/‖Y‖, the largest over columns. */
  relativeResidual(): number {
    const norms = dots(this.residual, this.residual, this.width).map(Math.sqrt);
    return relativeResiduals(this.#equations, norms, this.#targetNorms)[0]!;
  }

  /** coefficients := estimate, for the columns of this regularization. */
  store(): void {
    const { coefficients } = this.#problem;
    const { n, k, targetWidth, firstTarget } = this.#equations;
    for (let i = 0; i < n; i++)
      for (let c = 0; c < k; c++)
        coefficients[i * targetWidth + firstTarget + c] = this.estimate[i * this.width + c]!;
  }
}

/** a·b of each column of two blocks [n][width]. */
export function dots(a: Float64Array, b: Float64Array, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let at = 0; at < a.length; at += width)
    for (let c = 0; c < width; c++) sums[c]! += a[at + c]! * b[at + c]!;
  return sums;
}

/** target += factor_c·source, column by column. */
export function addColumns(
  target: Float64Array,
  factors: Float64Array,
  source: Float64Array,
  width: number,
): void {
  for (let at = 0; at < target.length; at += width)
    for (let c = 0; c < width; c++) target[at + c]! += factors[c]! * source[at + c]!;
}
