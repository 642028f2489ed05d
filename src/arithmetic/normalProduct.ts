/**
 * Products of tall blocks of doubles in panels of four columns, [⌈columns/4⌉][rows][4].
 * See assembly/normalProduct.ts. Numbers named like a matrix are addresses.
 */
export interface NormalProductKernels {
  /** Packs `count` row-major rows (`stride` doubles apart) of d columns into panels of `rows` rows, from row `at` on. */
  packPanels(
    source: number,
    stride: number,
    count: number,
    d: number,
    target: number,
    at: number,
    rows: number,
  ): void;
  /** target += AᵀB: 4·aPanels rows in bPanels panels. */
  addCrossProduct(a: number, aPanels: number, b: number, bPanels: number, rows: number, target: number): void;
  /** The same for panels [from, to) of A alone, that is rows [4·from, 4·to) of the target. */
  addCrossPanels(
    a: number,
    aPanels: number,
    from: number,
    to: number,
    b: number,
    bPanels: number,
    rows: number,
    target: number,
  ): void;
  /** Rows [from, to) of target += A·M: A has `rows` rows, all three multiples of 4; M has 4·aPanels rows in mPanels panels. */
  addProduct(
    a: number,
    aPanels: number,
    rows: number,
    from: number,
    to: number,
    m: number,
    mPanels: number,
    target: number,
  ): void;
}

/** Columns rounded up to whole panels. */
export function padded4(columns: number): number {
  return Math.ceil(columns / 4) * 4;
}

/** Position of element (row, column) in a block of panels with `rows` rows. */
export function panelIndex(rows: number, row: number, column: number): number {
  return ((column >>> 2) * rows + row) * 4 + (column & 3);
}

export function plainNormalProduct(buffer: SharedArrayBuffer): NormalProductKernels {
  const doubles = new Float64Array(buffer);
  const at = (address: number, rows: number, row: number, column: number) =>
    address / 8 + panelIndex(rows, row, column);
  const addCrossPanels: NormalProductKernels['addCrossPanels'] = (
    a,
    aPanels,
    from,
    to,
    b,
    bPanels,
    rows,
    target,
  ) => {
    for (let i = 4 * from; i < 4 * to; i++) {
      for (let c = 0; c < 4 * bPanels; c++) {
        let sum = 0;
        for (let r = 0; r < rows; r++) sum += doubles[at(a, rows, r, i)]! * doubles[at(b, rows, r, c)]!;
        doubles[at(target, 4 * aPanels, i, c)]! += sum;
      }
    }
  };
  return {
    addCrossPanels,
    packPanels(source, stride, count, d, target, first, rows) {
      for (let r = 0; r < count; r++) {
        for (let j = 0; j < padded4(d); j++) {
          doubles[at(target, rows, first + r, j)] = j < d ? doubles[source / 8 + r * stride + j]! : 0;
        }
      }
    },
    addCrossProduct: (a, aPanels, b, bPanels, rows, target) =>
      addCrossPanels(a, aPanels, 0, aPanels, b, bPanels, rows, target),
    addProduct(a, aPanels, rows, from, to, m, mPanels, target) {
      for (let r = from; r < to; r++) {
        for (let c = 0; c < 4 * mPanels; c++) {
          let sum = 0;
          for (let j = 0; j < 4 * aPanels; j++)
            sum += doubles[at(a, rows, r, j)]! * doubles[at(m, 4 * aPanels, j, c)]!;
          doubles[at(target, rows, r, c)]! += sum;
        }
      }
    },
  };
}
