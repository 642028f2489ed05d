import { bestScore } from '../heldOut.js';
import type { KernelProblem, KernelSolution, Solver } from '../solver.js';
import { vectorWidth } from '../solver.js';
import { ClosedRun } from './closedRun.js';
import { initialState, loadState, stateBlocks } from './closedState.js';
import { FactorFile, factorPath } from './factorFile.js';
import { leavesOneOut, planClosed, plannedLayout, scratchTiles } from './planClosed.js';

/**
 * The exact solution of (K + λI)A = Y: a Cholesky factor in float32, tile by tile on disk, then refinement in doubles
 * against K itself to relative residual 1e-10 (or `tol` when that is smaller). One factorisation for each regularization.
 * Leave-one-out errors (see `leavesOneOut`) or held-out rows choose among them.
 *
 * A killed job goes on after the last tile column saved, to the same bits.
 *
 * @throws MlmlError `MLML_NOT_DEFINITE`, `MLML_DISK_FULL`, `MLML_CHECKSUM` (the factor is then dropped), `MLML_BAD_DATA`
 */
export const closed: Solver = { plan: (size, _options, bytes) => planClosed(size, bytes), solve };

async function solve(problem: KernelProblem): Promise<KernelSolution> {
  const { size, options, checkpoint, storage, workspace, coefficients } = problem;
  const { arena } = workspace;
  const layout = plannedLayout(size, arena);
  const key = JSON.stringify([1, layout, options.reg, size.k, size.heldOut, options.tol]);
  const blocks = stateBlocks(arena, coefficients);
  let folder = await checkpoint.folder();
  const present = (await storage.status(factorPath(folder))) !== undefined;
  // Without its factor a state is of no use.
  const saved = present ? await loadState(checkpoint, key, blocks) : undefined;
  if (saved === undefined) {
    // Else a kill in the middle of a new factor would leave it with states that speak of an old one.
    await checkpoint.clear();
    folder = await checkpoint.folder();
  }
  const tiles = scratchTiles(layout, leavesOneOut(size));
  const file = await FactorFile.open(storage, folder, layout, tiles, workspace, saved !== undefined);
  let finished = false;
  const from = { state: saved ?? initialState(key), onDisk: saved !== undefined };
  const run = new ClosedRun(problem, layout, file, from, vectorWidth(size), blocks);
  try {
    if (saved !== undefined) run.reportResumed();
    const state = await run.finish();
    finished = true;
    problem.onScratchRead?.(file.bytesRead);
    return {
      passes: state.passes,
      residuals: state.residuals,
      best: bestScore(state.validations, options.reg, problem.classification),
      stopped: state.short ? 'passes' : 'tolerance',
      ...(size.heldOut && { heldOut: state.validations }),
      ...(leavesOneOut(size) && state.validations.length > 0 && { leaveOneOut: state.validations }),
    };
  } catch (error) {
    // While the factor is still open.
    await checkpoint.rescue();
    // What is damaged would stop every later run at the same place; what no state speaks of is of no use to any.
    finished = file.damaged || !run.stateOnDisk;
    if (file.damaged) await checkpoint.clear();
    throw error;
  } finally {
    await file.close();
    if (finished) await file.remove();
  }
}
