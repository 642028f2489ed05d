/**
 * Rows lying in the arena and the order in which to visit them: row number `order[i]`, for i in [from, to),
 * lies at `base + order[i]·rowBytes`. Valid until the next block is asked for.
 */
export interface RowBlock {
  /** Address of row 0. */
  readonly base: number;
  /** Address of u32 row numbers, or 0 when the rows are visited as they lie. */
  readonly order: number;
  readonly from: number;
  readonly to: number;
}
