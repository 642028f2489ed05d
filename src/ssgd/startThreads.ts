import type { KernelBuild } from '../arithmetic/kernels.js';
import type { Arena } from '../memory/arena.js';
import type { ThreadScratch } from '../threads/startWorkspace.js';
import { startWorkspace } from '../threads/startWorkspace.js';
import type { Workspace } from '../threads/workspace.js';
import { type LinearSetup, linearTasks } from './tasks/tasks.js';

/**
 * Kernels bound to the arena and `count` threads over it, the calling one included; with one no worker is started.
 * Close the threads when the job ends, however it ends.
 */
export async function startThreads(
  arena: Arena,
  count: number,
  setup: LinearSetup = {},
  scratch?: ThreadScratch,
  build?: KernelBuild,
): Promise<Workspace> {
  return await startWorkspace(arena, {
    count,
    scratch,
    worker: new URL('./linearWorker.js', import.meta.url),
    setup,
    tasksOf: linearTasks,
    build,
  });
}
