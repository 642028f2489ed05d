import { gather64Of, labelDtypeCodes } from '../../arithmetic/gather.js';
import { padded4 } from '../../arithmetic/normalProduct.js';
import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Rows turned into doubles at a time, before they are packed. */
export const GROUP_ROWS = 8;
/** Features of one slice: a group of rows of it stays in the first-level cache. A multiple of 4. */
export const SLICE = 64;

/** Multiplies each of `rows` rows of `width` doubles by a factor, the first of which is doubles[factors]. */
function multiplyRows(doubles: Float64Array, at: number, rows: number, width: number, factors: number): void {
  for (let r = 0; r < rows; r++) {
    const factor = doubles[factors + r]!;
    for (let i = at + r * width; i < at + (r + 1) * width; i++) doubles[i]! *= factor;
  }
}

/** Work on rows as panels of doubles (see rowPanels.ts). */
export function panelTasks({ kernels, buffer }: ThreadEnvironment): TaskTable {
  const doubles = new Float64Array(buffer);
  const gathers = labelDtypeCodes.map((dtype) => gather64Of(kernels, dtype));
  return {
    /**
     * packFeatures(base, rowBytes, dtype, valueBytes, count, from, to, scaling, group, panels, roots): features [from, to), `from`
     * a multiple of SLICE, of `count` rows at `base`, scaled, into panels; rows from count to a multiple of 4 become 0.
     * Row r is multiplied by the r-th double at `roots`, unless that is 0.
     * Scaling and group are divided into slices: that of feature j begins 16·j, and 8·GROUP_ROWS·j bytes, behind them.
     */
    packFeatures: (a) => {
      const [base, rowBytes, dtype, valueBytes, count] = [a[0]!, a[1]!, a[2]!, a[3]!, a[4]!];
      const [from, to, scaling, group, panels, roots] = [a[5]!, a[6]!, a[7]!, a[8]!, a[9]!, a[10]!];
      const gather = gathers[dtype]!;
      const rows = padded4(count);
      for (let j = from; j < to; j += SLICE) {
        const width = Math.min(SLICE, to - j);
        const slice = group + 8 * GROUP_ROWS * j;
        const target = panels + 8 * j * rows;
        for (let row = 0; row < rows; row += GROUP_ROWS) {
          const packed = Math.min(GROUP_ROWS, rows - row);
          const real = Math.max(0, Math.min(packed, count - row));
          gather(base + valueBytes * j, rowBytes, 0, row, real, width, width, scaling + 16 * j, slice);
          if (roots !== 0) multiplyRows(doubles, slice / 8, real, width, roots / 8 + row);
          if (real < packed) doubles.fill(0, slice / 8 + real * width, slice / 8 + packed * width);
          kernels.packPanels(slice, width, packed, width, target, row, rows);
        }
      }
    },
    /** As the kernels. */
    addProduct: (a) => kernels.addProduct(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!),
    addCrossPanels: (a) => kernels.addCrossPanels(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!),
  };
}
