import type { Plan } from '../memory/plan.js';

/** Figures of one output of a regression with several. */
export interface OutputEvaluation {
  readonly rmse: number;
  readonly r2: number;
  /** Mean absolute error, and the name of the label: in full evaluations of saved models. */
  readonly mae?: number;
  readonly name?: string;
}

/** Loss per row (without the penalty) and, by task, accuracy or rmse and r2. */
export interface Evaluation {
  readonly rows: number;
  /** Mean loss of a row. */
  readonly loss: number;
  /** Share of rows whose class is predicted right, 0 to 1 (classification). */
  readonly accuracy?: number;
  /** Root mean squared error in units of the target (regression); of several outputs the mean. */
  readonly rmse?: number;
  /** 1 − (residual sum of squares)/(total sum of squares) (regression); of several outputs the mean. */
  readonly r2?: number;
  /** Of each output, when a regression has several. */
  readonly outputs?: readonly OutputEvaluation[];
}

/**
 * What has become of a model: it trains or has trained on all rows, was stopped when it no longer got better, was
 * dropped as one of the worse half, or its loss exploded.
 */
export type Fate = 'trained' | 'stopped' | 'dropped' | 'diverged';

/** One model of a sweep. */
export interface SweepModel {
  /** Its number in the grid, from 0. */
  readonly model: number;
  /** The values it has of the options that vary. */
  readonly options: Readonly<Record<string, string | number>>;
  readonly fate: Fate;
  /** Its last evaluation on the held-out rows (with patience the best after an epoch); undefined before the first. */
  readonly heldOut: Evaluation | undefined;
  /** Rows it was updated with. */
  readonly samples: number;
}

/** Figures over folds, of each as `Evaluation` has it. */
export type FoldFigures = Omit<Evaluation, 'rows'>;

/** A model (of a sweep) judged by cross-validation: each of its folds by a model that was trained on the other folds. */
export interface CrossValidatedModel {
  /** Its number in the grid, from 0. */
  readonly model: number;
  /** The values it has of the options that vary; none without a sweep. */
  readonly options: Readonly<Record<string, string | number>>;
  readonly fate: Fate;
  /** Fold by fold; absent, as what follows, when the model diverged. */
  readonly evaluations?: readonly Evaluation[];
  readonly mean?: FoldFigures;
  /** Standard deviation over the folds, divided by their number (as NumPy's `std`). */
  readonly deviation?: FoldFigures;
}

/** What a training job tells while it runs, in order. `model` is the number of a model of a sweep. Also the lines of `events.jsonl` (with `time`, seconds since the start). */
export type TrainEvent =
  | { readonly type: 'plan'; readonly plan: Plan }
  /** The learning rate chosen (or given), and why. */
  | { readonly type: 'rate'; readonly eta0: number; readonly reason: string; readonly model?: number }
  /** Often: where the job is. `total` in the same unit, or 0 when unknown. */
  | {
      readonly type: 'progress';
      readonly phase: 'shuffle' | 'train' | 'solve' | 'evaluate';
      readonly done: number;
      readonly total: number;
      readonly epoch: number;
      readonly bytesRead: number;
      readonly bytesWritten: number;
    }
  /** At steps 1, 2, 4, 8 …: mean loss of the rows since the last row, learning rate now. */
  | {
      readonly type: 'row';
      readonly step: number;
      readonly samples: number;
      readonly epoch: number;
      /** Of closed and gd, which have no epochs: passes over the rows so far. */
      readonly passes?: number;
      readonly loss: number;
      readonly learningRate: number;
      readonly model?: number;
    }
  /** Every `logfreq` steps and at the end: a line of the CSV log. Accuracies are those of the rows since the last line (training) and of the last evaluation (test). */
  | {
      readonly type: 'log';
      readonly step: number;
      readonly loss: number;
      readonly trainAccuracy: number | undefined;
      readonly testAccuracy: number | undefined;
      /** Of the last evaluation on the held-out rows, when there are any. */
      readonly holdoutAccuracy?: number;
      readonly model?: number;
    }
  | {
      readonly type: 'evaluation';
      /** `holdout`: the held-out rows of the training part. */
      readonly part: 'train' | 'test' | 'holdout';
      /** Counted from 1. */
      readonly epoch: number;
      /** Of closed and gd, which have no epochs: passes over the rows. */
      readonly passes?: number;
      readonly evaluation: Evaluation;
      readonly model?: number;
    }
  /** A state was saved: `done` of `total` (in rows, passes or iterations, as `unit` says). */
  | { readonly type: 'checkpoint'; readonly done: number; readonly total: number; readonly unit: string }
  /** A job goes on from a state that was saved there. */
  | { readonly type: 'resumed'; readonly done: number; readonly total: number; readonly unit: string }
  /** A sweep after an epoch, or when models are dropped: all its models, the best first. */
  | {
      readonly type: 'sweep';
      /** Counted from 1. */
      readonly epoch: number;
      readonly samples: number;
      readonly models: readonly SweepModel[];
    }
  /** Training ended early: this model was no better on the held-out rows since `bestEpoch` (counted from 1). */
  | { readonly type: 'stopped'; readonly epoch: number; readonly bestEpoch: number; readonly model?: number }
  /** The end of a cross-validation: its models, the best first. */
  | { readonly type: 'folds'; readonly folds: number; readonly models: readonly CrossValidatedModel[] }
  | { readonly type: 'warning'; readonly message: string; readonly model?: number };

/** Is told of what training does. */
export type TrainListener = (event: TrainEvent) => void;
