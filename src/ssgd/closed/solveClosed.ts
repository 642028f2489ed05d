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
import { type Fit, type SolveContext, type SolvingData, solvingScaling } from './fit.js';
import { accumulateNormalEquations } from './normalEquations.js';
import { type ClosedPlan, LARGEST_PASSES } from './planClosed.js';
import { panelScratch } from './rowPanels.js';
import type { NormalEquationInput } from './rowSums.js';
import { foldBlocks, solveFolds } from './solveFolds.js';
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
  const { passes } = plan;
  const blocks = options.folds > 0 ? foldBlocks(arena, plan) : sumBlocks(arena, size);
  const from = (await checkpoint.load(blocks)) as SumState | undefined;
  const before = (from?.pass ?? 0) * size.n;
  if (from !== undefined) {
    const done = before + from.rows;
    onEvent?.({ type: 'resumed', done, total: passes * size.n, unit: 'rows' });
  }
  const inputOf = (pass: number): NormalEquationInput => ({
    dataset,
    size,
    scaling: solvingScaling(dataset, options),
    bias: options.bias,
    from: pass === (from?.pass ?? 0) ? from : undefined,
    save: sumSaver(checkpoint, blocks, size.n, onEvent, { pass, passes }),
    weighting: weightingOf(dataset.description, options),
    onProgress: (rows) =>
      onEvent?.({
        type: 'progress',
        phase: 'solve',
        done: pass * size.n + rows,
        total: passes * size.n,
        epoch: pass,
        bytesRead: (pass * size.n + rows) * size.rowBytes,
        bytesWritten: 0,
      }),
  });
  const equations =
    options.folds > 0
      ? await solveFolds(workspace, plan, options, from?.pass ?? 0, inputOf)
      : await accumulateNormalEquations(workspace, inputOf(0));
  const { weights, intercept, objective } = solveNormalEquations(arena, kernels, equations, size, options);
  onEvent?.({
    type: 'row',
    step: 1,
    samples: passes * size.n,
    epoch: passes - 1,
    passes,
    loss: objective / size.n,
    learningRate: 0,
  });
  return {
    weights,
    intercept,
    plan,
    arena,
    bytesRead: passes * equations.bytesRead,
    iterations: 1,
    passes,
    objective: objective / size.n,
  };
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
