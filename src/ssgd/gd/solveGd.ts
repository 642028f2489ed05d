import { Arena } from '../../memory/arena.js';
import { noCheckpoint } from '../../storage/checkpoint.js';
import type { Workspace } from '../../threads/workspace.js';
import { type Fit, type SolveContext, type SolvingData, solvingScaling } from '../closed/fit.js';
import { accumulateNormalEquations, type NormalEquations } from '../closed/normalEquations.js';
import { panelScratch } from '../closed/rowPanels.js';
import { type SumState, sumBlocks, sumSaver } from '../closed/sumState.js';
import type { LinearModel } from '../linearModel.js';
import { lossOf } from '../losses/losses.js';
import type { TrainOptions } from '../options.js';
import { weightingOf } from '../rowWeights.js';
import { learningRate } from '../schedules.js';
import { startThreads } from '../startThreads.js';
import { convertModel } from '../warmStart.js';
import { type DescentState, gradientDescent } from './gradientDescent.js';
import { GramObjective } from './gramObjective.js';
import type { GdPlan } from './planGd.js';
import type { SmoothObjective } from './smoothObjective.js';
import { StreamingObjective } from './streamingObjective.js';
import { unconverged } from './unconverged.js';

const PROGRESS_MS = 100;

/** Where gd stands: in the pass that sums the Gram matrix, or between two iterations. Plain data. */
type GdState =
  | SumState
  | {
      readonly phase: 'descend';
      readonly eta0: number;
      readonly descent: DescentState;
      /** Iteration of the next row of figures. */
      readonly nextRow: number;
      readonly passes: number;
      /** What belongs to the sums in the arena. */
      readonly sums:
        | {
            readonly targetMean: readonly number[];
            readonly targetSquares: number;
            readonly bytesRead: number;
          }
        | undefined;
    };

export interface GdFit extends Fit {
  /** Whether the gradient vanished before the iterations were used up. */
  readonly converged: boolean;
}

/** Full-batch gradient descent: see `gradientDescent` for the update rule. */
export async function solveGd(
  plan: GdPlan,
  dataset: SolvingData,
  options: TrainOptions,
  context: SolveContext,
): Promise<GdFit> {
  const scratch = plan.method === 'gram' && !plan.size.bytes ? panelScratch : undefined;
  const workspace = await startThreads(new Arena(plan.regions), plan.threads, {}, scratch);
  try {
    return await descend(workspace, plan, dataset, options, context);
  } finally {
    await workspace.threads.close();
  }
}

async function descend(
  workspace: Workspace,
  plan: GdPlan,
  dataset: SolvingData,
  options: TrainOptions,
  context: SolveContext,
): Promise<GdFit> {
  const { onEvent, signal, init, missingInit } = context;
  const checkpoint = context.checkpoint ?? noCheckpoint(signal);
  const { size } = plan;
  const { arena } = workspace;
  const gram = plan.method === 'gram';
  const blocks = { ...(gram ? sumBlocks(arena, size) : {}), vectors: arena.uint8('vectors') };
  const saved = (await checkpoint.load(blocks)) as GdState | undefined;
  const equations = gram ? await makeEquations(workspace, plan, dataset, options, context, saved) : undefined;
  const objective =
    equations !== undefined
      ? new GramObjective(workspace, equations, size, options)
      : makeStreaming(workspace, plan, dataset, options, context);
  const from = saved?.phase === 'descend' ? saved : undefined;
  if (from === undefined && missingInit !== undefined) throw missingInit.error;
  const length = size.k * (size.d + 1);
  const all = arena.float64('vectors');
  if (from === undefined) all.fill(0);
  else onEvent?.({ type: 'resumed', done: from.descent.iteration, total: options.iters, unit: 'iterations' });
  const vector = (i: number) => all.subarray(i * length, (i + 1) * length);
  const vectors = {
    w: vector(0),
    gradient: vector(1),
    velocity: vector(2),
    best: vector(3),
    ahead: vector(4),
  };
  const eta0 = from?.eta0 ?? (await chooseRate(objective, vectors.w, vectors.gradient, options, context));
  if (from !== undefined && objective instanceof StreamingObjective) objective.passes = from.passes;
  let nextRow = from?.nextRow ?? 1;
  const write = async (state: () => DescentState) => {
    const descent = state();
    const sums = equations && {
      targetMean: [...equations.targetMean],
      targetSquares: equations.targetSquares,
      bytesRead: equations.bytesRead,
    };
    const header: GdState = { phase: 'descend', eta0, descent, nextRow, passes: objective.passes, sums };
    const progress = { done: descent.iteration, total: options.iters, unit: 'iterations' };
    await checkpoint.save(header, blocks, progress);
    onEvent?.({ type: 'checkpoint', ...progress });
  };
  const result = await gradientDescent(objective, vectors, {
    eta0,
    automatic: options.eta0 === 'auto',
    schedule: scheduleOf(options),
    momentum: options.momentum,
    nesterov: options.optimizer === 'nesterov',
    l1: options.l1 / size.n,
    penalised: size.k * size.d,
    iterations: options.iters,
    start: init === undefined ? undefined : (w) => startFrom(init, w, plan, dataset, options),
    signal,
    from: from?.descent,
    rest: (state) => {
      if (checkpoint.due(state().iteration * size.n)) return write(state);
      // Only passes over the rows can be stopped in the middle.
      if (!gram) checkpoint.atRest(() => write(state));
      return undefined;
    },
    onIteration(iteration, value, learningRate) {
      const samples = iteration * size.n;
      if (iteration >= nextRow) {
        const passes = Math.floor(objective.passes);
        const epoch = Math.max(0, passes - 1);
        onEvent?.({ type: 'row', step: iteration, samples, epoch, passes, loss: value, learningRate });
        nextRow *= 2;
      }
      // A streaming objective reports its passes itself.
      if (plan.method === 'streaming') return;
      onEvent?.({
        type: 'progress',
        phase: 'solve',
        done: iteration,
        total: options.iters,
        epoch: iteration,
        bytesRead: objective.bytesRead,
        bytesWritten: 0,
      });
    },
    onHalved: (iteration, rate) =>
      onEvent?.({
        type: 'warning',
        message: `gd diverged in iteration ${iteration + 1}: back to the best weights with learning rate ${rate.toPrecision(3)}`,
      }),
  });
  const message = unconverged(result, options);
  if (message !== undefined) onEvent?.({ type: 'warning', message });
  if (result.converged && onEvent !== undefined) {
    const { iterations, objective: loss } = result;
    onEvent({
      type: 'row',
      step: iterations,
      samples: iterations * size.n,
      epoch: Math.max(0, objective.passes - 1),
      passes: objective.passes,
      loss,
      learningRate: 0,
    });
  }
  return {
    ...objective.model(vectors.w),
    plan,
    arena,
    bytesRead: objective.bytesRead,
    iterations: result.iterations,
    passes: objective.passes,
    objective: result.objective,
    residual: result.residual,
    converged: result.converged,
  };
}

