import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Products of sparse rows in slots; arguments as those of the kernels. */
export function slotTasks({ kernels }: ThreadEnvironment): TaskTable {
  return {
    addSlotScores: (a) =>
      kernels.addSlotScores(
        a[0]!,
        a[1]!,
        a[2]!,
        a[3]!,
        a[4]!,
        a[5]!,
        a[6]!,
        a[7]!,
        a[8]!,
        a[9]!,
        a[10]!,
        a[11]!,
      ),
    addSlotSums: (a) =>
      kernels.addSlotSums(
        a[0]!,
        a[1]!,
        a[2]!,
        a[3]!,
        a[4]!,
        a[5]!,
        a[6]!,
        a[7]!,
        a[8]!,
        a[9]!,
        a[10]!,
        a[11]!,
      ),
    addSlotGram: (a) => kernels.addSlotGram(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!, a[8]!),
  };
}
