import { halfToNumber } from '../../arithmetic/dtype.js';
import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Work of stochastic gradient descent over rows of a kernel matrix. */
export function rowStepTasks({ kernels, buffer }: ThreadEnvironment): TaskTable {
  const halves = new Uint16Array(buffer);
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);
  return {
    rowStep: (a) => kernels.rowStep(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!, a[8]!, a[9]!),
    /**
     * copyEntries(source, dtype, rowStep, columnStep, rows, columns, target, targetStride): element (r, c) of a tile, at
     * r·rowStep + c·columnStep, into a row-major block of doubles (for float64) or floats.
     */
    copyEntries: (a) => {
      const [source, dtype, rowStep, columnStep] = [a[0]!, a[1]!, a[2]!, a[3]!];
      const [rows, columns, target, stride] = [a[4]!, a[5]!, a[6]!, a[7]!];
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          const at = r * rowStep + c * columnStep;
          const to = r * stride + c;
          if (dtype === 2) doubles[target / 8 + to] = doubles[source / 8 + at]!;
          else
            floats[target / 4 + to] =
              dtype === 1 ? floats[source / 4 + at]! : halfToNumber(halves[source / 2 + at]!);
        }
      }
    },
  };
}
