/**
 * How rows are brought into the order of their scores. `memory`: all scores are kept. `scratch`: they are sorted in runs, which lie on the
 * disk and are merged. `histogram`: they are only counted, in bins. `none`: there is no room for that either.
 */
export type RankMethod = 'memory' | 'scratch' | 'histogram' | 'none';

export interface RankPlan {
  readonly method: RankMethod;
  /** Classes that are ranked against the rest: 1 for two classes. */
  readonly columns: number;
  /** Rows whose scores lie in memory at a time; 0 for a histogram. */
  readonly runRows: number;
  /** Runs at most. More, where the number of rows is not known before, and the histogram is what is left. */
  readonly mostRuns: number;
  /** Bins of the histogram of each class; 0 when there is none. */
  readonly bins: number;
  readonly bytes: number;
  readonly scratchBytes: number;
  /** What would make it exact, where it is not. */
  readonly exactBytes: number;
}

/** A merge reads each of its streams in pieces of at least so many scores. */
const LEAST_PIECE = 512;
const MOST_BINS = 65536;
const LEAST_BINS = 64;
/** Per run and class: how many of its scores are of the class, and how many of the rest. */
const INDEX_BYTES = 16;

/** Bytes of a histogram: two counts in each bin. */
const histogramBytes = (columns: number, bins: number) => 16 * columns * bins;
const runBytes = (columns: number, runRows: number, runs: number) =>
  8 * columns * runRows + INDEX_BYTES * columns * runs;

/** Runs that a merge inside the memory of one run can take. */
function mergeable(columns: number, runRows: number): number {
  return Math.floor((columns * runRows) / (2 * LEAST_PIECE));
}

function binsIn(columns: number, bytes: number): number {
  let bins = MOST_BINS;
  while (bins > LEAST_BINS && histogramBytes(columns, bins) > bytes) bins /= 2;
  return histogramBytes(columns, bins) <= bytes ? bins : 0;
}

/** The largest runs of so many bytes, and how many of them can be merged. */
function runsIn(columns: number, bytes: number): { runRows: number; mostRuns: number } {
  // With r rows a run, columns·r/1024 runs of 16·columns bytes each: 8·columns·r·(1 + columns/512).
  const runRows = Math.floor(bytes / (8 * columns * (1 + columns / LEAST_PIECE)));
  return { runRows, mostRuns: mergeable(columns, runRows) };
}

/** The smallest memory in which scores of an unknown number of rows can be sorted at all. */
export const leastRunBytes = (columns: number) =>
  Math.ceil((2 * LEAST_PIECE) / columns) * 8 * columns * (1 + columns / LEAST_PIECE);

/** The smallest budget in which so many rows are ranked exactly. */
function bytesOfExact(rows: number, columns: number, mayUseScratch: boolean): number {
  const inMemory = runBytes(columns, rows, 1);
  if (!mayUseScratch) return inMemory;
  let [low, high] = [0, rows];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (middle * mergeable(columns, middle) >= rows) high = middle;
    else low = middle;
  }
  return Math.min(inMemory, Math.ceil(8 * columns * (high + 1) * (1 + columns / LEAST_PIECE)));
}

/**
 * The best way to rank rows within `bytes`: exactly where that is possible. `rows`: undefined when not known; they are then counted in
 * bins besides, unless nothing but their exact order is of use. Pure.
 */
export function planRanks(
  rows: number | undefined,
  columns: number,
  bytes: number,
  mayUseScratch: boolean,
  exactOnly = false,
): RankPlan {
  const exact = { columns, bins: 0, exactBytes: 0 };
  if (rows !== undefined && runBytes(columns, rows, 1) <= bytes) {
    return {
      ...exact,
      method: 'memory',
      runRows: Math.max(rows, 1),
      mostRuns: 1,
      bytes: runBytes(columns, Math.max(rows, 1), 1),
      scratchBytes: 0,
    };
  }
  // Of rows without an end there is no saying whether they will fit: they are counted too.
  const bins = rows === undefined && !exactOnly ? binsIn(columns, bytes / 4) : 0;
  const { runRows, mostRuns } = runsIn(columns, bytes - histogramBytes(columns, bins));
  const usable = mayUseScratch ? mostRuns : Math.min(mostRuns, 1);
  if (usable >= 1 && (rows === undefined ? bins > 0 || exactOnly : runRows * usable >= rows)) {
    const runs = rows === undefined ? usable : Math.ceil(rows / runRows);
    return {
      ...exact,
      method: 'scratch',
      bins,
      runRows,
      mostRuns: runs,
      bytes: runBytes(columns, runRows, runs) + histogramBytes(columns, bins),
      scratchBytes: rows === undefined ? 0 : 8 * columns * runRows * runs,
    };
  }
  const most = binsIn(columns, bytes);
  const exactBytes = rows === undefined ? 0 : bytesOfExact(rows, columns, mayUseScratch);
  return {
    columns,
    method: most > 0 ? 'histogram' : 'none',
    runRows: 0,
    mostRuns: 0,
    bins: most,
    bytes: histogramBytes(columns, most),
    scratchBytes: 0,
    exactBytes,
  };
}
