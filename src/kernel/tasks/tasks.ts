import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';
import type { RowGeometry } from '../functions/blockEvaluator.js';
import type { KernelFunction, TileDtype } from '../functions/kernelFunction.js';
import { checksumTasks } from './checksumTasks.js';
import { evaluateTasks } from './evaluateTasks.js';
import { factorTasks } from './factorTasks.js';
import { mirrorTasks } from './mirrorTasks.js';
import { nystromTasks } from './nystromTasks.js';
import { preconditionTasks } from './preconditionTasks.js';
import { productTasks } from './productTasks.js';
import { rowStepTasks } from './rowStepTasks.js';
import { tileFactorTasks } from './tileFactorTasks.js';

/** What every thread of a kernel job is told at its start. Plain data. */
export interface TaskSetup {
  /** How tiles are evaluated; absent when they only come from disk. */
  readonly evaluation?: {
    readonly kernel: KernelFunction;
    readonly geometry: RowGeometry;
    readonly dtype: TileDtype;
    /** Address of the constants of the evaluation in the arena. */
    readonly constants: number;
  };
}

/** The tasks of kernel jobs, one table for each folder that has any. */
export function kernelTasks(environment: ThreadEnvironment, setup: TaskSetup): TaskTable {
  const { evaluation } = setup;
  return {
    ...checksumTasks(environment),
    ...factorTasks(environment),
    ...mirrorTasks(environment),
    ...nystromTasks(environment),
    ...preconditionTasks(environment),
    ...productTasks(environment),
    ...rowStepTasks(environment),
    ...tileFactorTasks(environment),
    ...(evaluation === undefined ? {} : evaluateTasks(environment, evaluation)),
  };
}
