import type { RowLayout } from '../../data/rowLayout.js';

/** How stored rows become the vectors a kernel compares. Plain data: it goes to threads. */
export interface RowGeometry {
  readonly layout: RowLayout;
  /** Scaled feature j = multiply[j]·x + add[j]. */
  readonly multiply: Float64Array;
  readonly add: Float64Array;
  /** Mean of the scaled features over the training rows: distances are taken around it, where rounding is least. */
  readonly mean: Float64Array;
  /** Set where rows are compared as they are stored: each of `multiply` is 1, `add` and `mean` are 0. */
  readonly unscaled?: boolean;
  /** Bound on the norm of a scaled row, and of a scaled row less the mean. */
  readonly maxNorm: number;
  readonly maxCentredNorm: number;
}

export { PACK_ROWS } from '../../arithmetic/rowProducts.js';

/**
 * Evaluates one kernel function between blocks of packed rows. Each thread has its own; it works in the thread's scratch
 * and allocates nothing.
 */
export interface BlockEvaluator {
  /** Bytes of a packed block of `capacity` rows (a multiple of PACK_ROWS), norms included. */
  packedBytes(capacity: number): number;
  /**
   * Packs `count` stored rows lying at `source` into rows [first, first + count) of the block at `target`; `first` is a
   * multiple of PACK_ROWS. Rows from there to the next multiple of PACK_ROWS become zero.
   */
  pack(source: number, count: number, target: number, capacity: number, first: number): void;
  /**
   * Writes K between rows [aFrom, aFrom + rows) of block a and rows [bFrom, bFrom + columns) of block b as entries of
   * the evaluator's tile dtype, element (r, c) at target + (r·stride + c)·bytes. aFrom, bFrom: multiples of PACK_ROWS.
   */
  evaluate(
    a: number,
    aCapacity: number,
    aFrom: number,
    rows: number,
    b: number,
    bCapacity: number,
    bFrom: number,
    columns: number,
    target: number,
    stride: number,
  ): void;
  /** k(x, x) of rows [first, first + count) of a packed block, into `target`. */
  diagonal(block: number, capacity: number, first: number, count: number, target: Float64Array): void;
}
