import { plannedRank } from '../../precondition/planPreconditioner.js';
import { Preconditioner } from '../../precondition/preconditioner.js';
import type { ProductPrecision } from '../../tiles/multiply.js';
import { bestScore, heldOutScores, Patience } from '../heldOut.js';
import {
  type KernelSystem,
  refitSystemOf,
  relativeResiduals,
  residualFromProduct,
  systemOf,
} from '../residual.js';
import type { KernelProblem, KernelSolution, Solver } from '../solver.js';
import { CgProgress, type CgState } from './cgProgress.js';
import { clearHeldOut, narrowToRefit, widenFromRefit } from './columns.js';
import { leastPasses, planCg, searchPasses } from './planCg.js';
import { productPrecision } from './productPrecision.js';
import { Recurrence } from './recurrence.js';

/**
 * (K + λI)A = Y by preconditioned conjugate gradients, all columns and regularizations in each pass over K; the default.
 *
 * Search: on the rows not held out, until every column's residual is below `tol`, the held-out scores have settled
 * (`patience`) or three quarters of the passes are spent. Refit (rows held out, `refit`): the best regularization goes on
 * from its coefficients with all rows, to `tol`, or to the residual at which its scores had settled. Before the end the
 * residual is computed afresh; columns it finds above the tolerance go on. The coefficients of the other regularizations
 * are zero after a refit, and their residuals are those of the recurrence at the end of the search.
 *
 * One pass over K for each step, one more for the last residual; memory three blocks of vectors and the preconditioner.
 * A checkpoint holds x, r and p after a pass; the preconditioner is made again from the seed.
 */
export const cg: Solver = {
  plan: planCg,
  leastPasses,

  async solve(problem) {
    const { workspace, matrix, options, heldOut, signal } = problem;
    const progress = new CgProgress(problem);
    const saved = await progress.load();
    const rank = plannedRank(workspace.arena);
    const preconditioner = await Preconditioner.build(workspace, matrix, {
      rank,
      seed: options.seed,
      heldOut,
      smallestRegularization: Math.min(...options.reg),
      onProgress: (done) => progress.tell('precondition', done, rank),
      ...(signal === undefined ? {} : { signal }),
    });
    const precision = saved?.recurrence.precision ?? (await productPrecision(problem));
    const job = new ConjugateGradients(problem, progress, preconditioner, precision);
    if (heldOut === undefined || !options.refit) return job.solveOnce(saved);
    const recurrence = saved?.phase === 'refit' ? undefined : await job.search(saved);
    return job.refit(recurrence, saved);
  },
};

class ConjugateGradients {
  readonly #problem: KernelProblem;
  readonly #progress: CgProgress;
  readonly #preconditioner: Preconditioner;
  readonly #system: KernelSystem;
  readonly #precision: ProductPrecision;

  constructor(
    problem: KernelProblem,
    progress: CgProgress,
    preconditioner: Preconditioner,
    precision: ProductPrecision,
  ) {
    this.#problem = problem;
    this.#precision = precision;
    this.#progress = progress;
    this.#preconditioner = preconditioner;
    this.#system = systemOf(problem);
  }

