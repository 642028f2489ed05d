import type { Plan } from '../memory/plan.js';
import type { Evaluation } from '../ssgd/events.js';
import type { KernelFunction } from './functions/kernelFunction.js';

/** What a kernel job tells while it runs, in order. Also the lines of `events.jsonl`. */
export type KernelEvent =
  | { readonly type: 'plan'; readonly plan: Plan }
  /** The kernel with all parameters resolved, and where they come from. */
  | { readonly type: 'kernel'; readonly kernel: KernelFunction; readonly reason: string }
  /** Often: where the job is. `total` in the same unit, or 0 when unknown. */
  | {
      readonly type: 'progress';
      readonly phase: 'generate' | 'precondition' | 'factor' | 'solve' | 'refine' | 'verify' | 'evaluate';
      readonly done: number;
      readonly total: number;
      readonly epoch: number;
      readonly bytesRead: number;
      readonly bytesWritten: number;
    }
  /** After each pass over K. Residuals are ‖(K+λI)A−Y‖/‖Y‖, the largest over columns, one per regularization. */
  | {
      readonly type: 'pass';
      readonly pass: number;
      readonly residuals: readonly number[];
      /** True when the residual was computed afresh and not by recurrence. */
      readonly exact: boolean;
      /** Accuracy (or rmse) on the held-out rows, one per regularization; absent without held-out rows. */
      readonly heldOut?: readonly number[];
    }
  | { readonly type: 'checkpoint'; readonly pass: number }
  /** A killed job goes on from here. */
  | { readonly type: 'resumed'; readonly done: number; readonly total: number }
  | {
      readonly type: 'evaluation';
      readonly part: 'train' | 'test';
      readonly epoch: number;
      readonly evaluation: Evaluation;
    }
  | { readonly type: 'warning'; readonly message: string };

/** Is told of what a kernel job does. */
export type KernelListener = (event: KernelEvent) => void;
