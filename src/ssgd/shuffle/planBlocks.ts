import { formatBytes } from '../../memory/byteSize.js';
import type { Region } from '../../memory/plan.js';
import { segmentRows } from './footprint.js';
import type { ShufflePlan, ShuffleRequest } from './shufflePlan.js';

/** Blocks shuffled together should be many: the mixing is no better than their number. */
const BLOCKS_TOGETHER = 32;
const LARGEST_BLOCK = 1 << 20;

interface BlockShape {
  readonly capacity: number;
  readonly blockRows: number;
  readonly regions: readonly Region[];
}

/** Buffers and blocks inside `bytes`; undefined when not even one block fits. Never fits less when given more. */
function shape(request: Omit<ShuffleRequest, 'bytes'>, bytes: number): BlockShape | undefined {
  const { rows, rowBytes } = request;
  if (request.algo === 'none') {
    const most = Math.min(rows, Math.ceil(LARGEST_BLOCK / rowBytes));
    const capacity = Math.min(most, Math.floor((bytes - 64) / (2 * rowBytes)));
    const regions = [{ name: 'shuffle rows', bytes: 2 * capacity * rowBytes }];
    return capacity >= 1 ? { capacity, blockRows: capacity, regions } : undefined;
  }
  // At most an eighth of the memory for the list of blocks decides how small blocks may be.
  const listLength = Math.floor(bytes / 32);
  const room = Math.floor((bytes - 4 * listLength - 192) / (2 * rowBytes + 4));
  const smallest = Math.ceil(rows / Math.max(1, listLength));
  const wanted = Math.min(Math.floor(room / BLOCKS_TOGETHER), Math.floor(LARGEST_BLOCK / rowBytes));
  const blockRows = Math.max(1, smallest, wanted);
  if (listLength < 1 || blockRows > room) return undefined;
  const capacity = Math.min(rows, Math.floor(room / blockRows) * blockRows);
  const regions = [
    { name: 'shuffle rows', bytes: 2 * capacity * rowBytes },
    { name: 'shuffle order', bytes: 4 * capacity },
    { name: 'shuffle blocks', bytes: 4 * Math.ceil(rows / blockRows) },
  ];
  return { capacity, blockRows, regions };
}

/** The smallest memory `planBlocks` works in. */
export function minimumBlockBytes(request: Omit<ShuffleRequest, 'bytes'>): number {
  let low = 1;
  let high = 1024;
  while (shape(request, high) === undefined) high *= 2;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (shape(request, middle) === undefined) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Rows as they lie ('none'), or random contiguous blocks shuffled together in memory ('block_shuffle',
 * CorgiPile, SIGMOD 2022). Two buffers: one is read while the other is trained on. No scratch.
 */
export function planBlocks(request: ShuffleRequest): ShufflePlan {
  const { algo, rows, rowBytes, epochs } = request;
  const shuffled = algo === 'block_shuffle';
  const { capacity, blockRows, regions } = shape(request, request.bytes)!;
  return {
    kind: shuffled ? 'block_shuffle' : 'none',
    algo,
    rows,
    rowBytes,
    epochs,
    regions,
    levels: [],
    capacity,
    segmentRows: segmentRows(rowBytes, capacity),
    blockRows,
    fanIn: 0,
    direct: false,
    background: true,
    bytesRead: epochs * rows * rowBytes,
    bytesWritten: 0,
    scratchBytes: 0,
    keptBytes: 0,
    notes: [
      shuffled
        ? `blocks of ${blockRows} neighbouring rows in random order, ${Math.floor(capacity / blockRows)} blocks ` +
          `(${formatBytes(capacity * rowBytes)}) shuffled together; the weakest mixing, no scratch`
        : `rows in stored order, ${capacity} at a time`,
    ],
  };
}
