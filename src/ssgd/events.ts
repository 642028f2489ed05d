import type { Plan } from '../memory/plan.js';

/** Loss per row (without the penalty) and, by task, accuracy or rmse and r2. */
export interface Evaluation {
  readonly rows: number;
  /** Mean loss of a row. */
  readonly loss: number;
  /** Share of rows whose class is predicted right, 0 to 1 (classification). */
  readonly accuracy?: number;
  /** Root mean squared error in units of the target (regression). */
  readonly rmse?: number;
  /** 1 − (residual sum of squares)/(total sum of squares) (regression). */
  readonly r2?: number;
}

/** What a training job tells while it runs, in order. Also the lines of `events.jsonl` (with `time`, seconds since the start). */
export type TrainEvent =
  | { readonly type: 'plan'; readonly plan: Plan }
  /** The learning rate chosen (or given), and why. */
  | { readonly type: 'rate'; readonly eta0: number; readonly reason: string }
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
      readonly loss: number;
      readonly learningRate: number;
    }
  /** Every `logfreq` steps and at the end: a line of the CSV log. Accuracies are those of the rows since the last line (training) and of the last evaluation (test). */
  | {
      readonly type: 'log';
      readonly step: number;
      readonly loss: number;
      readonly trainAccuracy: number | undefined;
      readonly testAccuracy: number | undefined;
    }
  | {
      readonly type: 'evaluation';
      readonly part: 'train' | 'test';
      readonly epoch: number;
      readonly evaluation: Evaluation;
    }
  /** A state was saved: `done` of `total` (in rows, passes or iterations, as `unit` says). */
  | { readonly type: 'checkpoint'; readonly done: number; readonly total: number; readonly unit: string }
  /** A job goes on from a state that was saved there. */
  | { readonly type: 'resumed'; readonly done: number; readonly total: number; readonly unit: string }
  | { readonly type: 'warning'; readonly message: string };

export type TrainListener = (event: TrainEvent) => void;
