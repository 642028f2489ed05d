import { RowFolds } from '../../data/rowFolds.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';
import type { Blocks } from '../../storage/stateFile.js';
import type { Workspace } from '../../threads/workspace.js';
import type { TrainOptions } from '../options.js';
import { FoldWindow } from './foldGroups.js';
import { accumulateFolds, type NormalEquations } from './normalEquations.js';
import { type ClosedPlan, foldsAtOnce } from './planClosed.js';
import type { NormalEquationInput } from './rowSums.js';
import { solveNormalEquations } from './solveNormalEquations.js';
import { sumBlocks } from './sumState.js';

/** Regions that belong to a state: the sums of a pass, and the models without a fold that earlier passes left. */
export function foldBlocks(arena: Arena, { size, parts }: ClosedPlan): Blocks {
  const names = ['score weights', 'score intercept'];
  const models = Object.fromEntries(names.map((name) => [name, arena.uint8(name)]));
  return { ...sumBlocks(arena, size, parts), ...models };
}

/**
 * Leaves the model without each fold where it will be scored (in the regions of the scorer); returns the equations of all rows.
 * Each pass sums as many folds by themselves as there is room for, and all other rows as one more part.
 */
export async function solveFolds(
  workspace: Workspace,
  { size, parts, passes }: ClosedPlan,
  options: TrainOptions,
  /** The pass to go on with. */
  from: number,
  inputOf: (pass: number) => NormalEquationInput,
): Promise<NormalEquations> {
  const { arena, kernels } = workspace;
  const { d, k } = size;
  const { folds, seed } = options;
  const all = new RowFolds(folds, seed);
  const atOnce = foldsAtOnce(folds, parts);
  const [weights, intercept] = [arena.float64('score weights'), arena.float64('score intercept')];
  for (let pass = from; ; pass++) {
    const first = pass * atOnce;
    const count = Math.min(atOnce, folds - first);
    const window = passes === 1 ? all : new FoldWindow(all, first, count);
    const folded = await accumulateFolds(workspace, { ...inputOf(pass), folds: window });
    for (let fold = first; fold < first + count; fold++) {
      try {
        solveNormalEquations(arena, kernels, folded.of(fold - first), size, options, {
          weights: weights.subarray(fold * k * d, (fold + 1) * k * d),
          intercept: intercept.subarray(fold * k, (fold + 1) * k),
        });
      } catch (error) {
        if (!(error instanceof MlmlError)) throw error;
        const message = `without fold ${fold + 1} of ${folds}: ${error.message}`;
        throw new MlmlError(error.code, message, { cause: error });
      }
    }
    if (pass === passes - 1) return folded.of();
  }
}
