import { MlmlError } from '../../../errors.js';
import { Random } from '../../../memory/random.js';
import type { KernelProblem } from '../solver.js';
import type { ClosedState } from './closedState.js';
import type { FactorFile } from './factorFile.js';
import { type FactorLayout, paddedRow } from './factorLayout.js';
import { addInverseDiagonal } from './inverseDiagonal.js';
import { leavesOneOut } from './planClosed.js';
import { refine } from './refine.js';
import { RefinedSystem } from './refinedSystem.js';
import { smallestEigenvalue } from './smallestEigenvalue.js';
import { factorTile, PivotError, TileReducer } from './tileReducer.js';
import { TileSource } from './tileSource.js';
import { TriangularSolver } from './triangularSolver.js';
import { validate } from './validation.js';

/** Target of the refinement; `tol` may ask for less. */
const TOLERANCE = 1e-10;
/** Rounding error of one float32 operation. */
const ROUNDING = 2 ** -24;
/** A breakdown is met with a larger shift, so often at most. */
const MOST_SHIFTS = 5;
const SHIFT_GROWTH = 8;

const nextFactor = { stage: 'factor', done: 0, shift: 0, breakdowns: 0 } as const;

/** One run of `closed`: takes a state to its end, saving it on the way. */
export class ClosedRun {
  readonly #problem: KernelProblem;
  readonly #layout: FactorLayout;
  readonly #file: FactorFile;
  readonly #fullWidth: number;
  readonly #blocks: Record<string, Uint8Array>;
  readonly #reducer: TileReducer;
  /** Power of two that brings the diagonal of K + λI to about 1: float32 neither overflows nor runs dry. */
  #scale = 1;
  #state: ClosedState;
  /** Whether a state on disk may speak of the factor's file. */
  stateOnDisk: boolean;

  constructor(
    problem: KernelProblem,
    layout: FactorLayout,
    file: FactorFile,
    from: { readonly state: ClosedState; readonly onDisk: boolean },
    fullWidth: number,
    blocks: Record<string, Uint8Array>,
  ) {
    const { workspace, signal } = problem;
    this.#problem = problem;
    this.#layout = layout;
    this.#file = file;
    this.#state = from.state;
    this.stateOnDisk = from.onDisk;
    this.#fullWidth = fullWidth;
    this.#blocks = blocks;
    this.#reducer = new TileReducer(layout, workspace, file, signal);
  }

