import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Parts of the tiled Cholesky factorisation and of its triangular solves; arguments as those of the kernels. */
export function tileFactorTasks({ kernels }: ThreadEnvironment): TaskTable {
  return {
    loadStrips: (a) => kernels.loadStrips(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!),
    subtractStripProducts: (a) =>
      kernels.subtractStripProducts(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!),
    solveStrips: (a) => kernels.solveStrips(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!),
    addStripSquares: (a) => kernels.addStripSquares(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!),
    subtractStripsTimes: (a) =>
      kernels.subtractStripsTimes(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!),
    subtractStripsTransposedTimes: (a) =>
      kernels.subtractStripsTransposedTimes(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!),
  };
}
