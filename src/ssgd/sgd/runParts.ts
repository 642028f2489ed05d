import type { RowBlock } from '../../data/rowBlock.js';
import type { Plan } from '../../memory/plan.js';
import type { Blocks } from '../../storage/stateFile.js';
import type { Evaluation } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import type { LossName } from '../options.js';
import type { RowStream, ShuffleContext } from '../shuffle/rowStream.js';
import type { RowSample } from './calibration.js';
import type { Hogwild } from './hogwild.js';
import type { ModelPlan, StreamingPlan } from './planStreaming.js';

/** What the loop of a streaming run needs to know of its plan. */
export interface RunPlan
  extends Plan,
    Pick<StreamingPlan, 'verb' | 'rows' | 'heldOut' | 'folds' | 'models' | 'chosen'> {
  readonly layout: { readonly d: number };
}

/** The rows of one step, taken from blocks of a stream. */
export interface StepBatch {
  /** Rows in the batch so far. */
  readonly filled: number;
  /** Whether it is time for a step. */
  readonly full: boolean;
  /** Rows that count (their weight is not 0), and the sum of all weights; once labels have been checked. */
  readonly counted: number;
  readonly weight: number;
  /** All labels of one row after those of another. */
  readonly labels: Float64Array;
  readonly labelsOfRow: number;
  readonly labelsAddress: number;
  /** Weights of the rows; undefined when all count once. */
  readonly weights: Float64Array | undefined;
  /** No row that can come has a larger squared norm, features scaled; Infinity when that is not known. */
  readonly squareBound: number;
  /** The largest squared norm of the rows in the batch. */
  readonly largestSquare: number;
  /** Squared norm of row number i of the batch. */
  squareOf(i: number): number;
  /** Folds of the rows; undefined without a cross-validation. */
  readonly folds: Float64Array | undefined;
  /** Takes rows from position `from` of a block until it is full; returns how many. */
  take(block: RowBlock, from: number): number;
  /** @throws MlmlError `MLML_BAD_DATA` when a label of the batch is not a class */
  checkLabels(): void;
  clear(): void;
}

/** The arithmetic of one model: its weights, and steps from the rows in the batch. */
export interface StepModel {
  readonly loss: LossName;
  /** Columns of scores. */
  readonly columns: number;
  /** Those of a regression; 1 for a classification. */
  readonly outputs: number;
  /** Of the rows of the last step: sum of losses, rows classified right, rows that count, sum of their weights. */
  readonly lossSum: number;
  readonly right: number;
  readonly counted: number;
  readonly weight: number;
  /** The fold whose rows it takes no part in; undefined: it learns from all. */
  readonly fold: number | undefined;
  readonly intercept: Float32Array;
  /** Second derivative of the loss that an automatic rate was made for. */
  curvature: number;
  /** Steps in the running mean of the weights, which stands for them as soon as there is one. */
  averaged: number;
  /** Sets all weights and the intercept to 0. */
  clearWeights(): void;
  /** One update from the rows in the batch. `t` counts steps from 1. */
  step(rate: number, t: number): void;
  /** Sums over the rows of a block with the weights as they are; uses the batch, changes nothing else. */
  lossOn(block: RowBlock): { readonly loss: number; readonly weight: number };
  /** Of the rows of a block that it learns from and that count, of each label; undefined when there are none. */
  medianLabels(block: RowBlock): number[] | undefined;
  /** Mean loss of these rows, of each label of a regression, where `targets` are predicted. */
  lossesAround(block: RowBlock, targets: readonly number[]): number[];
  /** Steps at a constant rate from the rows of a block. */
  tryRate(rate: number, block: RowBlock): void;
  /** The rows of a block as a sample for the automatic rate. For use before training. */
  sample(block: RowBlock): RowSample;
  /** Whether all weights are finite numbers. */
  isFinite(): boolean;
  /** Calls `judge` with weights in place that `write` writes, and puts these back. For use after training: overwrites the weights kept. */
  instead<T>(write: () => void, judge: () => Promise<T>): Promise<T>;
  keep(): void;
  goBack(): void;
  clearState(): void;
  startAverage(): void;
  average(): void;
  keepBest(): void;
  takeBest(): void;
}

export type JudgedPart = 'train' | 'test' | 'holdout';

/** Everything of a streaming run that depends on how rows lie in files and in memory. */
export interface RunParts {
  readonly batch: StepBatch;
  /** Threads that step without locks. */
  readonly hogwild: Hogwild | undefined;
  /** Class of weights of rows; what an intercept of squared losses starts from. */
  readonly classShares: readonly number[] | undefined;
  /** Numbers of a row that are not 0, on average. */
  readonly rowFeatures: number;
  /** Work space for d numbers before training. */
  readonly vector: Float64Array;
  model(plan: ModelPlan): StepModel;
  /** Writes the weights of the model to start from into zeros. */
  readonly initial: ((model: StepModel, bias: boolean) => void) | undefined;
  /** Regions that belong to a saved state. */
  savedRegions(keepsScratch: boolean): Blocks;
  /** What has to be read before training begins. */
  prepare(): Promise<void>;
  openStream(context: ShuffleContext): Promise<RowStream>;
  /** Around the step of all models from one batch. */
  beginStep(): void;
  endStep(): void;
  hasRows(part: JudgedPart): boolean;
  /** Loss and accuracy (or rmse and r2) of each model. */
  evaluate(models: readonly StepModel[], part: JudgedPart, signal?: AbortSignal): Promise<Evaluation[]>;
  /** The same of each model on the rows of the fold that it left out. */
  evaluateFolds(models: readonly StepModel[], signal?: AbortSignal): Promise<Evaluation[]>;
  /** Its numbers lie in the arena: valid until something else is scored. */
  linearModel(model: StepModel): LinearModel;
  /** Of evaluations so far. */
  readonly bytesScored: number;
  /** Of preparing. */
  readonly prepared: { readonly bytesRead: number; readonly bytesWritten: number };
  /** Throws when NaN or an infinity is among the training rows. */
  requireFiniteRows(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
