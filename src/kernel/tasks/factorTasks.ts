import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Parts of the work with packed Cholesky factors; arguments as those of the kernels. */
export function factorTasks({ kernels }: ThreadEnvironment): TaskTable {
  return {
    eliminateRows: (a) => kernels.eliminateRows(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!),
    /** `eliminateRows`, then `solveRows`. */
    finishRows: (a) => {
      kernels.eliminateRows(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!);
      kernels.solveRows(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!);
    },
    lowerSolve: (a) => kernels.lowerSolve(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!),
    lowerTransposedSolve: (a) => kernels.lowerTransposedSolve(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!),
    lowerProduct: (a) => kernels.lowerProduct(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!),
  };
}
