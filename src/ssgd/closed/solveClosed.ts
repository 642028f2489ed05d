import { RowFolds } from '../../data/rowFolds.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { noCheckpoint } from '../../storage/checkpoint.js';
import type { Workspace } from '../../threads/workspace.js';
import type { TrainOptions } from '../options.js';
import { weightingOf } from '../rowWeights.js';
import { startThreads } from '../startThreads.js';
import {
  blockConjugateGradients,
  conjugateGradientBlocks,
  type GradientState,
} from './conjugateGradients.js';
import { type Fit, type ProblemSize, type SolveContext, type SolvingData, solvingScaling } from './fit.js';
import {
  accumulateFolds,
  accumulateNormalEquations,
  type FoldedEquations,
  type NormalEquations,
} from './normalEquations.js';
import { type ClosedPlan, LARGEST_PASSES } from './planClosed.js';
import { panelScratch } from './rowPanels.js';
import type { NormalEquationInput } from './rowSums.js';
import { solveNormalEquations } from './solveNormalEquations.js';
import { type NormalSums, StreamedNormalOperator } from './streamedNormalOperator.js';
import { type SumState, sumBlocks, sumSaver } from './sumState.js';

/** Residual at which the answers of conjugate gradients and of Cholesky agree in every figure shown. */
const TOLERANCE = 1e-6;
const PROGRESS_MS = 100;

/** Where conjugate gradients stand between two passes, beside their vectors. Plain data. */
interface PassState {
  readonly gradients: GradientState;
  readonly sums: NormalSums;
  /** Pass of the next row of figures. */
  readonly nextRow: number;
}

/**
 * Minimises ½Σ‖Wx'ᵢ + b − yᵢ‖² + ½·reg·‖W‖² exactly, by the method of the plan.
 * Throws `MLML_NOT_DEFINITE` when reg is too small for the data, `MLML_BAD_DATA` for a label out of range.
 */
export async function solveClosed(
  plan: ClosedPlan,
  dataset: SolvingData,
  options: TrainOptions,
  context: SolveContext,
): Promise<Fit> {
  const direct = plan.method === 'cholesky';
  const scratch = direct && !plan.size.bytes ? panelScratch : undefined;
  const workspace = await startThreads(new Arena(plan.regions), plan.threads, {}, scratch);
  try {
    return direct
      ? await solveDirectly(workspace, plan, dataset, options, context)
      : await solveByPasses(workspace, plan, dataset, options, context);
  } finally {
    await workspace.threads.close();
  }
}

async function solveDirectly(
  workspace: Workspace,
  plan: ClosedPlan,
  dataset: SolvingData,
  options: TrainOptions,
  { signal, onEvent, checkpoint = noCheckpoint(signal) }: SolveContext,
): Promise<Fit> {
  const { size } = plan;
  const { arena, kernels } = workspace;
  const blocks = sumBlocks(arena, size, options.folds);
  const from = (await checkpoint.load(blocks)) as SumState | undefined;
  if (from !== undefined) onEvent?.({ type: 'resumed', done: from.rows, total: size.n, unit: 'rows' });
  const input: NormalEquationInput = {
    dataset,
    size,
    scaling: solvingScaling(dataset, options),
    bias: options.bias,
    from,
    save: sumSaver(checkpoint, blocks, size.n, onEvent),
    weighting: weightingOf(dataset.description, options),
    onProgress: (rows) =>
      onEvent?.({
        type: 'progress',
        phase: 'solve',
        done: rows,
        total: size.n,
        epoch: 0,
        bytesRead: rows * size.rowBytes,
        bytesWritten: 0,
      }),
  };
  const { folds, seed } = options;
  const equations =
    folds > 0
      ? solveFolds(
          workspace,
          await accumulateFolds(workspace, { ...input, folds: new RowFolds(folds, seed) }),
          size,
          options,
        )
      : await accumulateNormalEquations(workspace, input);
  const { weights, intercept, objective } = solveNormalEquations(arena, kernels, equations, size, options);
  onEvent?.({
    type: 'row',
    step: 1,
    samples: size.n,
    epoch: 0,
    passes: 1,
    loss: objective / size.n,
    learningRate: 0,
  });
  return {
    weights,
    intercept,
    plan,
    arena,
    bytesRead: equations.bytesRead,
    iterations: 1,
    passes: 1,
    objective: objective / size.n,
  };
}

