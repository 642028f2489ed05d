import { type Kernels, loadKernels } from '../arithmetic/kernels.js';
import { columnsOf } from '../data/columns/columnMapping.js';
import type { Dataset } from '../data/dataset.js';
import type { DatasetDescription, Task } from '../data/format.js';
import { longestBytes } from '../data/sparse/scanSparse.js';
import { longestRow, openSlots } from '../data/sparse/slotFile.js';
import { isSparse, type SparseDataset } from '../data/sparse/sparseDataset.js';
import type { SparseDtype } from '../data/sparse/sparseRecord.js';
import { MlmlError } from '../errors.js';
import type { Arena } from '../memory/arena.js';
import type { Region } from '../memory/plan.js';
import { type SolvingData, solvingLayout, solvingScaling } from './closed/fit.js';
import { type ClosedPlan, planClosed } from './closed/planClosed.js';
import { solveClosed } from './closed/solveClosed.js';
import { evaluateWith } from './evaluate.js';
import type { Evaluation } from './events.js';
import { type GdPlan, planGd } from './gd/planGd.js';
import { solveGd } from './gd/solveGd.js';
import type { LinearModel } from './linearModel.js';
import type { Loss } from './losses/loss.js';
import { lossOf } from './losses/losses.js';
import type { TrainOptions } from './options.js';
import { weightColumnOf } from './rowWeights.js';
import { Scorer, scorerRegions, scoringBytes } from './score.js';
import { SCORE_READ, sparseScorerRegions } from './sparse/planSparse.js';
import { sparseScaling } from './sparse/sparseScaling.js';
import { type FoldedModel, foldModel, SparseScorer } from './sparse/sparseScorer.js';
import type { JobContext, TrainResult } from './train.js';
import { initialModelRegions } from './warmStart.js';

/** Verbs that work on all rows at once. */
export type SolvingVerb = 'closed' | 'gd';

/** The plan of closed or gd, with room for scoring in the same arena. Says what budget would make one pass of many. */
export function planSolving(
  verb: SolvingVerb,
  description: DatasetDescription,
  options: TrainOptions,
): ClosedPlan | GdPlan {
  const plan = planWithScoring(verb, description, options);
  // The room for scoring grows with the budget: until one is found that does.
  let enough: number | undefined;
  for (let wanted = plan.onePassBytes; wanted !== undefined; ) {
    enough = Math.max(Math.ceil(wanted / 1e4) * 1e4, (enough ?? 0) + 1e4);
    wanted = planWithScoring(verb, description, { ...options, bufferBytes: enough }).onePassBytes;
  }
  if (enough === undefined) return plan;
  const hint = `with --buffer=${enough / 1e6} or more, one pass would do`;
  return { ...plan, notes: [...plan.notes, hint], hint };
}

function planWithScoring(
  verb: SolvingVerb,
  description: DatasetDescription,
  options: TrainOptions,
): ClosedPlan | GdPlan {
  const { d, dtype, sparse } = description;
  const layout = solvingLayout(description);
  const columns = lossOf(options.loss).columns(description.task, description.k);
  const planWith = (scoring: readonly Region[]) =>
    verb === 'closed'
      ? planClosed(description, options, scoring)
      : planGd(description, options, columns, [
          ...initialModelRegions(options, description.d, columns),
          ...scoring,
        ]);
  const scoring = (bytes: number) => {
    if (sparse === undefined) return scorerRegions(layout, columns, bytes);
    const longest = longestBytes(longestRow(sparse), dtype as SparseDtype);
    return sparseScorerRegions(d, columns, Math.max(longest, Math.min(bytes, SCORE_READ)));
  };
  try {
    return planWith(scoring(scoringBytes(options.bufferBytes)));
  } catch (error) {
    if (!(error instanceof MlmlError) || error.code !== 'MLML_BUDGET_TOO_SMALL') throw error;
    return planWith(scoring(0));
  }
}

/** Runs closed or gd and scores what came out. */
export async function trainBySolving(
  verb: SolvingVerb,
  plan: ClosedPlan | GdPlan,
  data: Dataset | SparseDataset,
  options: TrainOptions,
  context: JobContext,
): Promise<Omit<TrainResult, 'seconds'>> {
  const dataset: SolvingData = isSparse(data)
    ? { ...(await openSlots(data)), scaling: await sparseScaling(data, options.scale) }
    : data;
  const fit =
    verb === 'closed'
      ? await solveClosed(plan as ClosedPlan, dataset, options, context)
      : await solveGd(plan as GdPlan, dataset, options, context);
  const { description, layout } = dataset;
  const { d, task, classNames, fingerprint } = description;
  const loss = lossOf(options.loss);
  const k = loss.columns(task, description.k);
  const scaling = solvingScaling(dataset, options);
  const { weights, intercept } = fit;
  const rows = plan.size.n;
  let bytesRead = fit.bytesRead;
  const kernels = loadKernels(fit.arena.memory);
  const score = isSparse(data)
    ? sparseEvaluation(data, fit.arena, kernels, { d, k, weights, intercept, scaling }, options.loss, task)
    : denseEvaluation(
        data,
        new Scorer({ arena: fit.arena, kernels }, layout, k, scaling),
        fit,
        loss,
        task,
        k,
      );
  const evaluate = async (part: 'train' | 'test'): Promise<Evaluation | undefined> => {
    const count = part === 'train' ? rows : dataset.test.rows;
    if (count === 0) return undefined;
    const evaluation = await score(part, count, context.signal);
    bytesRead += count * layout.rowBytes;
    context.onEvent?.({ type: 'evaluation', part, epoch: fit.passes, evaluation });
    return evaluation;
  };
  const test = await evaluate('test');
  // There are no running figures to report: only a pass over the training rows gives any.
  const train = options.simulated ? await evaluate('train') : undefined;
  return {
    model: {
      task,
      loss: options.loss,
      d,
      k,
      scaling,
      weights,
      intercept,
      classNames,
      fingerprint,
      ...columnsOf(dataset.description),
      ...weightColumnOf(options),
    },
    plan,
    epochs: fit.passes,
    samples: fit.passes * rows,
    bytesRead,
    bytesWritten: 0,
    train,
    test,
  };
}

/** Scores the first rows of a part. */
type PartEvaluation = (part: 'train' | 'test', rows: number, signal?: AbortSignal) => Promise<Evaluation>;

function denseEvaluation(
  dataset: Dataset,
  scorer: Scorer,
  fit: Pick<LinearModel, 'weights' | 'intercept'>,
  loss: Loss,
  task: Task,
  k: number,
): PartEvaluation {
  scorer.weights.set(fit.weights);
  scorer.intercept.set(fit.intercept);
  return (part, rows, signal) => evaluateWith(scorer, loss, task, k, dataset[part].first(rows), signal);
}

function sparseEvaluation(
  dataset: SparseDataset,
  arena: Arena,
  kernels: Kernels,
  model: FoldedModel,
  loss: LinearModel['loss'],
  task: Task,
): PartEvaluation {
  const scorer = new SparseScorer(arena, kernels);
  foldModel(model, scorer);
  return (part, rows, signal) =>
    scorer.evaluate(dataset[part], { loss, columns: model.k }, task, signal, { to: rows });
}
