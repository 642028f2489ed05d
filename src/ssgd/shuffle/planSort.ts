import { formatBytes } from '../../memory/byteSize.js';
import type { Region } from '../../memory/plan.js';
import { fitsCache, footprint } from './footprint.js';
import { ProportionalDraw } from './proportionalDraw.js';
import type { ShufflePlan, ShuffleRequest } from './shufflePlan.js';

/** Reads smaller than this cost more than another merge. */
const SMALL_READ = 768;
const LARGEST_OUTPUT = 1 << 18;

/** Shuffled runs on disk, merged in random order; see `SortStream`. */
export function planSort(request: ShuffleRequest): ShufflePlan {
  const { algo, rows, rowBytes, epochs } = request;
  let low = 2;
  let high = Math.max(2, Math.min(rows, Math.floor(request.bytes / rowBytes)));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (footprint(sortRegions(rowBytes, middle)) <= request.bytes) low = middle;
    else high = middle - 1;
  }
  const capacity = low;
  const fanIn = mostRuns(rowBytes, capacity);
  const merges = extraMerges(rows, capacity, fanIn);
  const bytes = rows * rowBytes;
  return {
    kind: 'external_sort',
    algo,
    rows,
    rowBytes,
    epochs,
    regions: sortRegions(rowBytes, capacity),
    levels: [],
    capacity,
    segmentRows: outputRows(rowBytes, capacity),
    blockRows: 0,
    fanIn,
    direct: false,
    background: !fitsCache(request),
    bytesRead: epochs * bytes * (2 + merges),
    bytesWritten: epochs * bytes * (1 + merges),
    scratchBytes: bytes * (merges > 0 ? 2 : 1),
    keptBytes: 0,
    notes: [
      `for every epoch, ${Math.ceil(rows / capacity)} runs of ${capacity} rows ` +
        `(${formatBytes(capacity * rowBytes)}) are sorted by random keys and merged, ` +
        `${Math.min(fanIn, Math.ceil(rows / capacity))} at a time` +
        (merges > 0 ? `, in ${merges + 1} passes` : ''),
    ],
  };
}

/** Merges over all rows before the one that hands the rows over. */
export function extraMerges(rows: number, capacity: number, fanIn: number): number {
  let merges = 0;
  for (let runs = Math.ceil(rows / capacity); runs > fanIn; runs = Math.ceil(runs / fanIn)) merges++;
  return merges;
}

/** The smallest memory `planSort` works in. */
export function minimumSortBytes({ rowBytes }: Omit<ShuffleRequest, 'bytes'>): number {
  return footprint(sortRegions(rowBytes, 2));
}

function mostRuns(rowBytes: number, capacity: number): number {
  return Math.max(2, Math.floor(capacity / Math.ceil(SMALL_READ / rowBytes)));
}

function outputRows(rowBytes: number, capacity: number): number {
  return Math.max(1, Math.min(Math.floor(capacity / 8), Math.floor(LARGEST_OUTPUT / rowBytes)));
}

/** 32-bit words: rows taken and rows in memory of each run, and the draw. */
export function sortTableWords(runs: number): number {
  return 2 * runs + ProportionalDraw.words(runs);
}

function sortRegions(rowBytes: number, capacity: number): Region[] {
  const output = outputRows(rowBytes, capacity);
  return [
    { name: 'shuffle rows', bytes: capacity * rowBytes },
    { name: 'shuffle order', bytes: 4 * capacity },
    { name: 'shuffle output', bytes: output * rowBytes },
    { name: 'shuffle draws', bytes: 4 * output },
    { name: 'shuffle cursors', bytes: 8 },
    { name: 'shuffle tables', bytes: 4 * sortTableWords(mostRuns(rowBytes, capacity)) },
  ];
}
