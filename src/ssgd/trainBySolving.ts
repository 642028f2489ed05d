import { loadKernels } from '../arithmetic/kernels.js';
import { columnsOf } from '../data/columns/columnMapping.js';
import type { Dataset } from '../data/dataset.js';
import type { DatasetDescription } from '../data/format.js';
import { layoutOf } from '../data/rowLayout.js';
import { MlmlError } from '../errors.js';
import type { Region } from '../memory/plan.js';
import { scalingOf } from './closed/fit.js';
import { type ClosedPlan, planClosed } from './closed/planClosed.js';
import { solveClosed } from './closed/solveClosed.js';
import { evaluateWith } from './evaluate.js';
import type { Evaluation } from './events.js';
import { type GdPlan, planGd } from './gd/planGd.js';
import { solveGd } from './gd/solveGd.js';
import { lossOf } from './losses/losses.js';
import type { TrainOptions } from './options.js';
import { weightColumnOf } from './rowWeights.js';
import { Scorer, scorerRegions, scoringBytes } from './score.js';
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
  const layout = layoutOf(description);
  const columns = lossOf(options.loss).columns(description.task, description.k);
  const planWith = (scoring: readonly Region[]) =>
    verb === 'closed'
      ? planClosed(description, options, scoring)
      : planGd(description, options, columns, [
          ...initialModelRegions(options, description.d, columns),
          ...scoring,
        ]);
  try {
    return planWith(scorerRegions(layout, columns, scoringBytes(options.bufferBytes)));
  } catch (error) {
    if (!(error instanceof MlmlError) || error.code !== 'MLML_BUDGET_TOO_SMALL') throw error;
    return planWith(scorerRegions(layout, columns, 0));
  }
}

/** Runs closed or gd and scores what came out. */
export async function trainBySolving(
  verb: SolvingVerb,
  plan: ClosedPlan | GdPlan,
  dataset: Dataset,
  options: TrainOptions,
  context: JobContext,
): Promise<Omit<TrainResult, 'seconds'>> {
  const fit =
    verb === 'closed'
      ? await solveClosed(plan as ClosedPlan, dataset, options, context)
      : await solveGd(plan as GdPlan, dataset, options, context);
  const { description, layout } = dataset;
  const { d, task, classNames, fingerprint } = description;
  const loss = lossOf(options.loss);
  const k = loss.columns(task, description.k);
  const scaling = scalingOf(description, options);
  const scorer = new Scorer({ arena: fit.arena, kernels: loadKernels(fit.arena.memory) }, layout, k, scaling);
  scorer.weights.set(fit.weights);
  scorer.intercept.set(fit.intercept);
  const { weights, intercept } = scorer;
  const rows = plan.size.n;
  let bytesRead = fit.bytesRead;
  const evaluate = async (part: 'train' | 'test'): Promise<Evaluation | undefined> => {
    const file = dataset[part].first(part === 'train' ? rows : dataset.test.rows);
    if (file.rows === 0) return undefined;
    const evaluation = await evaluateWith(scorer, loss, task, k, file, context.signal);
    bytesRead += file.rows * layout.rowBytes;
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
