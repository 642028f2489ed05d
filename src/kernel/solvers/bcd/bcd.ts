import { MlmlError } from '../../../errors.js';
import { collectGarbage } from '../../../memory/collectGarbage.js';
import { Random } from '../../../memory/random.js';
import { addKernelProduct } from '../../tiles/multiply.js';
import { bestScore, heldOutScores, isBetter } from '../heldOut.js';
import { relativeResiduals, systemOf, targetNorms } from '../residual.js';
import { type KernelProblem, type KernelSolution, type Solver, vectorWidth } from '../solver.js';
import { BlockFactors } from './blockFactors.js';
import { type BcdShape, LEAST_PASSES, planBcd, shapeOfArena } from './planBcd.js';
import { RowOrder } from './rowOrder.js';
import { SmallSystem } from './smallSystem.js';
import { Sweeps } from './sweeps.js';
import { addMultiple, crossProduct } from './vectorProducts.js';

/** Number of the random stream of the directions that widen the search. */
const DIRECTIONS_STREAM = 0x626364;
/** Starts from the true residual before the best reachable is accepted. */
const MOST_STARTS = 4;

/** What a checkpoint holds besides the vectors. */
interface State {
  readonly blockRows: number;
  readonly width: number;
  starts: number;
  passes: number;
  /** Best held-out value so far, and the pass after which it was reached. */
  bestValue: number | null;
  bestPass: number;
}

/**
 * Block coordinate descent (Tu, Roelofs, Venkataraman, Recht 2016): for one block B of unknowns after the other,
 *   (K_BB + λI)·W_B = Y_B − (K_{B,:}·W − K_BB·W_B),
 * the blocks visited forth and back, so that a sweep needs each tile of the lower triangle once. By themselves sweeps stall
 * on kernels of fast decaying spectrum; here they are the preconditioner (D + L)D⁻¹(D + Lᵀ) of block conjugate gradients
 * (O'Leary 1980), applied to both sides of the matrix as in Eisenstat 1981: a step costs one sweep back and one forth, two
 * passes, like one round of plain descent, and the columns of a regularization (and some random ones) share what they learn:
 *   S = PᵀÃP,  α = S⁻¹PᵀR̃,  W += T·α,  R̃ −= ÃP·α,  β = −S⁻¹(ÃP)ᵀR̃,  P ← orth(R̃ + P·β)
 * for the reduced residual R̃ = Gᵀ(D + L)⁻¹(Y − (K + λI)W) and steps T = (D + Lᵀ)⁻¹G·P. See `Sweeps`.
 *
 * Memory: b² / 2 doubles for a factor, (6·width + k)·n doubles besides W and Y. Stops when every column has
 * ‖Y − (K+λI)W‖ ≤ tol·‖Y‖; the residual, updated in each step, is then computed afresh, and the method starts again from
 * it when rounding had spoiled it. Throws `MLML_NOT_DEFINITE`.
 */
export const bcd: Solver = {
  plan: planBcd,
  leastPasses: () => LEAST_PASSES,
  async solve(problem) {
    return new Descent(problem).run();
  },
};

class Descent {
  readonly #problem: KernelProblem;
  readonly #shape: BcdShape;
  readonly #order: RowOrder;
  readonly #system: SmallSystem;
  readonly #residual: Float64Array;
  readonly #reduced: Float64Array;
  readonly #directions: Float64Array;
  /** ‖y‖ over the rows kept, for each column of `targets`. */
  readonly #norms: Float64Array;
  #state: State;