/** Weights of a model for centred features; where the intercept is eliminated its part stays 0. */
function startFrom(
  init: LinearModel,
  w: Float64Array,
  { size, method }: GdPlan,
  dataset: SolvingData,
  options: TrainOptions,
): void {
  const scaling = solvingScaling(dataset, options);
  const { mean } = dataset.features ?? dataset.description.statistics;
  // Sparse rows are not centred while they are read.
  const centre = scaling.multiply.map((factor, j) =>
    options.bias && dataset.features === undefined ? factor * mean[j]! + scaling.add[j]! : 0,
  );
  const intercept = w.subarray(size.k * size.d);
  convertModel(init, scaling, centre, mean, options.bias, { weights: w, stride: size.d, intercept });
  if (method === 'gram') intercept.fill(0);
}

async function makeEquations(
  workspace: Workspace,
  { size }: GdPlan,
  dataset: SolvingData,
  options: TrainOptions,
  { signal, onEvent, checkpoint = noCheckpoint(signal) }: SolveContext,
  saved: GdState | undefined,
): Promise<NormalEquations> {
  if (saved?.phase === 'descend') {
    const { targetMean, ...sums } = saved.sums!;
    return { ...sums, targetMean: Float64Array.from(targetMean) };
  }
  const { arena } = workspace;
  const blocks = { ...sumBlocks(arena, size), vectors: arena.uint8('vectors') };
  if (saved !== undefined) onEvent?.({ type: 'resumed', done: saved.rows, total: size.n, unit: 'rows' });
  return await accumulateNormalEquations(workspace, {
    dataset,
    size,
    scaling: solvingScaling(dataset, options),
    bias: options.bias,
    from: saved,
    save: sumSaver(checkpoint, blocks, size.n, onEvent),
    weighting: weightingOf(dataset.description, options),
    onProgress: (rows) =>
      onEvent?.({
        type: 'progress',
        phase: 'solve',
        done: 0,
        total: options.iters,
        epoch: 0,
        bytesRead: rows * size.rowBytes,
        bytesWritten: 0,
      }),
  });
}

function makeStreaming(
  workspace: Workspace,
  plan: GdPlan,
  dataset: SolvingData,
  options: TrainOptions,
  { signal, onEvent }: SolveContext,
): SmoothObjective {
  const { size } = plan;
  let told = 0;
  return new StreamingObjective(workspace, dataset, {
    size,
    scaling: solvingScaling(dataset, options),
    loss: lossOf(options.loss),
    reg: options.reg,
    bias: options.bias,
    weighting: weightingOf(dataset.description, options),
    signal,
    onPassed: (passes) => {
      // Not for each of the thousands of blocks of a pass.
      const now = performance.now();
      if (!Number.isInteger(passes) && now - told < PROGRESS_MS) return;
      told = now;
      onEvent?.({
        type: 'progress',
        phase: 'solve',
        done: passes,
        total: plan.passes,
        epoch: Math.floor(passes),
        bytesRead: Math.round(passes * size.n * size.rowBytes),
        bytesWritten: 0,
      });
    },
  });
}

async function chooseRate(
  objective: SmoothObjective,
  vector: Float64Array,
  image: Float64Array,
  options: TrainOptions,
  { onEvent }: SolveContext,
): Promise<number> {
  if (options.eta0 !== 'auto') {
    onEvent?.({ type: 'rate', eta0: options.eta0, reason: 'given' });
    return options.eta0;
  }
  const curvature = await objective.curvature(vector, image);
  // Without any curvature (all features 0) every rate is safe.
  const eta0 = curvature > 0 ? 1 / curvature : 1;
  const reason = `1/L, the largest curvature L = ${curvature.toPrecision(3)} found by power iteration`;
  onEvent?.({ type: 'rate', eta0, reason });
  return eta0;
}

/** Factor on the first rate in iteration i. auto: constant for an automatic rate; step (as in 2016) for a given one. */
function scheduleOf({
  schedule: name,
  eta0,
  damp,
  step,
  iters,
}: TrainOptions): (iteration: number) => number {
  const schedule = name !== 'auto' ? name : eta0 === 'auto' ? 'constant' : 'step';
  return (i) => learningRate({ schedule, eta0: 1, damp, step }, { step: i, progress: i / iters });
}
