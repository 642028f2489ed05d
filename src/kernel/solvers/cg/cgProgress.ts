import { tileCount } from '../../tiles/kernelMatrix.js';
import type { PatienceState } from '../heldOut.js';
import type { KernelProblem } from '../solver.js';
import type { RecurrenceState } from './recurrence.js';

/** The header of a checkpoint; x, r and p are its blocks. */
export interface CgState {
  readonly phase: 'search' | 'refit';
  readonly passes: number;
  readonly recurrence: RecurrenceState;
  readonly patience: PatienceState | null;
  /** Of each regularization. */
  readonly residuals: readonly number[];
  readonly heldOut: readonly number[] | null;
  /** The regularization of the refit, and the residual it goes on to. */
  readonly best: number;
  readonly refitTol: number;
}

/** Where conjugate gradients are: counts passes, tells events, saves and loads. */
export class CgProgress {
  phase: CgState['phase'] = 'search';
  passes = 0;
  residuals: readonly number[];
  /** Latest scores on the rows held out. */
  heldOut: readonly number[] | undefined;
  best = 0;
  refitTol: number;
  readonly #problem: KernelProblem;

  constructor(problem: KernelProblem) {
    this.#problem = problem;
    this.residuals = problem.options.reg.map(() => 1);
    this.refitTol = problem.options.tol;
  }

  tell(phase: 'precondition' | 'solve', done: number, total: number): void {
    const { matrix, onEvent } = this.#problem;
    const { bytesRead } = matrix;
    onEvent({ type: 'progress', phase, done, total, epoch: this.passes + 1, bytesRead, bytesWritten: 0 });
  }

  /** The function to call after each tile of the next pass. */
  startPass(): () => void {
    const { n, tileSize } = this.#problem.matrix;
    const total = tileCount(n, tileSize);
    let done = 0;
    return () => this.tell('solve', ++done, total);
  }

  endPass(residuals: readonly number[], exact: boolean): void {
    this.passes++;
    this.residuals = residuals;
    const { heldOut } = this;
    this.#problem.onEvent({
      type: 'pass',
      pass: this.passes,
      residuals,
      exact,
      ...(heldOut === undefined || this.phase === 'refit' ? {} : { heldOut }),
    });
  }

  /** The vectors change in a way the last state does not tell of. */
  moved(): void {
    this.#problem.checkpoint.atRest(undefined);
  }

  startRefit(best: number, tol: number): void {
    this.moved();
    this.phase = 'refit';
    this.best = best;
    this.refitTol = tol;
  }

  #blocks(): Record<string, Uint8Array> {
    const { arena } = this.#problem.workspace;
    return {
      x: arena.uint8('coefficients'),
      r: arena.uint8('cg residuals'),
      p: arena.uint8('cg directions'),
    };
  }

  async save(recurrence: RecurrenceState, patience: PatienceState | null): Promise<void> {
    const { checkpoint, onEvent, size, options } = this.#problem;
    const { phase, passes, residuals, heldOut = null, best, refitTol } = this;
    const state: CgState = { phase, passes, recurrence, patience, residuals, heldOut, best, refitTol };
    const write = async () => {
      await checkpoint.save(state, this.#blocks(), { done: passes, total: options.passes, unit: 'passes' });
      onEvent({ type: 'checkpoint', pass: passes });
    };
    if (checkpoint.due(passes * size.n)) await write();
    // The vectors stay as they are until the next product is whole.
    else checkpoint.atRest(write);
  }

  /** The last state saved, with the vectors it belongs to back in the arena; undefined when there is none. */
  async load(): Promise<CgState | undefined> {
    const { checkpoint, options, onEvent } = this.#problem;
    const saved = (await checkpoint.load(this.#blocks())) as CgState | undefined;
    if (saved === undefined) return undefined;
    this.phase = saved.phase;
    this.passes = saved.passes;
    this.residuals = saved.residuals;
    this.heldOut = saved.heldOut ?? undefined;
    this.best = saved.best;
    this.refitTol = saved.refitTol;
    onEvent({ type: 'resumed', done: saved.passes, total: options.passes });
    return saved;
  }
}