  constructor(problem: KernelProblem) {
    const { size, workspace } = problem;
    const { arena } = workspace;
    this.#problem = problem;
    this.#shape = shapeOfArena(size, arena);
    this.#order = new RowOrder(
      this.#shape.groups.flatMap(({ blocks }) => blocks),
      problem.heldOut,
      arena.uint32('bcd order'),
      arena.uint32('bcd places'),
    );
    const { directions, blockRows, width } = this.#shape;
    this.#system = new SmallSystem(directions, arena.float64('bcd small'));
    this.#residual = arena.float64('bcd residual');
    this.#reduced = arena.float64('bcd reduced residual');
    this.#directions = arena.float64('bcd directions');
    this.#state = { blockRows, width, starts: 0, passes: 0, bestValue: null, bestPass: 0 };
    this.#norms = targetNorms(systemOf(problem));
  }

  async run(): Promise<KernelSolution> {
    const problem = this.#problem;
    const { options, size } = problem;
    const resumed = await this.#load();
    const factors = await BlockFactors.make(problem, this.#shape, this.#order);
    const sweeps = new Sweeps(problem, this.#shape, this.#order, factors);
    if (resumed) problem.onEvent({ type: 'resumed', done: this.#state.passes, total: options.passes });
    else await this.#trueResidual();
    let stopped: KernelSolution['stopped'] = 'passes';
    let residuals = this.#residuals();
    let fresh = !resumed;
    for (;;) {
      if (fresh) await this.#start(sweeps);
      fresh = true;
      // A step takes two passes, the check of the residual one.
      let ends = false;
      while (Math.max(...residuals) > options.tol && !ends && this.#roomFor(3)) {
        ends = !(await this.#step(sweeps));
        residuals = this.#residuals();
        this.#tell(residuals, false);
        // Promises and views of thousands of tiles, which V8 would let pile up.
        collectGarbage('minor');
        if (this.#isSettled()) {
          stopped = 'patience';
          ends = true;
        } else if (!ends) await this.#rest();
      }
      problem.checkpoint.atRest(undefined);
      await this.#trueResidual();
      residuals = this.#residuals();
      this.#tell(residuals, true);
      if (Math.max(...residuals) <= options.tol) stopped = 'tolerance';
      if (stopped !== 'passes' || this.#state.starts >= MOST_STARTS || !this.#roomFor(LEAST_PASSES)) break;
    }
    if (stopped === 'passes' && this.#roomFor(LEAST_PASSES)) {
      problem.onEvent({
        type: 'warning',
        message:
          `bcd: the residual stays at ${Math.max(...residuals).toExponential(1)}, above --tol=${options.tol}, the least ` +
          'that rounding allows for this kernel and --reg',
      });
    }
    const heldOut = this.#heldOut();
    return {
      passes: this.#state.passes,
      residuals,
      ...(heldOut && { heldOut }),
      best: heldOut && size.regularizations > 1 ? bestScore(heldOut, options.reg, problem.classification) : 0,
      stopped,
    };
  }

  /** Whether so many passes are left. */
  #roomFor(passes: number): boolean {
    return this.#state.passes + passes <= this.#problem.options.passes;
  }

  /** residual := Y − (K + λI)W; −K·W for rows held out. Costs a pass unless W is 0. */
  async #trueResidual(): Promise<void> {
    const { coefficients, targets, workspace, matrix, size, options, signal } = this.#problem;
    const width = vectorWidth(size);
    const residual = this.#residual;
    residual.fill(0);
    if (coefficients.some((value) => value !== 0)) {
      await addKernelProduct(matrix, workspace.threads, coefficients.byteOffset, width, residual.byteOffset, {
        ...(signal && { signal }),
      });
      this.#state.passes++;
    }
    for (let i = 0; i < size.n; i++) {
      const held = this.#order.isHeldOut(i);
      for (let c = 0; c < size.k * size.regularizations; c++) {
        const at = i * width + c;
        const regularization = options.reg[Math.floor(c / size.k)]!;
        residual[at] = held
          ? -residual[at]!
          : targets[at]! - residual[at]! - regularization * coefficients[at]!;
      }
    }
  }

  /** Reduced residual from the residual, random columns besides, and the first directions. One pass. */
  async #start(sweeps: Sweeps): Promise<void> {
    const { n, k, regularizations } = this.#problem.size;
    const { width, directions } = this.#shape;
    const from = vectorWidth(this.#problem.size);
    this.#reduced.fill(0);
    for (let i = 0; i < n; i++) {
      for (let l = 0; l < regularizations; l++) {
        for (let c = 0; c < k; c++)
          this.#reduced[i * width + l * directions + c] = this.#residual[i * from + l * k + c]!;
      }
    }
    sweeps.passes = this.#state.passes;
    await sweeps.reduce();
    this.#state.passes++;
    this.#state.starts++;
    const random = Random.of(this.#problem.options.seed, DIRECTIONS_STREAM, this.#state.starts);
    for (let l = 0; l < regularizations; l++) {
      let squares = 0;
      for (let i = 0; i < n; i++)
        for (let c = 0; c < k; c++) squares += this.#reduced[i * width + l * directions + c]! ** 2;
      const scale = Math.sqrt(squares / (n * k));
      for (let i = 0; i < n; i++) {
        if (this.#order.isHeldOut(i)) continue;
        for (let c = k; c < directions; c++)
          this.#reduced[i * width + l * directions + c] = scale * random.normal();
      }
    }
    this.#directions.set(this.#reduced);
    this.#orthonormalise();
  }

  /** One step of block conjugate gradients. False when there is no direction left. */
  async #step(sweeps: Sweeps): Promise<boolean> {
    const { workspace, size, coefficients } = this.#problem;
    const { arena, threads } = workspace;
    const { width, directions } = this.#shape;
    const { n, k, regularizations } = size;
    const columns = vectorWidth(size);
    const cross = arena.float64('bcd cross');
    const product = arena.float64('bcd reduced products');
    const weights = arena.float64('bcd coefficients');
    sweeps.passes = this.#state.passes;
    await sweeps.multiply();
    this.#state.passes += 2;

    // S, then α in `weights`, which is 0 outside the blocks of the regularizations.
    const alpha = weights.subarray(0, width * width);
    crossProduct(threads, n, this.#directions, this.#reduced, width, alpha);
    crossProduct(threads, n, this.#directions, product, width, cross);
    let rank = 0;
    /** weights := sign·S⁻¹·weights inside the blocks. */
    const perRegularization = (sign: number) => {
      for (let l = 0; l < regularizations; l++) {
        const first = l * directions * (width + 1);
        const kept = this.#system.factorise(cross, first, width);
        if (kept < 0) throw indefinite();
        rank += kept;
        for (let i = 0; i < directions; i++) {
          const row = (l * directions + i) * width;
          for (let c = 0; c < width; c++) {
            if (c < l * directions || c >= (l + 1) * directions) alpha[row + c] = 0;
            else alpha[row + c]! *= sign;
          }
        }
        for (let c = 0; c < directions; c++) this.#system.solve(alpha, first, width, c);
      }
    };
    perRegularization(-1);
    if (rank === 0) return false;
    addMultiple(threads, n, product, width, alpha, width, this.#reduced);

    // β needs S again after α has moved the reduced residual; α of the real columns moves W and the residual first.
    const narrow = this.#narrow(alpha, columns, k);
    addMultiple(threads, n, arena.float64('bcd products'), width, narrow, columns, this.#residual);
    for (let i = 0; i < narrow.length; i++) narrow[i] = -narrow[i]!;
    addMultiple(threads, n, arena.float64('bcd steps'), width, narrow, columns, coefficients);

    crossProduct(threads, n, product, this.#reduced, width, alpha);
    perRegularization(-1);
    product.set(this.#reduced);
    addMultiple(threads, n, this.#directions, width, alpha, width, product);
    this.#directions.set(product);
    return this.#orthonormalise() > 0;
  }

  /** Columns of α that belong to targets, [width][columns]. */
  #narrow(alpha: Float64Array, columns: number, k: number): Float64Array {
    const { width, directions } = this.#shape;
    const narrow = this.#problem.workspace.arena.float64('bcd narrow').subarray(0, width * columns);
    narrow.fill(0);
    for (let i = 0; i < width; i++) {
      const l = Math.floor(i / directions);
      for (let c = 0; c < k; c++) narrow[i * columns + l * k + c] = alpha[i * width + l * directions + c]!;
    }
    return narrow;
  }

  /** Makes the directions of each regularization orthonormal; dependent ones become 0. Returns how many are left. */
  #orthonormalise(): number {
    const { arena, threads } = this.#problem.workspace;
    const { width, directions } = this.#shape;
    const { n, regularizations } = this.#problem.size;
    const cross = arena.float64('bcd cross');
    const weights = arena.float64('bcd coefficients').subarray(0, width * width);
    const copy = arena.float64('bcd reduced products');
    crossProduct(threads, n, this.#directions, this.#directions, width, cross);
    weights.fill(0);
    let rank = 0;
    for (let l = 0; l < regularizations; l++) {
      const first = l * directions * (width + 1);
      rank += this.#system.factorise(cross, first, width);
      this.#system.inverseTransposed(weights, first, width);
    }
    copy.set(this.#directions);
    this.#directions.fill(0);
    addMultiple(threads, n, copy, width, weights, width, this.#directions);
    return rank;
  }

  /** Largest relative residual of each regularization. */
  #residuals(): number[] {
    const system = systemOf(this.#problem);
    // The norms of the residual, as if it were the targets.
    const norms = targetNorms({ ...system, targets: this.#residual });
    if (norms.some(Number.isNaN)) throw indefinite();
    return relativeResiduals(system, norms, this.#norms);
  }

  /** Scores of rows held out; the residual holds minus their predictions. */
  #heldOut(): number[] | undefined {
    const { heldOut, size, workspace } = this.#problem;
    if (heldOut === undefined) return undefined;
    const width = vectorWidth(size);
    // Free between steps.
    const predictions = workspace.arena.float64('bcd steps');
    for (let i = 0; i < size.n; i++) {
      if (heldOut[i] !== 1) continue;
      for (let at = i * width; at < (i + 1) * width; at++) predictions[at] = -this.#residual[at]!;
    }
    return heldOutScores(this.#problem, predictions);
  }

  #tell(residuals: readonly number[], exact: boolean): void {
    const heldOut = this.#heldOut();
    const { classification, onEvent } = this.#problem;
    const state = this.#state;
    if (heldOut !== undefined && !exact) {
      const value = classification ? Math.max(...heldOut) : Math.min(...heldOut);
      if (state.bestValue === null || isBetter(value, state.bestValue, classification)) {
        state.bestValue = value;
        state.bestPass = state.passes;
      }
    }
    onEvent({ type: 'pass', pass: state.passes, residuals, exact, ...(heldOut && { heldOut }) });
  }

  #isSettled(): boolean {
    const { patience } = this.#problem.options;
    const { bestValue, bestPass, passes } = this.#state;
    return patience > 0 && bestValue !== null && passes - bestPass >= patience;
  }

  #blocks(): Readonly<Record<string, Uint8Array>> {
    const bytes = (vectors: Float64Array) =>
      new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
    return {
      coefficients: bytes(this.#problem.coefficients),
      residual: bytes(this.#residual),
      reduced: bytes(this.#reduced),
      directions: bytes(this.#directions),
    };
  }

  async #load(): Promise<boolean> {
    const saved = (await this.#problem.checkpoint.load(this.#blocks())) as State | undefined;
    if (saved === undefined) return false;
    if (saved.blockRows === this.#shape.blockRows && saved.width === this.#shape.width) {
      this.#state = { ...saved };
      return true;
    }
    this.#problem.coefficients.fill(0);
    return false;
  }

  /** Between two steps: saves the state when it is time, and offers it while the products of the next step are under way. */
  async #rest(): Promise<void> {
    const { checkpoint, onEvent, options, size } = this.#problem;
    const state = { ...this.#state };
    const write = async () => {
      const progress = { done: state.passes, total: options.passes, unit: 'passes' };
      await checkpoint.save(state, this.#blocks(), progress);
      onEvent({ type: 'checkpoint', pass: state.passes });
    };
    if (checkpoint.due(state.passes * size.n)) await write();
    else checkpoint.atRest(write);
  }
}

function indefinite(): MlmlError {
  return new MlmlError(
    'MLML_NOT_DEFINITE',
    'bcd: K + reg·I is not positive definite; raise --reg, store tiles with a wider --dtype, or use a positive definite kernel',
  );
}
