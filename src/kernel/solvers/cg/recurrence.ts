import { MlmlError } from '../../../errors.js';
import type { Workspace } from '../../../threads/workspace.js';
import type { Preconditioner } from '../../precondition/preconditioner.js';
import type { KernelMatrix } from '../../tiles/kernelMatrix.js';
import { addKernelProduct, type ProductPrecision } from '../../tiles/multiply.js';
import {
  columnRegularizations,
  type KernelSystem,
  relative,
  residualFromProduct,
  systemColumns,
  targetNorms,
} from '../residual.js';

/** Against ‖p‖‖q‖: a curvature pᵀq closer to zero is rounding, one further below shows an indefinite matrix. */
const CURVATURE_ROUNDING = 1e-12;
/** A column whose residual has not fallen by 1 % for so many passes has stagnated. */
const STAGNATION_PASSES = 60;

/** What is not a vector: plain data, for checkpoints. */
export interface RecurrenceState {
  /** rᵀz of each column. */
  readonly rho: readonly number[];
  /** 1 while a column is being solved. */
  readonly active: readonly number[];
  /** Columns given up: rounding allows no progress. */
  readonly stagnated: readonly number[];
  /** ‖r‖ of each column. */
  readonly norms: readonly number[];
  /** Smallest ‖r‖ that counted as progress, and passes since. */
  readonly lowest: readonly number[];
  readonly since: readonly number[];
  /** ‖r‖ when it was last computed afresh; −1 before. */
  readonly verified: readonly number[];
  readonly precision: ProductPrecision;
}

/**
 * Preconditioned conjugate gradients (Hestenes & Stiefel 1952; Golub & Van Loan, algorithm 11.5.1) on all columns of a
 * system at once: each column has its own recurrence, all share the passes over K.
 *
 *   q = (K + λI)p,  α = rᵀz/pᵀq,  x ← x + αp,  r ← r − αq,  z = P⁻¹r,  β = rᵀz/(rᵀz before),  p ← z + βp
 *
 * Rows held out have r = p = 0. Their rows of x hold −(their predictions K·x) negated, that is the predictions: K·p gives
 * those of the next x for free. One pass over K for each step; vectors are doubles [n][width].
 *
 * K·p and P⁻¹r are worked out in `precision`, K·x for the true residual in doubles. Products in floats make the r of the recurrence
 * drift away from the true one: if that is found above the tolerance, the work goes on from it in doubles.
 */
export class Recurrence {
  readonly system: KernelSystem;
  readonly x: Float64Array;
  readonly r: Float64Array;
  readonly p: Float64Array;
  /** q, and z after it. */
  readonly q: Float64Array;
  readonly targetNorms: Float64Array;
  readonly norms: Float64Array;
  readonly active: Uint8Array;
  readonly stagnated: Uint8Array;
  readonly #rho: Float64Array;
  readonly #lowest: Float64Array;
  readonly #since: Float64Array;
  readonly #verified: Float64Array;
  readonly #lambdas: Float64Array;
  readonly #preconditioner: Preconditioner;
  readonly #workspace: Workspace;
  readonly #matrix: KernelMatrix;
  readonly #signal: AbortSignal | undefined;
  #precision: ProductPrecision;

  /** With `state`, the vectors x, r and p in the arena are those it was taken with; else `start` must follow. */
  constructor(
    workspace: Workspace,
    matrix: KernelMatrix,
    preconditioner: Preconditioner,
    system: KernelSystem,
    precision: ProductPrecision,
    signal: AbortSignal | undefined,
    state?: RecurrenceState,
  ) {
    this.system = system;
    this.#workspace = workspace;
    this.#matrix = matrix;
    this.#preconditioner = preconditioner;
    this.#signal = signal;
    this.#precision = state?.precision ?? precision;
    const length = system.n * system.width;
    const vectors = (name: string) => workspace.arena.float64(name).subarray(0, length);
    this.x = vectors('coefficients');
    this.r = vectors('cg residuals');
    this.p = vectors('cg directions');
    this.q = vectors('cg products');
    this.targetNorms = targetNorms(system);
    this.#lambdas = columnRegularizations(system);
    const { width } = system;
    this.norms = Float64Array.from(state?.norms ?? this.targetNorms);
    this.active = Uint8Array.from(state?.active ?? new Array(width).fill(0));
    this.stagnated = Uint8Array.from(state?.stagnated ?? new Array(width).fill(0));
    this.#rho = Float64Array.from(state?.rho ?? new Array(width).fill(0));
    this.#lowest = Float64Array.from(state?.lowest ?? this.targetNorms);
    this.#since = Float64Array.from(state?.since ?? new Array(width).fill(0));
    this.#verified = Float64Array.from(state?.verified ?? new Array(width).fill(-1));
  }

