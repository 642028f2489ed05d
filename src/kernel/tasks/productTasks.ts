import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Products of parts of tiles with blocks of vectors; arguments as those of the kernels, without scratch. */
export function productTasks({ kernels, scratch }: ThreadEnvironment): TaskTable {
  return {
    addTileProduct: (a) =>
      kernels.addTileProduct(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!, scratch),
    addTransposedTileProduct: (a) =>
      kernels.addTransposedTileProduct(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!, scratch),
    addTileProduct32: (a) =>
      kernels.addTileProduct32(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!, scratch),
    addTransposedTileProduct32: (a) =>
      kernels.addTransposedTileProduct32(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!, scratch),
  };
}
