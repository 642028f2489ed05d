import type { Dtype } from '../../arithmetic/dtype.js';

/** Scores of rows that are in memory, a few at a time. Everything that grows with d, k and the rows was made when it was opened. */
export interface MemoryScorer {
  /** Rows scored together, at most. */
  readonly mostRows: number;
  /** mostRows × d: where the features of rows are written before `score`. */
  readonly input: Float64Array;
  /** Number type that features are turned into; a value that it cannot hold must not be given. */
  readonly dtype: Dtype;
  /** Features of a row that may be other than 0, where not all may. */
  readonly mostNonzeros?: number;
  /** Bytes of all that grows with d, k and the rows of a model. */
  readonly plannedBytes: number;
  /** Scores of the first `rows` rows of `input`, rows × k; valid until the next call. One call at a time. */
  score(rows: number, signal?: AbortSignal): Promise<Float64Array>;
  close(): Promise<void>;
}

/** Rows scored together are worth no more than this. */
export const MOST_ROWS = 64;
