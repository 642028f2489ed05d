import type { TileSpan } from '../tiles/tileSpan.js';

/** Tiles in the order in which they are asked for: those of spans row by row, or all that from the last to the first. */
export interface TileOrder {
  readonly spans: readonly TileSpan[];
  readonly back?: boolean;
}

/**
 * A kernel matrix that only counts what is asked of it, for plans: the methods of `KernelMatrix`, without the entries.
 */
export interface KernelUse {
  /** Tiles come from disk. */
  readonly stored: boolean;
  /** Tiles of the lower triangle, row by row. */
  readonly triangle: TileOrder;
  /** Streams the tiles of each of `orders`, one after the other, and all that `times` times. */
  tiles(orders: readonly TileOrder[], times: number): void;
  diagonal(): void;
  /** So many columns at once. */
  columns(count: number): void;
}
