import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';
import { type HogwildSetup, HogwildThread } from '../sgd/hogwildThread.js';

/** Training without locks. */
export function hogwildTasks({ kernels, thread }: ThreadEnvironment, setup: HogwildSetup): TaskTable {
  const trainer = new HogwildThread(setup, thread, kernels);
  return {
    /** trainSegment(base, order, from, batches, steps, samples, total, eta0, curvature, squareBound): see Segment. */
    trainSegment: (a) =>
      trainer.train({
        block: { base: a[0]!, order: a[1]!, from: a[2]!, to: a[2]! },
        batches: a[3]!,
        steps: a[4]!,
        samples: a[5]!,
        total: a[6]!,
        eta0: a[7]!,
        curvature: a[8]!,
        squareBound: a[9]!,
      }),
  };
}
