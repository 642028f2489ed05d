import { MlmlError } from '../../../errors.js';
import { collectGarbage } from '../../../memory/collectGarbage.js';
import { Random } from '../../../memory/random.js';
import { addKernelProduct } from '../../tiles/multiply.js';
import { bestScore, heldOutScores, Patience, type PatienceState } from '../heldOut.js';
import {
  columnRegularizations,
  relativeResiduals,
  residualFromProduct,
  systemOf,
  targetNorms,
} from '../residual.js';
import { type KernelProblem, type KernelSolution, type Solver, vectorWidth } from '../solver.js';
import { CHUNK, passesOfEpoch, planSsgd } from './planSsgd.js';
import { cutStrips, RowStrip, type Strip } from './rowStrip.js';

/** Number of the random stream of the orders of an epoch. */
const ORDER_STREAM = 0x73676b;
/** A residual so many times that of zero coefficients has diverged. */
const DIVERGED = 1e3;

/** What a checkpoint holds besides the vectors. */
interface State {
  readonly stripRows: number;
  epoch: number;
  /** Strips of the epoch that are done. */
  strips: number;
  patience: PatienceState;
}

/**
 * Stochastic gradient descent on ‖ΛB − Y‖², Λ = K + λI, over the rows of Λ, one at a time:
 *   e = Λ_i·B − Y_i,  Δ ← α·Λ_iᵀe + momentum·Δ,  B ← B − Δ
 * Strips of rows are read in random order, the rows of a strip visited in random order. The rate α is `eta0`, or with
 * 'auto' (1 − momentum)/(‖Λ_i‖²·√epoch), epochs counted from 1: in the first epoch and without momentum each step solves its
 * equation exactly (Kaczmarz 1937; Strohmer & Vershynin 2009), later steps are shorter, so that what one row undoes for
 * the others fades. It never diverges. Several regularizations share the rows.
 *
 * Error falls by about 1 − 1/κ(Λ)² in n steps, κ the condition number: a baseline, not a way to an exact answer.
 * Memory: 2·width·n doubles and a strip. The true residual is computed after each epoch. Throws `MLML_DIVERGED`.
 */
export const ssgd: Solver = {
  plan: planSsgd,
  async solve(problem) {
    return new RowDescent(problem).run();
  },
};

class RowDescent {
  readonly #problem: KernelProblem;
  readonly #strip: RowStrip;
  readonly #strips: readonly Strip[];
  readonly #change: Float64Array;
  readonly #step: Float64Array;
  readonly #sums: Float64Array;
  readonly #order: Uint32Array;
  readonly #residual: Float64Array;
  readonly #width: number;
  /** λ of each column. */
  readonly #lambdas: Float64Array;
  readonly #norms: Float64Array;
  #patience: Patience;
  readonly #state: State;