  /** Solves for all regularizations, and for the true residual. */
  async solveOnce(saved: CgState | undefined): Promise<KernelSolution> {
    const { options } = this.#problem;
    const recurrence = this.#begin(saved);
    const patience = this.#patience(saved);
    await this.#iterate(recurrence, options.tol, options.passes, patience);
    const { x } = recurrence;
    if (this.#problem.heldOut !== undefined) this.#progress.heldOut = heldOutScores(this.#problem, x);
    clearHeldOut(this.#system, x);
    return this.#solution(recurrence, options.tol, patience);
  }

  /** Goes on until a regularization can be chosen. */
  async search(saved: CgState | undefined): Promise<Recurrence> {
    const { options } = this.#problem;
    const recurrence = this.#begin(saved);
    const patience = this.#patience(saved);
    const most = searchPasses(options.passes);
    while (!recurrence.done && this.#progress.passes < most)
      await this.#step(recurrence, options.tol, patience);
    const { residuals, heldOut } = this.#progress;
    const best = bestScore(heldOut!, options.reg, this.#problem.classification);
    this.#progress.startRefit(
      best,
      patience.settled(best) ? Math.max(options.tol, residuals[best]!) : options.tol,
    );
    return recurrence;
  }

  /** Solves for the best regularization on all rows, from where the search ended. */
  async refit(found: Recurrence | undefined, saved: CgState | undefined): Promise<KernelSolution> {
    const { workspace, matrix, options, signal } = this.#problem;
    const { best, refitTol } = this.#progress;
    const system = refitSystemOf(this.#problem, best);
    this.#preconditioner.includeHeldOut();
    this.#preconditioner.prepare(system.regularizations);
    const state = found === undefined ? saved!.recurrence : undefined;
    const norms = found && narrowToRefit(this.#system, system, found.x, found.r);
    const recurrence = new Recurrence(
      workspace,
      matrix,
      this.#preconditioner,
      system,
      this.#precision,
      signal,
      state,
    );
    if (norms !== undefined) {
      recurrence.norms.set(norms);
      recurrence.start(refitTol);
    }
    await this.#iterate(recurrence, refitTol, options.passes);
    widenFromRefit(system, this.#problem.workspace.arena.float64('coefficients'));
    return this.#solution(recurrence, refitTol);
  }

  #begin(saved: CgState | undefined): Recurrence {
    const { workspace, matrix, options, signal } = this.#problem;
    this.#preconditioner.prepare(options.reg);
    const recurrence = new Recurrence(
      workspace,
      matrix,
      this.#preconditioner,
      this.#system,
      this.#precision,
      signal,
      saved?.recurrence,
    );
    if (saved === undefined) {
      // x = 0, so r = Y.
      recurrence.q.fill(0);
      residualFromProduct(this.#system, recurrence.x, recurrence.q, recurrence.r);
      recurrence.start(options.tol);
    }
    return recurrence;
  }

  #patience(saved: CgState | undefined): Patience {
    const { options, classification } = this.#problem;
    return new Patience(options.patience, options.reg.length, classification, saved?.patience ?? undefined);
  }

  /** Steps until all columns are done, and once more for the true residual; as often as that is above `tol`. */
  async #iterate(recurrence: Recurrence, tol: number, passes: number, patience?: Patience): Promise<void> {
    // The last pass is kept for the true residual.
    const most = Math.max(1, passes - 1);
    do {
      while (!recurrence.done && this.#progress.passes < most) await this.#step(recurrence, tol, patience);
      await recurrence.verify(tol, this.#progress.startPass());
      this.#progress.moved();
      this.#progress.endPass(this.#residuals(recurrence), true);
      for (let l = 0; l < this.#system.regularizations.length; l++)
        if (patience?.settled(l)) this.#freeze(recurrence, l);
    } while (!recurrence.done && this.#progress.passes < most);
  }

  async #step(recurrence: Recurrence, tol: number, patience: Patience | undefined): Promise<void> {
    await recurrence.step(tol, this.#progress.startPass());
    if (patience !== undefined && this.#problem.heldOut !== undefined) {
      const scores = heldOutScores(this.#problem, recurrence.x);
      this.#progress.heldOut = scores;
      patience.update(scores);
      for (let l = 0; l < scores.length; l++) if (patience.settled(l)) this.#freeze(recurrence, l);
    }
    this.#progress.endPass(this.#residuals(recurrence), false);
    await this.#progress.save(recurrence.state(), patience?.state() ?? null);
  }

  #freeze(recurrence: Recurrence, l: number): void {
    for (let c = 0; c < this.#system.k; c++) recurrence.freeze(l * this.#system.k + c);
  }

  /** Of all regularizations; in the refit those not solved any more keep what they had. */
  #residuals(recurrence: Recurrence): number[] {
    const found = relativeResiduals(recurrence.system, recurrence.norms, recurrence.targetNorms);
    if (this.#progress.phase === 'search') return found;
    return this.#progress.residuals.map((residual, l) => (l === this.#progress.best ? found[0]! : residual));
  }

  #solution(recurrence: Recurrence, tol: number, patience?: Patience): KernelSolution {
    const { options, classification, onEvent } = this.#problem;
    const { passes, residuals, heldOut, best, phase } = this.#progress;
    const worst = phase === 'refit' ? residuals[best]! : Math.max(...residuals);
    const settled =
      phase === 'refit' ? tol > options.tol : residuals.some((_, l) => patience?.settled(l) === true);
    const stopped = worst > tol && !settled ? 'passes' : settled ? 'patience' : 'tolerance';
    if (recurrence.stagnated.includes(1)) {
      onEvent({
        type: 'warning',
        message: `conjugate gradients made no more progress: the true residual is ${worst.toExponential(1)}, --tol ${tol}; rounding of the kernel's entries allows no more at this --reg (a larger --reg or --dtype=float64 would)`,
      });
    } else if (stopped === 'passes') {
      onEvent({
        type: 'warning',
        message: `the true residual is ${worst.toExponential(1)} after ${passes} passes, above --tol ${tol}; more --passes or a larger --buffer (for the preconditioner) would lower it`,
      });
    }
    return {
      passes,
      residuals,
      ...(heldOut === undefined ? {} : { heldOut }),
      best:
        phase === 'refit' || heldOut === undefined ? best : bestScore(heldOut, options.reg, classification),
      stopped,
    };
  }
}
