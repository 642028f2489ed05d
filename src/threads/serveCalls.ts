import { parentPort } from 'node:worker_threads';
import { CallQueue } from './callQueue.js';
import type { PoolWorkerData } from './threadPool.js';
import type { Task, TaskTable } from './threads.js';

/** The tasks of a pool in the order of their numbers. Each thread must have all of them. */
export function numberTasks(names: readonly string[], table: TaskTable): Task[] {
  return names.map((name) => {
    const task = table[name];
    if (task === undefined) throw new Error(`this thread has no task '${name}'`);
    return task;
  });
}

/** What a worker does all its life: tells that it is ready, makes calls, and sleeps between batches. It never returns. */
export function serveCalls(data: PoolWorkerData<unknown>, table: TaskTable): never {
  const queue = new CallQueue(data.queue);
  // Also after an uncaught error or process.exit, when the main thread may be blocked in its wait.
  process.on('exit', () => queue.markDead());
  const tasks = numberTasks(data.tasks, table);
  parentPort!.postMessage('ready');
  for (;;) {
    const seen = queue.batch;
    queue.work(tasks);
    queue.waitForBatch(seen);
  }
}
