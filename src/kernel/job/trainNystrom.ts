import { columnsOf } from '../../data/columns/columnMapping.js';
import type { Dataset } from '../../data/dataset.js';
import { Arena } from '../../memory/arena.js';
import { evaluateWith } from '../../ssgd/evaluate.js';
import type { Evaluation as Quality } from '../../ssgd/events.js';
import { lossOf } from '../../ssgd/losses/losses.js';
import { jobFolder, openCheckpoint } from '../../storage/checkpoint.js';
import type { KernelContext, KernelTrainResult } from '../jobs.js';
import type { KernelTrainOptions } from '../options.js';
import { KernelScorer } from '../predict/kernelScorer.js';
import { kernelScalingName } from '../rowGeometry.js';
import { chooseCenters } from '../solvers/nystrom/centers.js';
import { solveNystrom } from '../solvers/nystrom/nystrom.js';
import type { CrossBlocks, NystromSolution } from '../solvers/nystrom/nystromProblem.js';
import { CrossKernel } from '../tiles/crossKernel.js';
import { type RowSource, SelectedRows } from '../tiles/rowSource.js';
import { type EvaluatingWorkspace, type Evaluation, evaluatorOf, startEvaluation } from './evaluation.js';
import { markHeldOut } from './heldOutRows.js';
import { type NystromPlan, planNystromJob } from './planNystromJob.js';
import { TargetReader } from './targetReader.js';

/** Trains on inducing points, in one pass over the rows. */
export async function trainNystrom(
  dataset: Dataset,
  evaluation: Evaluation,
  options: KernelTrainOptions,
  context: KernelContext,
  memory?: WebAssembly.Memory,
  bytesBefore = 0,
): Promise<KernelTrainResult> {
  const start = performance.now();
  const plan = planNystromJob(dataset, evaluation, options, bytesBefore);
  context.onEvent?.({ type: 'plan', plan: plan.plan });
  const first = new Arena(plan.solvingLayout, memory ?? Arena.memory(plan.bytes));
  const workspace = await startEvaluation(first, evaluation, plan.threads);
  try {
    const { solution, centers, bytesRead } = await solve(
      workspace,
      dataset,
      evaluation,
      options,
      context,
      plan,
    );
    const scoring = { ...workspace, arena: new Arena(plan.scoringLayout, first.memory) };
    const { size } = plan;
    let read = bytesBefore + bytesRead;
    const score = async (part: 'train' | 'test'): Promise<Quality | undefined> => {
      const file = part === 'test' ? dataset.test : dataset.train.first(size.n + plan.heldOut);
      if (file.rows === 0) return undefined;
      const source = new SelectedRows(dataset.train, centers);
      const coefficients = { values: solution.coefficients, stride: size.k };
      const scorer = new KernelScorer(scoring, evaluation, source, coefficients, size.k, plan.scoring);
      const { task } = dataset.description;
      const quality = await evaluateWith(scorer, lossOf('ridge'), task, size.k, file, context.signal);
      read += scorer.bytesRead;
      context.onEvent?.({ type: 'evaluation', part, epoch: 1, evaluation: quality });
      return quality;
    };
    const test = await score('test');
    const train = options.simulated ? await score('train') : undefined;
    const { description, path } = dataset;
    return {
      model: {
        task: description.task,
        loss: 'ridge',
        kernel: evaluation.kernel,
        d: description.d,
        k: size.k,
        n: size.m,
        regularization: options.reg[solution.best]!,
        scaling: kernelScalingName(dataset, options.scale),
        geometry: evaluation.geometry,
        coefficients: solution.coefficients,
        rows: { kind: 'dataset', path, indices: centers },
        classNames: description.classNames,
        fingerprint: description.fingerprint,
        ...columnsOf(description),
      },
      plan: plan.plan,
      solver: 'nystrom',
      reasons: [],
      memId: undefined,
      passes: 1,
      residual: solution.residuals[solution.best]!,
      stopped: 'tolerance',
      regularizations: options.reg.map((regularization, l) => ({
        regularization,
        residual: solution.residuals[l]!,
        ...(solution.heldOut === undefined ? {} : { validation: solution.heldOut[l]! }),
      })),
      leaveOneOut: undefined,
      seconds: (performance.now() - start) / 1000,
      bytesRead: read,
      bytesWritten: 0,
      train,
      test,
    };
  } finally {
    await workspace.threads.close();
  }
}

