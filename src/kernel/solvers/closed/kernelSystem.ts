import { addKernelProduct } from '../../matrix/multiply.js';
import type { KernelProblem } from '../solver.js';
import { solveWidth } from './planClosed.js';

/**
 * (K + λI)X = Y for one regularization, on blocks [n][width] of doubles in the solver's regions. Rows held out are rows
 * of the identity with zero on the right: X is zero there.
 */
export class KernelSystem {
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
  readonly #fullWidth: number;
  readonly #column: number;
  readonly #regularization: number;
  readonly #norms: Float64Array;

  /** `index`: which of `options.reg`; `fullWidth`: columns of targets and coefficients. */
  constructor(problem: KernelProblem, index: number, fullWidth: number) {
    const { arena } = problem.workspace;
    this.#problem = problem;
    this.k = problem.size.k;
    this.width = solveWidth(this.k);
    this.#fullWidth = fullWidth;
    this.#column = index * this.k;
    this.#regularization = problem.options.reg[index]!;
    this.estimate = arena.float64('closed estimate');
    this.residual = arena.float64('closed residual');
    this.correction = arena.float64('closed correction');
    this.direction = arena.float64('closed direction');
    this.product = arena.float64('closed product');
    this.estimate.fill(0);
    this.residual.fill(0);
    this.forRows((i) => {
      for (let c = 0; c < this.k; c++) this.residual[i * this.width + c] = this.target(i, c);
    });
    this.#norms = this.columnNorms();
  }

  target(i: number, c: number): number {
    return this.#problem.targets[i * this.#fullWidth + this.#column + c]!;
  }

  /** Calls `work` for each row that is not held out. */
  forRows(work: (i: number) => void): void {
    const { heldOut, size } = this.#problem;
    for (let i = 0; i < size.n; i++) if (heldOut?.[i] !== 1) work(i);
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
    this.residual.fill(0);
    this.forRows((i) => {
      for (let c = 0; c < this.k; c++) {
        const at = i * this.width + c;
        this.residual[at] = this.target(i, c) - this.product[at]! - this.#regularization * this.estimate[at]!;
      }
    });
    return this.relativeResidual();
  }

  /** product := (K + λI)·direction, zero in rows held out: one pass. */
  async multiplyDirection(): Promise<void> {
    await this.multiply(this.direction);
    const { heldOut, size } = this.#problem;
    for (let i = 0; i < size.n; i++) {
      for (let at = i * this.width; at < (i + 1) * this.width; at++) {
        const value = this.product[at]! + this.#regularization * this.direction[at]!;
        this.product[at] = heldOut?.[i] === 1 ? 0 : value;
      }
    }
  }

  /** Of each column of the residual block. */
  columnNorms(): Float64Array {
    return dots(this.residual, this.residual, this.width).map(Math.sqrt);
  }

  /** ‖residual‖/‖Y‖, the largest over columns. A column of zeros has the solution zero. */
  relativeResidual(): number {
    let most = 0;
    for (const [c, norm] of this.columnNorms().entries()) {
      const right = this.#norms[c]!;
      const relative = right > 0 ? norm / right : 0;
      if (!(relative <= most)) most = relative;
    }
    return most;
  }

  /** coefficients := estimate, for the columns of this regularization. */
  store(): void {
    const { coefficients } = this.#problem;
    this.forRows((i) => {
      for (let c = 0; c < this.k; c++)
        coefficients[i * this.#fullWidth + this.#column + c] = this.estimate[i * this.width + c]!;
    });
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
