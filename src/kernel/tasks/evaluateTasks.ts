import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';
import { isCustom } from '../functions/customKernel.js';
import { createEvaluator } from '../functions/evaluator.js';
import type { TaskSetup } from './tasks.js';

/**
 * Packing rows and evaluating the kernel; arguments as those of `BlockEvaluator.pack` and `evaluate`. Only the main
 * thread has them for a kernel with a custom function.
 */
export function evaluateTasks(
  environment: ThreadEnvironment,
  { kernel, geometry, dtype, constants }: NonNullable<TaskSetup['evaluation']>,
): TaskTable {
  if (isCustom(kernel) && environment.thread !== 0) return {};
  const evaluator = createEvaluator(kernel, geometry, dtype, environment, constants);
  return {
    packRows: (a) => evaluator.pack(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!),
    evaluateBlock: (a) =>
      evaluator.evaluate(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!, a[8]!, a[9]!),
  };
}