  constructor(problem: KernelProblem) {
    const { size, workspace, options } = problem;
    const { arena } = workspace;
    this.#problem = problem;
    this.#strip = new RowStrip(problem);
    const stripRows = Math.floor(arena.byteLength('ssgd strip') / size.n / this.#strip.entryBytes);
    this.#strips = cutStrips(size.n, size.tileSize, stripRows);
    this.#width = vectorWidth(size);
    this.#change = arena.float64('ssgd change');
    this.#step = arena.float64('ssgd step');
    this.#sums = arena.float64('ssgd sums');
    this.#order = arena.uint32('ssgd order');
    this.#residual = arena.float64('ssgd residual');
    const system = systemOf(problem);
    this.#lambdas = columnRegularizations(system);
    this.#norms = targetNorms(system);
    this.#patience = new Patience(options.patience, options.reg.length, problem.classification);
    this.#state = { stripRows, epoch: 0, strips: 0, patience: this.#patience.state() };
  }

  async run(): Promise<KernelSolution> {
    const { options, classification } = this.#problem;
    const state = this.#state;
    this.#change.fill(0);
    await this.#load();
    const passes = passesOfEpoch(this.#problem.size, state.stripRows);
    let told: { residuals: number[]; heldOut: number[] | undefined } | undefined;
    let stopped: KernelSolution['stopped'] = 'passes';
    while (state.epoch < options.epochs && stopped === 'passes') {
      const order = Random.of(options.seed, ORDER_STREAM, state.epoch).shuffle(
        Uint32Array.from(this.#strips, (_, s) => s),
      );
      while (state.strips < order.length) {
        const strip = order[state.strips]!;
        await this.#strip.fill(this.#strips[strip]!);
        this.#descend(this.#strips[strip]!, Random.of(options.seed, ORDER_STREAM, state.epoch, strip));
        state.strips++;
        // Arguments of thousands of calls, which V8 would let pile up.
        collectGarbage('minor');
        this.#progress();
        await this.#rest(order.length);
      }
      state.strips = 0;
      state.epoch++;
      told = await this.#tell(state.epoch * passes);
      if (told.heldOut !== undefined) this.#patience.update(told.heldOut);
      if (Math.max(...told.residuals) <= options.tol) stopped = 'tolerance';
      else if (options.reg.every((_, l) => this.#patience.settled(l))) stopped = 'patience';
      else if (state.epoch < options.epochs) await this.#rest(order.length);
    }
    const { residuals, heldOut } = told ?? (await this.#tell(state.epoch * passes));
    return {
      passes: state.epoch * passes,
      residuals,
      ...(heldOut && { heldOut }),
      best: heldOut && options.reg.length > 1 ? bestScore(heldOut, options.reg, classification) : 0,
      stopped,
    };
  }

  /** One step for each row of the strip in memory, in random order. */
  #descend(strip: Strip, random: Random): void {
    const { heldOut, workspace } = this.#problem;
    let count = 0;
    for (let r = 0; r < strip.rows; r++) if (heldOut?.[strip.firstRow + r] !== 1) this.#order[count++] = r;
    random.shuffle(this.#order, 0, count);
    for (let at = 0; at <= count; at++) {
      const previous = at === 0 ? undefined : this.#order[at - 1]!;
      const next = at === count ? undefined : this.#order[at]!;
      this.#addCalls(previous, next);
      workspace.threads.run();
      if (previous !== undefined) this.#addDiagonalChange(strip.firstRow + previous);
      if (next !== undefined) this.#prepareStep(strip, next);
    }
  }

  /** The step along row `previous` and the product with row `next`, in chunks of unknowns. */
  #addCalls(previous: number | undefined, next: number | undefined): void {
    const { workspace, size, options, coefficients } = this.#problem;
    const { dtype, entryBytes } = this.#strip;
    const width = this.#width;
    for (let j = 0; j < size.n; j += CHUNK) {
      const address = (row: number | undefined) =>
        row === undefined ? 0 : this.#strip.row(row) + j * entryBytes;
      workspace.threads.add(
        'rowStep',
        address(previous),
        address(next),
        dtype,
        Math.min(CHUNK, size.n - j),
        coefficients.byteOffset + 8 * j * width,
        this.#change.byteOffset + 8 * j * width,
        width,
        options.momentum,
        this.#step.byteOffset,
        this.#sums.byteOffset + 8 * (j / CHUNK) * (width + 2),
      );
    }
  }

  /** From the sums: error, rate, step; the part of the step that λ on the diagonal makes is taken at once. */
  #prepareStep(strip: Strip, r: number): void {
    const { size, options, coefficients, targets } = this.#problem;
    const width = this.#width;
    const row = strip.firstRow + r;
    let squares = 0;
    this.#step.fill(0);
    for (let chunk = 0; chunk * CHUNK < size.n; chunk++) {
      const at = chunk * (width + 2);
      for (let c = 0; c < width; c++) this.#step[c]! += this.#sums[at + c]!;
      squares += this.#sums[at + width]!;
    }
    const diagonal = this.#strip.entry(r, row);
    for (let c = 0; c < width; c++) {
      const lambda = this.#lambdas[c]!;
      const error = this.#step[c]! + lambda * coefficients[row * width + c]! - targets[row * width + c]!;
      const norm = squares + lambda * (2 * diagonal + lambda);
      const automatic = norm > 0 ? (1 - options.momentum) / (norm * Math.sqrt(this.#state.epoch + 1)) : 0;
      this.#step[c] = error * (options.eta0 === 'auto' ? automatic : options.eta0);
      coefficients[row * width + c]! -= lambda * this.#step[c]!;
    }
  }

  /** The same part, into the change that momentum carries on; `step` is still that of the row. */
  #addDiagonalChange(row: number): void {
    for (let c = 0; c < this.#width; c++)
      this.#change[row * this.#width + c]! += this.#lambdas[c]! * this.#step[c]!;
  }

  /** Computes the true residual in one pass. */
  async #tell(pass: number): Promise<{ residuals: number[]; heldOut: number[] | undefined }> {
    const { matrix, workspace, coefficients, heldOut, options, signal, onEvent } = this.#problem;
    const system = systemOf(this.#problem);
    const product = this.#residual;
    product.fill(0);
    await addKernelProduct(
      matrix,
      workspace.threads,
      coefficients.byteOffset,
      this.#width,
      product.byteOffset,
      { ...(signal && { signal }) },
    );
    const scores = heldOut && heldOutScores(this.#problem, product);
    const norms = residualFromProduct(system, coefficients, product, product);
    const residuals = relativeResiduals(system, norms, this.#norms);
    if (residuals.some((residual) => !(residual < DIVERGED))) {
      throw new MlmlError(
        'MLML_DIVERGED',
        `ssgd: after epoch ${this.#state.epoch} the residual is ${Math.max(...residuals)} times the targets with ` +
          `--eta0=${options.eta0} --momentum=${options.momentum}; use a smaller --eta0, or --eta0=auto`,
      );
    }
    onEvent({ type: 'pass', pass, residuals, exact: true, ...(scores && { heldOut: scores }) });
    return { residuals, heldOut: scores };
  }

  #progress(): void {
    const { matrix, onEvent } = this.#problem;
    const { epoch, strips } = this.#state;
    const total = this.#strips.length;
    const bytes = { bytesRead: matrix.bytesRead, bytesWritten: 0 };
    onEvent({ type: 'progress', phase: 'solve', done: strips, total, epoch: epoch + 1, ...bytes });
  }

  #blocks(): Readonly<Record<string, Uint8Array>> {
    const bytes = (vectors: Float64Array) =>
      new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
    return { coefficients: bytes(this.#problem.coefficients), change: bytes(this.#change) };
  }

  async #load(): Promise<void> {
    const { checkpoint, coefficients, options, classification, onEvent } = this.#problem;
    const saved = (await checkpoint.load(this.#blocks())) as State | undefined;
    if (saved === undefined) return;
    if (saved.stripRows !== this.#state.stripRows) {
      coefficients.fill(0);
      this.#change.fill(0);
      return;
    }
    Object.assign(this.#state, saved);
    this.#patience = new Patience(options.patience, options.reg.length, classification, saved.patience);
    onEvent({ type: 'resumed', done: saved.epoch, total: options.epochs });
  }

  /** Between two of `strips` strips: saves the state when it is time, and offers it while the next strip is read. */
  async #rest(strips: number): Promise<void> {
    const { checkpoint, onEvent, options, size } = this.#problem;
    const state = { ...this.#state, patience: this.#patience.state() };
    const rows = Math.floor((state.epoch + state.strips / strips) * size.n);
    const write = async () => {
      const progress = { done: rows, total: options.epochs * size.n, unit: 'rows' };
      await checkpoint.save(state, this.#blocks(), progress);
      onEvent({ type: 'checkpoint', pass: state.epoch });
    };
    if (checkpoint.due(rows)) await write();
    else checkpoint.atRest(write);
  }
}
