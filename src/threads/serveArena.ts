import { workerData } from 'node:worker_threads';
import { bindKernels } from '../arithmetic/kernels.js';
import { serveCalls } from './serveCalls.js';
import type { WorkerSetup } from './startWorkspace.js';
import type { PoolWorkerData } from './threadPool.js';
import type { TaskTable, ThreadEnvironment } from './threads.js';

/** All that a worker of `startWorkspace` runs: its tasks over the arena. It never returns. */
export function serveArena<TaskSetup>(
  tasksOf: (environment: ThreadEnvironment, setup: TaskSetup) => TaskTable,
): never {
  const data = workerData as PoolWorkerData<WorkerSetup<TaskSetup>>;
  const { memory, module, scratch, scratchBytes, tasks } = data.setup;
  const environment: ThreadEnvironment = {
    kernels: bindKernels(memory, module),
    buffer: memory.buffer as unknown as SharedArrayBuffer,
    thread: data.thread,
    scratch: scratch + data.thread * scratchBytes,
  };
  serveCalls(data, tasksOf(environment, tasks));
}
