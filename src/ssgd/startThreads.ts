import type { KernelBuild } from '../arithmetic/kernels.js';
import type { Arena } from '../memory/arena.js';
import type { Region } from '../memory/plan.js';
import { MOST_THREADS } from '../threads/defaultThreads.js';
import { startWorkspace } from '../threads/startWorkspace.js';
import type { Workspace } from '../threads/workspace.js';
import { type LinearSetup, linearTasks } from './tasks/tasks.js';

/** A tile of 4 x 4 doubles for each thread, whatever their number: sizes that follow must not depend on it. */
const SCRATCH = { region: 'thread scratch', bytes: 128 };

/** What `startThreads` needs in the arena. */
export const threadRegion: Region = { name: SCRATCH.region, bytes: SCRATCH.bytes * MOST_THREADS };

/**
 * Kernels bound to the arena, which has `threadRegion`, and `count` threads over it, the calling one included; with one
 * no worker is started. Close the threads when the job ends, however it ends.
 */
export async function startThreads(
  arena: Arena,
  count: number,
  setup: LinearSetup = {},
  build?: KernelBuild,
): Promise<Workspace> {
  return await startWorkspace(arena, {
    count,
    scratch: SCRATCH,
    worker: new URL('./linearWorker.js', import.meta.url),
    setup,
    tasksOf: linearTasks,
    build,
  });
}