async function solve(
  workspace: EvaluatingWorkspace,
  dataset: Dataset,
  evaluation: Evaluation,
  options: KernelTrainOptions,
  context: KernelContext,
  plan: NystromPlan,
): Promise<{ solution: NystromSolution; centers: Uint32Array; bytesRead: number }> {
  const { storage, signal } = context;
  const { size, heldOut } = plan;
  const { description } = dataset;
  const all = dataset.train.first(size.n + heldOut);
  const { learnt, chosen } = split(workspace, size.n + heldOut, heldOut, options);
  const training = learnt === undefined ? all : new SelectedRows(all, learnt);
  const inTraining = chooseCenters(size.n, size.m, options.seed);
  const centers = inTraining.map((row) => learnt?.[row] ?? row);
  const against = (rows: RowSource, numbers?: Uint32Array): CrossBlocks => {
    const cross = new CrossKernel({
      workspace,
      a: rows,
      b: new SelectedRows(dataset.train, centers),
      evaluator: evaluatorOf(workspace),
      rowBytes: dataset.layout.rowBytes,
      blockSize: size.blockRows,
      dtype: evaluation.dtype,
    });
    const reader = new TargetReader(workspace, rows, dataset.layout, description, numbers);
    return {
      rows: rows.rows,
      get bytesRead() {
        return cross.bytesRead + reader.bytesRead;
      },
      blocks: (firstRow, stop) => cross.blocks(stop, firstRow),
      readTargets: (firstRow, count, target) => reader.read(firstRow, count, target),
    };
  };
  const key = {
    solver: 'nystrom',
    fingerprint: description.fingerprint,
    sampleSeed: dataset.sample?.seed,
    kernel: evaluation.kernel,
    scale: options.scale,
    size,
    options: { reg: options.reg, holdout: options.holdout, seed: options.seed },
  };
  const folder = jobFolder({ scratchFolder: context.scratchFolder }, key);
  const checkpoint = await openCheckpoint(storage, folder, key, {
    onWarning: (message) => context.onEvent?.({ type: 'warning', message }),
    ...context.checkpoint,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const trained = against(training, learnt);
    const validation = chosen === undefined ? undefined : against(new SelectedRows(all, chosen), chosen);
    const solution = await solveNystrom({
      workspace,
      size,
      centers: inTraining,
      training: trained,
      validation,
      classification: description.task === 'classification',
      options,
      checkpoint,
      ...(signal === undefined ? {} : { signal }),
      onEvent: context.onEvent ?? (() => {}),
    });
    await checkpoint.done();
    return { solution, centers, bytesRead: trained.bytesRead + (validation?.bytesRead ?? 0) };
  } catch (error) {
    await checkpoint.rescue();
    throw error;
  } finally {
    await checkpoint.release();
  }
}

/** Numbers of the rows learnt from (in the arena) and of those held out; undefined when none are. */
function split(
  { arena }: EvaluatingWorkspace,
  rows: number,
  heldOut: number,
  options: KernelTrainOptions,
): { learnt: Uint32Array | undefined; chosen: Uint32Array | undefined } {
  if (heldOut === 0) return { learnt: undefined, chosen: undefined };
  const marks = new Uint8Array(rows);
  markHeldOut(marks, options);
  const learnt = arena.uint32('rows learnt from');
  const chosen = new Uint32Array(heldOut);
  let [l, c] = [0, 0];
  for (let i = 0; i < rows; i++) {
    if (marks[i] === 1) chosen[c++] = i;
    else learnt[l++] = i;
  }
  return { learnt, chosen };
}
