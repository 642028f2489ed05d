import { halfToNumber } from '../../arithmetic/dtype.js';
import { panelIndex } from '../../arithmetic/normalProduct.js';
import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Sums over rows of kernel values with inducing points. */
export function nystromTasks({ kernels, buffer, scratch }: ThreadEnvironment): TaskTable {
  const halves = new Uint16Array(buffer);
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);
  return {
    /**
     * packCross(source, dtype, stride, rows, columns, target): a block of tile entries into panels of doubles, [⌈columns/4⌉]
     * [rows][4] at target; columns up to the end of the last panel become 0.
     */
    packCross: (a) => {
      const [source, dtype, stride, rows, columns, target] = [a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!];
      const padded = Math.ceil(columns / 4) * 4;
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < padded; c++) {
          const at = r * stride + c;
          const value =
            c >= columns
              ? 0
              : dtype === 2
                ? doubles[source / 8 + at]!
                : dtype === 1
                  ? floats[source / 4 + at]!
                  : halfToNumber(halves[source / 2 + at]!);
          doubles[target / 8 + panelIndex(rows, r, c)] = value;
        }
      }
    },
    /** As the kernel, without `tile`. */
    addGramRows: (a) => kernels.addGramRows(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, scratch, a[5]!),
    addCrossProduct: (a) => kernels.addCrossProduct(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!),
  };
}