  state(): RecurrenceState {
    return {
      rho: [...this.#rho],
      active: [...this.active],
      stagnated: [...this.stagnated],
      norms: [...this.norms],
      lowest: [...this.#lowest],
      since: [...this.#since],
      verified: [...this.#verified],
      precision: this.#precision,
    };
  }

  /** Of the products with directions and with the preconditioner. */
  get precision(): ProductPrecision {
    return this.#precision;
  }

  /** Starts from the x and r in memory: directions anew, every column not given up and not below `tol` is active. */
  start(tol: number): void {
    const { width } = this.system;
    const columns = systemColumns(this.system);
    for (let c = 0; c < width; c++) {
      this.active[c] = c < columns && this.stagnated[c] === 0 && !this.#isBelow(c, tol) ? 1 : 0;
      this.#lowest[c] = this.norms[c]!;
      this.#since[c] = 0;
    }
    this.p.fill(0);
    this.#turn(true);
  }

  #isBelow(column: number, tol: number): boolean {
    return relative(this.norms[column]!, this.targetNorms[column]!) <= tol;
  }

  /** Stops work on a column: its x stays as it is. */
  freeze(column: number): void {
    this.active[column] = 0;
    for (let at = column; at < this.p.length; at += this.system.width) this.p[at] = 0;
  }

  get done(): boolean {
    return this.active.every((flag) => flag === 0);
  }

  /** One pass over K. Columns whose residual is at most `tol` of their target's norm are frozen. */
  async step(tol: number, onTile: () => void): Promise<void> {
    const { p, q, r, x, system } = this;
    const { n, width, heldOut } = system;
    await this.#multiply(p, this.#precision, onTile);
    const curvature = new Float64Array(width);
    const pSquares = new Float64Array(width);
    const qSquares = new Float64Array(width);
    for (let i = 0; i < n; i++) {
      if (heldOut?.[i] === 1) continue;
      const row = i * width;
      for (let c = 0; c < width; c++) {
        const direction = p[row + c]!;
        const product = q[row + c]! + this.#lambdas[c]! * direction;
        curvature[c]! += direction * product;
        pSquares[c]! += direction * direction;
        qSquares[c]! += product * product;
      }
    }
    const alpha = new Float64Array(width);
    for (let c = 0; c < width; c++) {
      if (this.active[c] === 0) continue;
      if (this.#isUsable(c, curvature[c]!, Math.sqrt(pSquares[c]! * qSquares[c]!))) {
        alpha[c] = this.#rho[c]! / curvature[c]!;
      } else this.#giveUp(c);
    }
    const squares = new Float64Array(width);
    for (let i = 0; i < n; i++) {
      const row = i * width;
      if (heldOut?.[i] === 1) {
        for (let c = 0; c < width; c++) x[row + c]! += alpha[c]! * q[row + c]!;
        continue;
      }
      for (let c = 0; c < width; c++) {
        const at = row + c;
        const direction = p[at]!;
        x[at]! += alpha[c]! * direction;
        const value = r[at]! - alpha[c]! * (q[at]! + this.#lambdas[c]! * direction);
        r[at] = value;
        squares[c]! += value * value;
      }
    }
    for (let c = 0; c < width; c++) {
      if (this.active[c] === 0) continue;
      const norm = Math.sqrt(squares[c]!);
      this.norms[c] = norm;
      if (this.#isBelow(c, tol)) this.active[c] = 0;
      else this.#watch(c, norm);
    }
    this.#turn(false);
  }

  /** Whether a curvature allows a step; throws when it shows that K + λI is not positive definite. */
  #isUsable(column: number, curvature: number, scale: number): boolean {
    if (!Number.isFinite(curvature) || !Number.isFinite(scale)) {
      throw new MlmlError(
        'MLML_BAD_DATA',
        'the kernel matrix holds values that are not finite (NaN or infinity); check the data, the kernel parameters and, for a stored kernel, its number type',
      );
    }
    if (curvature > CURVATURE_ROUNDING * scale) return true;
    if (curvature >= -CURVATURE_ROUNDING * scale || this.#precision === 'float32') return false;
    const lambda = this.#lambdas[column]!;
    throw new MlmlError(
      'MLML_NOT_DEFINITE',
      `the kernel matrix plus ${lambda} times the identity is not positive definite (a direction of curvature ${(curvature / scale).toExponential(1)} was met); use a larger --reg, a positive definite kernel, or --dtype=float64 if rounding of its entries is to blame`,
    );
  }

  #giveUp(column: number): void {
    this.active[column] = 0;
    // What floats do not allow, doubles may.
    if (this.#precision === 'float64') this.stagnated[column] = 1;
  }

  #watch(column: number, norm: number): void {
    if (norm < 0.99 * this.#lowest[column]!) {
      this.#lowest[column] = norm;
      this.#since[column] = 0;
    } else if (++this.#since[column]! >= STAGNATION_PASSES) this.#giveUp(column);
  }

  /** z = P⁻¹r and the next directions; `afresh`: without the ones before. */
  #turn(afresh: boolean): void {
    const { p, q: z, r, system } = this;
    const { n, width, heldOut, k } = system;
    if (this.done) return p.fill(0) && undefined;
    this.#preconditioner.apply(r.byteOffset, z.byteOffset, width, k, this.#precision);
    const rho = new Float64Array(width);
    for (let i = 0; i < n; i++) {
      if (heldOut?.[i] === 1) continue;
      for (let at = i * width, c = 0; c < width; c++, at++) rho[c]! += r[at]! * z[at]!;
    }
    const beta = new Float64Array(width);
    for (let c = 0; c < width; c++) {
      // P⁻¹ is positive definite: rᵀz is only not positive where rounding has the last word.
      if (this.active[c] === 1 && !(rho[c]! > 0)) this.#giveUp(c);
      if (this.active[c] === 0) continue;
      beta[c] = afresh ? 0 : rho[c]! / this.#rho[c]!;
      this.#rho[c] = rho[c]!;
    }
    for (let i = 0; i < n; i++) {
      if (heldOut?.[i] === 1) continue;
      for (let at = i * width, c = 0; c < width; c++, at++)
        p[at] = this.active[c] === 1 ? z[at]! + beta[c]! * p[at]! : 0;
    }
  }

  async #multiply(v: Float64Array, precision: ProductPrecision, onTile: () => void): Promise<void> {
    const { q, system } = this;
    q.fill(0);
    await addKernelProduct(this.#matrix, this.#workspace.threads, v.byteOffset, system.width, q.byteOffset, {
      onTile,
      precision,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    });
  }

  /**
   * Computes r = Y − (K + λI)x afresh, by one pass over K, and goes on from it. Columns whose residual is above `tol`
   * after all become active again, with products in doubles, unless those before were in doubles too and this has not
   * halved what it was when last computed: such columns have stagnated.
   */
  async verify(tol: number, onTile: () => void): Promise<void> {
    const { x, q, r, system } = this;
    const { n, width, heldOut } = system;
    if (heldOut !== undefined)
      for (let i = 0; i < n; i++) if (heldOut[i] === 1) x.fill(0, i * width, (i + 1) * width);
    await this.#multiply(x, 'float64', onTile);
    if (heldOut !== undefined)
      for (let i = 0; i < n; i++)
        if (heldOut[i] === 1) x.set(q.subarray(i * width, (i + 1) * width), i * width);
    this.norms.set(residualFromProduct(system, x, q, r));
    const columns = systemColumns(system);
    if (this.#precision === 'float32') {
      // A residual reached with floats says nothing of what doubles can reach.
      for (let c = 0; c < columns; c++) if (!this.#isBelow(c, tol)) this.#precision = 'float64';
      return this.start(tol);
    }
    for (let c = 0; c < columns; c++) {
      const before = this.#verified[c]!;
      this.#verified[c] = this.norms[c]!;
      if (!this.#isBelow(c, tol) && before >= 0 && this.norms[c]! > before / 2) this.stagnated[c] = 1;
    }
    this.start(tol);
  }
}
