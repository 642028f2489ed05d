import { loadKernels } from '../arithmetic/kernels.js';
import { allFinite } from '../data/badValue.js';
import { columnsOf } from '../data/columns/columnMapping.js';
import type { Dataset } from '../data/dataset.js';
import type { DatasetDescription, Task } from '../data/format.js';
import type { RowFile } from '../data/rowFile.js';
import { RowFolds } from '../data/rowFolds.js';
import { longestBytes } from '../data/sparse/scanSparse.js';
import { longestRow, openSlots } from '../data/sparse/slotFile.js';
import { isSparse, type SparseDataset } from '../data/sparse/sparseDataset.js';
import type { SparseDtype } from '../data/sparse/sparseRecord.js';
import { MlmlError } from '../errors.js';
import type { Region } from '../memory/plan.js';
import { type SolvingData, solvingLayout, solvingScaling } from './closed/fit.js';
import { type ClosedPlan, planClosed } from './closed/planClosed.js';
import { solveClosed } from './closed/solveClosed.js';
import { crossValidated } from './crossValidation.js';
import { badScoresError, EvaluationSum, evaluateWith } from './evaluate.js';
import type { CrossValidatedModel, Evaluation } from './events.js';
import { type GdPlan, planGd } from './gd/planGd.js';
import { solveGd } from './gd/solveGd.js';
import { lossOf } from './losses/losses.js';
import type { TrainOptions } from './options.js';
import { weightColumnOf } from './rowWeights.js';
import { Scorer, scorerRegions, scoringBytes } from './score.js';
import { SCORE_READ, sparseScorerRegions } from './sparse/planSparse.js';
import { sparseScaling } from './sparse/sparseScaling.js';
import { foldModel, SparseScorer } from './sparse/sparseScorer.js';
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
  // The models without each fold are scored together.
  const held = columns * Math.max(1, options.folds);
  const more = 8 * (d + 1) * (held - columns);
  const scoring = (bytes: number) => {
    if (sparse === undefined) return scorerRegions(layout, columns, bytes === 0 ? 0 : bytes + more, held);
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
  const kernels = loadKernels(fit.arena.memory);
  const rows = plan.size.n;
  let bytesRead = fit.bytesRead;
  let crossValidation: readonly CrossValidatedModel[] | undefined;
  const { weights, intercept } = fit;
  let score: PartEvaluation;
  if (isSparse(data)) {
    const scorer = new SparseScorer(fit.arena, kernels);
    foldModel({ d, k, weights, intercept, scaling }, scorer);
    const shape = { loss: options.loss, columns: k };
    score = (part, to) => scorer.evaluate(data[part], shape, task, context.signal, { to });
  } else {
    const scorer = new Scorer({ arena: fit.arena, kernels }, layout, k, scaling);
    const { folds } = options;
    if (folds > 0) {
      const judged = await judgeFolds(scorer, data.train.first(rows), task, k, options, context);
      crossValidation = [crossValidated(0, {}, 'trained', judged)];
      bytesRead += rows * layout.rowBytes;
      context.onEvent?.({ type: 'folds', folds, models: crossValidation });
    }
    scorer.weights.set(weights);
    scorer.intercept.set(intercept);
    score = (part, to) => evaluateWith(scorer, loss, task, k, data[part].first(to), context.signal);
  }
  const evaluate = async (part: 'train' | 'test'): Promise<Evaluation | undefined> => {
    const count = part === 'train' ? rows : dataset.test.rows;
    if (count === 0) return undefined;
    const evaluation = await score(part, count);
    bytesRead += count * layout.rowBytes;
    context.onEvent?.({ type: 'evaluation', part, epoch: fit.passes, passes: fit.passes, evaluation });
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
    ...(crossValidation === undefined ? {} : { crossValidation }),
  };
}

/** Scores the first rows of a part. */
type PartEvaluation = (part: 'train' | 'test', rows: number) => Promise<Evaluation>;

/** Figures of each fold, by the models that left them out, which the scorer holds. */
async function judgeFolds(
  scorer: Scorer,
  file: RowFile,
  task: Task,
  columns: number,
  { folds, seed, loss }: TrainOptions,
  { signal }: JobContext,
): Promise<Evaluation[]> {
  const models = Array.from({ length: folds }, (_, fold) => ({ columns, fold }));
  const sums = models.map(() => new EvaluationSum(lossOf(loss), task, columns));
  let bad: number | undefined;
  await scorer.scoreFolds(
    file,
    models,
    new RowFolds(folds, seed),
    (model, { firstRow, scores, labels }) => {
      if (allFinite(scores, columns)) sums[model]!.add(1, scores, labels);
      else bad ??= firstRow;
    },
    signal,
  );
  if (bad !== undefined) throw await badScoresError(file, bad, 1, signal);
  const evaluations: Evaluation[] = [];
  for (const sum of sums) evaluations.push(await sum.result(file, signal));
  return evaluations;
}
