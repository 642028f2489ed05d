import { packedLength } from './gram.js';
import { panelIndex } from './normalProduct.js';

/** Rows of a Gram matrix of doubles, for threads to share out among themselves. See assembly/gramRows.ts. */
export interface GramRowKernels {
  /**
   * Rows [from, to) of a packed lower triangle gram += AᵀA for `rows` rows of d columns in panels. `from` is a multiple of
   * 4, and so is `to` unless it is d; `tile` is room for 16 doubles.
   */
  addGramRows(
    panels: number,
    rows: number,
    d: number,
    from: number,
    to: number,
    tile: number,
    gram: number,
  ): void;
}

export function plainGramRows(buffer: SharedArrayBuffer): GramRowKernels {
  const doubles = new Float64Array(buffer);
  return {
    addGramRows(panels, rows, _d, from, to, _tile, gram) {
      for (let i = from; i < to; i++) {
        for (let j = 0; j <= i; j++) {
          let sum = 0;
          for (let r = 0; r < rows; r++)
            sum +=
              doubles[panels / 8 + panelIndex(rows, r, i)]! * doubles[panels / 8 + panelIndex(rows, r, j)]!;
          doubles[gram / 8 + packedLength(i) + j]! += sum;
        }
      }
    },
  };
}
