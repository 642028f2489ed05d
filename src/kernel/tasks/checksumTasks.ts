import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Checksums of strips of memory; arguments as those of the kernel. */
export function checksumTasks({ kernels }: ThreadEnvironment): TaskTable {
  return { checksumStrips: (a) => kernels.checksumStrips(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!) };
}