  reportResumed(): void {
    const { index, stage, done } = this.#state;
    const { tiles } = this.#layout;
    const each = tiles * this.#stages;
    const here = index * each + (stage === 'factor' ? 0 : tiles) + done;
    this.#problem.onEvent({
      type: 'resumed',
      done: here,
      total: each * this.#problem.size.regularizations,
    });
  }

  async finish(): Promise<ClosedState> {
    const { size } = this.#problem;
    while (this.#state.index < size.regularizations) {
      this.#scale = 2 ** -Math.round(Math.log2((await this.#meanDiagonal()) + this.#regularization));
      if (this.#state.stage === 'factor') {
        await this.#factorise();
        await this.#solve();
      }
      await this.#leaveOneOut();
      this.#state = { ...this.#state, index: this.#state.index + 1, ...nextFactor };
      // The next factor overwrites this one.
      if (this.#state.index < size.regularizations) await this.#save();
    }
    return this.#state;
  }

  get #stages(): number {
    return leavesOneOut(this.#problem.size) ? 2 : 1;
  }

  get #regularization(): number {
    return this.#problem.options.reg[this.#state.index]!;
  }

  /** All of L, with a shift when float32 asks for one. */
  async #factorise(): Promise<void> {
    for (;;) {
      try {
        await this.#factoriseOnce();
        return;
      } catch (error) {
        if (!(error instanceof PivotError)) throw error;
        await this.#file.flush();
        const { breakdowns } = this.#state;
        if (breakdowns === 0) await this.#refuseIndefinite();
        const shift = await this.#nextShift(breakdowns);
        this.#state = { ...this.#state, done: 0, shift, breakdowns: breakdowns + 1 };
        // From here on the columns saved are overwritten.
        await this.#save();
        this.#warn(
          `the Cholesky factorisation broke down in float32 at reg ${this.#regularization}; trying again with ` +
            `${shift.toExponential(1)} added to the diagonal, as a preconditioner of conjugate gradients`,
        );
      }
    }
  }

  async #factoriseOnce(): Promise<void> {
    const { matrix, workspace, heldOut, signal } = this.#problem;
    const { tiles } = this.#layout;
    const source = new TileSource(
      this.#layout,
      matrix,
      workspace.threads,
      workspace.arena.buffer,
      workspace.arena.address('closed tile'),
      heldOut,
      this.#regularization + this.#state.shift,
      this.#scale,
      this.#state.done,
      signal,
    );
    try {
      for (let j = this.#state.done; j < tiles; j++) {
        for (let i = j; i < tiles; i++) {
          await source.load(i, j);
          await this.#reducer.reduce(factorTile(this.#layout, i, j));
          this.#progress(j, i - j + 1, tiles - j);
        }
        this.#state = { ...this.#state, done: j + 1 };
        await this.#rest();
      }
    } finally {
      await source.close();
    }
  }

  /** Solves with the factor, and notes the result. */
  async #solve(): Promise<void> {
    const { options, size, classification, heldOut, onEvent } = this.#problem;
    const { workspace, signal } = this.#problem;
    const solver = new TriangularSolver(this.#layout, workspace, this.#file, size.k, this.#scale, signal);
    const system = new RefinedSystem(this.#problem, this.#state.index);
    const { residual, stopped } = await refine(system, {
      tolerance: Math.min(TOLERANCE, options.tol),
      mostPasses: options.passes,
      precondition: () => solver.solve(system.residual, system.correction),
      onPass: (value, exact) => {
        onEvent({
          type: 'pass',
          pass: this.#state.passes + system.passes,
          residuals: [...this.#state.residuals, value],
          exact,
        });
      },
      onWarning: (message) => this.#warn(message),
    });
    system.store();
    const { k, width, product } = system;
    this.#state = {
      ...this.#state,
      stage: 'inverse',
      done: 0,
      passes: this.#state.passes + system.passes,
      residuals: [...this.#state.residuals, residual],
      short: this.#state.short || stopped === 'passes',
    };
    if (heldOut === undefined) return;
    const validation = validate(
      size.n,
      k,
      classification,
      (i) => heldOut[i] === 1,
      (i, c) => product[i * width + c]!,
      (i, c) => system.target(i, c),
    );
    this.#state = { ...this.#state, validations: [...this.#state.validations, validation] };
  }

  /**
   * The score of row i by the model trained without it is y_i − α_i/(A⁻¹)_ii (Wahba 1990; Rifkin & Lippert 2007), one
   * for each column.
   */
  async #leaveOneOut(): Promise<void> {
    const { size, workspace, checkpoint, coefficients, targets, classification } = this.#problem;
    if (!leavesOneOut(size)) return;
    const { tiles } = this.#layout;
    if (this.#state.shift > 0) {
      this.#warn('leave-one-out errors take the shift of the factor along: they are approximate');
    }
    checkpoint.atRest(undefined);
    if (checkpoint.due(this.#rows)) await this.#save();
    for (let j = this.#state.done; j < tiles; j++) {
      await addInverseDiagonal(this.#layout, workspace, this.#reducer, j);
      this.#state = { ...this.#state, done: j + 1 };
      this.#progress(tiles + j, 1, 1);
      if (checkpoint.due(this.#rows)) await this.#save();
    }
    const inverse = workspace.arena.float64('closed inverse diagonal');
    const place = (i: number, c: number) => i * this.#fullWidth + this.#state.index * size.k + c;
    const validation = validate(
      size.n,
      size.k,
      classification,
      () => true,
      (i, c) =>
        targets[place(i, c)]! -
        coefficients[place(i, c)]! / (this.#scale * inverse[paddedRow(this.#layout, i)]!),
      (i, c) => targets[place(i, c)]!,
    );
    this.#state = { ...this.#state, validations: [...this.#state.validations, validation] };
  }

  /** Throws when K itself, not float32, is at fault for a breakdown. */
  async #refuseIndefinite(): Promise<void> {
    const { size, heldOut, options } = this.#problem;
    const system = new RefinedSystem(this.#problem, this.#state.index);
    const random = Random.of(options.seed, 0xc105ed);
    const { width, direction, correction, product } = system;
    const smallest = await smallestEigenvalue(
      size.n,
      width,
      { current: direction, previous: correction, product },
      (i) => (heldOut?.[i] === 1 ? 0 : random.normal()),
      async () => {
        await system.multiply(direction);
        if (heldOut !== undefined)
          for (let i = 0; i < size.n; i++) if (heldOut[i] === 1) product[i * width] = 0;
      },
    );
    this.#state = { ...this.#state, passes: this.#state.passes + system.passes };
    if (!Number.isFinite(smallest)) {
      throw new MlmlError('MLML_BAD_DATA', 'closed: the kernel matrix holds NaN or infinities');
    }
    if (smallest + this.#regularization > 0) return;
    throw new MlmlError(
      'MLML_NOT_DEFINITE',
      `closed: the kernel matrix has an eigenvalue of about ${smallest.toPrecision(3)}, so K + reg·I is not positive ` +
        `definite at --reg=${this.#regularization}; raise --reg to at least about ${(-1.1 * smallest).toPrecision(2)}, ` +
        'use another kernel, or store it with a wider --dtype when it is float16',
    );
  }

  /** The error of a pivot in float32 is about √n roundings of the diagonal; four times that, then more. */
  async #nextShift(breakdowns: number): Promise<number> {
    const mean = await this.#meanDiagonal();
    const { size } = this.#problem;
    const shift = 4 * ROUNDING * Math.sqrt(size.n) * mean * SHIFT_GROWTH ** breakdowns;
    if (breakdowns < MOST_SHIFTS) return shift;
    throw new MlmlError(
      'MLML_NOT_DEFINITE',
      `closed: K + reg·I is not positive definite in float32 at --reg=${this.#regularization}; raise --reg to at least ` +
        `about ${shift.toPrecision(2)}, or use another kernel`,
    );
  }

  /** Of |K_ii|. */
  async #meanDiagonal(): Promise<number> {
    const { size, matrix, workspace } = this.#problem;
    const diagonal = workspace.arena.float64('closed residual').subarray(0, size.n);
    await matrix.diagonal(diagonal);
    const mean = diagonal.reduce((sum, value) => sum + Math.abs(value), 0) / size.n;
    if (Number.isFinite(mean)) return mean;
    throw new MlmlError('MLML_BAD_DATA', 'closed: the diagonal of the kernel matrix holds NaN or infinities');
  }

  /** Rows of the columns of tiles done, those of earlier factors included. */
  get #rows(): number {
    const { index, stage, done } = this.#state;
    const { tiles } = this.#layout;
    const columns = index * tiles * this.#stages + (stage === 'factor' ? 0 : tiles) + done;
    return columns * this.#problem.size.tileSize;
  }

  /** Between two columns of the factor: saves the state when it is time, and offers it while the next column is made. */
  async #rest(): Promise<void> {
    const { checkpoint } = this.#problem;
    if (checkpoint.due(this.#rows)) await this.#save();
    else checkpoint.atRest(() => this.#save());
  }

  /** The data first: a state on disk speaks only of tiles that are there. */
  async #save(): Promise<void> {
    await this.#file.sync();
    this.stateOnDisk = true;
    await this.#problem.checkpoint.save(this.#state, this.#blocks);
    this.#problem.onEvent({ type: 'checkpoint', pass: this.#state.passes });
  }

  #warn(message: string): void {
    this.#problem.onEvent({ type: 'warning', message });
  }

  /** `part` of `parts` of tile column (or row of the inverse) number `column` is done. */
  #progress(column: number, part: number, parts: number): void {
    const { matrix, onEvent } = this.#problem;
    onEvent({
      type: 'progress',
      phase: 'factor',
      done: column + part / parts,
      total: this.#layout.tiles * this.#stages,
      epoch: this.#state.index,
      bytesRead: this.#file.bytesRead + matrix.bytesRead,
      bytesWritten: this.#file.bytesWritten,
    });
  }
}
