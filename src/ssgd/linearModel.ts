import type { ColumnMapping } from '../data/columns/columnMapping.js';
import type { Task } from '../data/format.js';
import type { Scaling } from '../data/scaling.js';
import type { LossName } from './options.js';
import type { ScoreCalibration } from './scoreCalibration.js';

/** What the scores of a model mean, whatever computes them. */
export interface ScoreMeaning {
  readonly task: Task;
  readonly loss: LossName;
  /** Number of features. */
  readonly d: number;
  /** Columns of scores: classes, outputs of a regression, or 1. */
  readonly k: number;
  readonly classNames: readonly string[];
  /** Names of the outputs of a regression with several. */
  readonly labelNames?: readonly string[];
  /** How the columns of a table become the features, where the training data were made from one. */
  readonly columns?: ColumnMapping;
  /** How scores become probabilities, where that was fitted. */
  readonly calibration?: ScoreCalibration;
}

/**
 * A linear model: score_c = Σⱼ weights[c·d + j]·(multiply[j]·xⱼ + add[j]) + intercept[c].
 * Classification: the class with the largest score; with one column of scores (k = 1 column), its sign.
 * Regression: the score, or the score of each output.
 */
export interface LinearModel extends ScoreMeaning {
  readonly scaling: Scaling;
  /** k × d, row by row. */
  readonly weights: Float64Array;
  readonly intercept: Float64Array;
  /** Fingerprint of the training data. */
  readonly fingerprint: string;
  /** The feature that held the weights of the training rows: its factor, addend and weights are 0, so that scores ignore it. */
  readonly weightColumn?: number;
}
