/**
 * `mlml/ssgd`: training linear models on data larger than memory.
 *
 * @example
 * import { nodeStorage, openByName } from 'mlml/data';
 * import { defaultOptions, planTraining, train } from 'mlml/ssgd';
 *
 * const dataset = await openByName(nodeStorage, 'digits');
 * const options = { ...defaultOptions, bufferBytes: 1e6 };
 * console.log(planTraining('ssgd', dataset.description, options).plannedPeakBytes);
 * const { model, test } = await train('ssgd', dataset, options, {
 *   storage: nodeStorage,
 *   scratchFolder: 'scratch',
 *   onEvent: (event) => event.type === 'row' && console.log(event.samples, event.loss),
 * });
 * console.log(test?.accuracy, model.weights.length);
 * await dataset.close();
 *
 * @module
 */
export type { Plan, Region } from '../memory/plan.js';
export { classOf, evaluateModel } from './evaluate.js';
export type {
  CrossValidatedModel,
  Evaluation,
  Fate,
  FoldFigures,
  OutputEvaluation,
  SweepModel,
  TrainEvent,
  TrainListener,
} from './events.js';
export type { LearnerOptions } from './learner/learnerOptions.js';
export { type LinearLearner, openLearner } from './learner/linearLearner.js';
export type { LearnerFeatures, LearnerRows } from './learner/rowEncoder.js';
export type { LinearModel, ScoreMeaning } from './linearModel.js';
export {
  defaultOptions,
  type LossName,
  lossNames,
  type OptimizerName,
  optimizerNames,
  type ScheduleName,
  type ShuffleName,
  type SweepGrid,
  type SweepName,
  scheduleNames,
  shuffleNames,
  sweepNames,
  type TrainOptions,
  type Verb,
  verbs,
} from './options.js';
export { type ScoredBlock, type ScoreOptions, scoreRows } from './score.js';
export {
  type CalibrationMethod,
  calibrationMethods,
  type IsotonicCurve,
  type ScoreCalibration,
  type SigmoidCurve,
} from './scoreCalibration.js';
export { planTraining, type TrainCheckpoint, type TrainContext, type TrainResult, train } from './train.js';
export { type MissingModel, modelHash } from './warmStart.js';
