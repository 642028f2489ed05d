import type { ColumnMapping } from '../data/columns/columnMapping.js';
import type { Task } from '../data/format.js';
import type { Scaling } from '../data/scaling.js';
import type { ScoreCalibration } from '../ssgd/scoreCalibration.js';
import type { RowGeometry } from './functions/blockEvaluator.js';
import type { KernelFunction } from './functions/kernelFunction.js';

/** Where the training rows of a kernel model lie. */
export interface ModelRows {
  /** The training part of a data set folder, or a row file without a description (in a model folder). */
  readonly kind: 'dataset' | 'file';
  readonly path: string;
  /** Row i of the model is row `indices[i]` there; without them it is row i. */
  readonly indices?: Uint32Array;
}

/**
 * A kernel model: score_c(x) = Σᵢ k(x, xᵢ)·coefficients[i·k + c] over the model's rows xᵢ.
 * Classification: the class with the largest score. Regression: the score.
 */
export interface KernelModel {
  readonly task: Task;
  readonly kernel: KernelFunction;
  readonly d: number;
  /** Columns of scores: classes, or 1. */
  readonly k: number;
  /** Rows with a coefficient. */
  readonly n: number;
  readonly regularization: number;
  /** Scores are least-squares estimates, as those of a ridge model. */
  readonly loss: 'ridge';
  readonly scaling: Scaling['name'];
  /** How stored rows become the vectors that are compared. */
  readonly geometry: RowGeometry;
  /** n × k, row by row. */
  readonly coefficients: Float64Array;
  readonly rows: ModelRows;
  readonly classNames: readonly string[];
  /** Names of the outputs of a regression with several. */
  readonly labelNames?: readonly string[];
  /** Fingerprint of the training data. */
  readonly fingerprint: string;
  /** How the columns of a table become the features, where the training data were made from one. */
  readonly columns?: ColumnMapping;
  /** How scores become probabilities, where that was fitted. */
  readonly calibration?: ScoreCalibration;
}