/** Leaves the model without each fold where it will be scored; returns the equations of all rows. */
function solveFolds(
  { arena, kernels }: Workspace,
  folded: FoldedEquations,
  size: ProblemSize,
  options: TrainOptions,
): NormalEquations {
  const { d, k } = size;
  const [weights, intercept] = [arena.float64('score weights'), arena.float64('score intercept')];
  for (let fold = 0; fold < options.folds; fold++) {
    try {
      solveNormalEquations(arena, kernels, folded.of(fold), size, options, {
        weights: weights.subarray(fold * k * d, (fold + 1) * k * d),
        intercept: intercept.subarray(fold * k, (fold + 1) * k),
      });
    } catch (error) {
      if (!(error instanceof MlmlError)) throw error;
      const message = `without fold ${fold + 1} of ${options.folds}: ${error.message}`;
      throw new MlmlError(error.code, message, { cause: error });
    }
  }
  return folded.of();
}

async function solveByPasses(
  workspace: Workspace,
  plan: ClosedPlan,
  dataset: SolvingData,
  options: TrainOptions,
  { signal, onEvent, checkpoint = noCheckpoint(signal) }: SolveContext,
): Promise<Fit> {
  const { size, width } = plan;
  const { n } = size;
  const { arena } = workspace;
  let pass = 0;
  let told = 0;
  const operator: StreamedNormalOperator = new StreamedNormalOperator(workspace, dataset, {
    size,
    width,
    scaling: solvingScaling(dataset, options),
    reg: options.reg,
    bias: options.bias,
    weighting: weightingOf(dataset.description, options),
    signal,
    onRows: (rows) => {
      // A pass has thousands of blocks: telling of each would cost more garbage than the pass itself.
      const now = performance.now();
      if (rows < n && now - told < PROGRESS_MS) return;
      told = now;
      onEvent?.({
        type: 'progress',
        phase: 'solve',
        done: pass * n + rows,
        total: Math.max(plan.passes, pass + 1) * n,
        epoch: pass,
        bytesRead: (pass * n + rows) * size.rowBytes,
        bytesWritten: 0,
      });
      if (rows === n) pass++;
    },
  });
  const blocks = { ...conjugateGradientBlocks(arena), 'feature mean': arena.uint8('feature mean') };
  const saved = (await checkpoint.load(blocks)) as PassState | undefined;
  let nextRow = saved?.nextRow ?? 1;
  if (saved !== undefined) {
    pass = saved.gradients.passes;
    operator.restore(saved.sums);
    onEvent?.({ type: 'resumed', done: pass, total: Math.max(plan.passes, pass), unit: 'passes' });
  }
  const result = await blockConjugateGradients(workspace, operator, size, width, {
    tolerance: TOLERANCE,
    largestPasses: LARGEST_PASSES,
    from: saved?.gradients,
    rest: async (gradients) => {
      const { passes } = gradients;
      const state: PassState = { gradients, sums: operator.sums(), nextRow };
      const write = async () => {
        const progress = { done: passes, total: Math.max(plan.passes, passes), unit: 'passes' };
        await checkpoint.save(state, blocks, progress);
        onEvent?.({ type: 'checkpoint', ...progress });
      };
      if (checkpoint.due(passes * n)) await write();
      else checkpoint.atRest(write);
    },
    moved: () => checkpoint.atRest(undefined),
    onPass: (passes, _residual, objective) => {
      if (passes - 1 < nextRow) return;
      onEvent?.({
        type: 'row',
        step: passes - 1,
        samples: passes * n,
        epoch: passes - 1,
        passes,
        loss: objective / n,
        learningRate: 0,
      });
      nextRow *= 2;
    },
    onRestart: (residual) =>
      onEvent?.({
        type: 'warning',
        message: `the true residual is ${residual.toExponential(1)}: conjugate gradients start again from it`,
      }),
  });
  if (!(result.residual <= 100 * TOLERANCE)) {
    if (options.reg === 0) {
      throw new MlmlError(
        'MLML_NOT_DEFINITE',
        `closed: conjugate gradients stopped at residual ${result.residual.toExponential(1)} after ${result.passes} ` +
          'passes: the normal equations are singular or nearly so; raise --reg',
      );
    }
    onEvent?.({
      type: 'warning',
      message:
        `conjugate gradients stopped at residual ${result.residual.toExponential(1)} after ${result.passes} passes; ` +
        'a larger --buffer or --reg would bring them further',
    });
  }
  return {
    ...operator.weights('x'),
    plan,
    arena,
    bytesRead: result.passes * n * size.rowBytes,
    iterations: result.passes,
    passes: result.passes,
    objective: result.objective / n,
    residual: result.residual,
  };
}
