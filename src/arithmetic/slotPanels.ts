import { panelIndex } from './normalProduct.js';

type Products = (
  base: number,
  rowBytes: number,
  count: number,
  code: number,
  factors: number,
  roots: number,
  from: number,
  fromRows: number,
  panelFrom: number,
  panelTo: number,
  to: number,
  toRows: number,
) => void;

/**
 * `count` sparse rows in slots, `rowBytes` apart from `base` on, times blocks of vectors in panels (normalProduct.ts). `code` is log2
 * of the bytes of a value. Feature j is multiplied by factors[j], row r by roots[r] (address 0: by 1), all doubles.
 */
export interface SlotPanelKernels {
  /**
   * scores[r][c] += root_r·Σ_j factor_j·x_j·p[j][c] in the panels [panelFrom, panelTo): `from`, `fromRows` are p and its rows,
   * `to`, `toRows` scores and theirs.
   */
  addSlotScores: Products;
  /** target[j][c] += Σ_r root_r·factor_j·x_j·scores[r][c], over the rows in order: `from` are the scores. */
  addSlotSums: Products;
  /** Rows [from, to) of a packed lower triangle: gram[i][j] += Σ_r root_r²·factor_i·x_i·factor_j·x_j, over the rows in order. */
  addSlotGram(
    base: number,
    rowBytes: number,
    count: number,
    code: number,
    factors: number,
    roots: number,
    from: number,
    to: number,
    gram: number,
  ): void;
}

/** The reference. */
export function plainSlotPanels(buffer: SharedArrayBuffer): SlotPanelKernels {
  const view = new DataView(buffer);
  const doubles = new Float64Array(buffer);
  /** Calls back with each feature of a row, and its value with factor and root. */
  const forEach = (
    row: number,
    code: number,
    factors: number,
    root: number,
    give: (j: number, x: number) => void,
  ) => {
    const m = view.getUint32(row, true);
    const values = row + 12 + 4 * m;
    for (let i = 0; i < m; i++) {
      const j = view.getUint32(row + 12 + 4 * i, true);
      const at = values + (i << code);
      const x =
        code === 0 ? view.getUint8(at) : code === 2 ? view.getFloat32(at, true) : view.getFloat64(at, true);
      give(j, root * x * doubles[factors / 8 + j]!);
    }
  };
  const rootOf = (roots: number, r: number) => (roots === 0 ? 1 : doubles[roots / 8 + r]!);
  return {
    addSlotScores(
      base,
      rowBytes,
      count,
      code,
      factors,
      roots,
      p,
      features,
      panelFrom,
      panelTo,
      scores,
      rows,
    ) {
      for (let r = 0; r < count; r++) {
        forEach(base + r * rowBytes, code, factors, rootOf(roots, r), (j, x) => {
          for (let c = 4 * panelFrom; c < 4 * panelTo; c++)
            doubles[scores / 8 + panelIndex(rows, r, c)]! += x * doubles[p / 8 + panelIndex(features, j, c)]!;
        });
      }
    },
    addSlotSums(
      base,
      rowBytes,
      count,
      code,
      factors,
      roots,
      scores,
      rows,
      panelFrom,
      panelTo,
      target,
      features,
    ) {
      for (let r = 0; r < count; r++) {
        forEach(base + r * rowBytes, code, factors, rootOf(roots, r), (j, x) => {
          for (let c = 4 * panelFrom; c < 4 * panelTo; c++)
            doubles[target / 8 + panelIndex(features, j, c)]! +=
              x * doubles[scores / 8 + panelIndex(rows, r, c)]!;
        });
      }
    },
    addSlotGram(base, rowBytes, count, code, factors, roots, from, to, gram) {
      for (let r = 0; r < count; r++) {
        const row = base + r * rowBytes;
        forEach(row, code, factors, rootOf(roots, r), (i, x) => {
          if (i < from || i >= to) return;
          forEach(row, code, factors, rootOf(roots, r), (j, y) => {
            if (j <= i) doubles[gram / 8 + (i * (i + 1)) / 2 + j]! += x * y;
          });
        });
      }
    },
  };
}
