import type { SparsePart } from '../../data/format.js';
import { longestBytes } from '../../data/sparse/scanSparse.js';
import type { SparseDtype } from '../../data/sparse/sparseRecord.js';
import { formatBytes } from '../../memory/byteSize.js';
import { alignUp, type Region } from '../../memory/plan.js';
import type { ShuffleName } from '../options.js';
import { footprint } from '../shuffle/footprint.js';

/** Bytes of the shortest row. */
const SHORTEST = 12;
/** Rows handed over, or sent to buckets, at a time. */
const SEGMENT_ROWS = 4096;
const SMALLEST_CHUNK = 64;
/** The largest first, so that of equals it is taken. */
const chunkSizes = Array.from({ length: 11 }, (_, i) => (SMALLEST_CHUNK << 10) >> i);
/** A call of the file system takes as long as copying so many bytes. */
const CALL_BYTES = 1 << 11;
/** Standard deviations of the bytes of a bucket, beyond the mean, for which there is room. */
const DEVIATIONS = 6;
/** An arena ends at 4 GiB; what is left is for the rest of the job. */
const MOST_BYTES = 3.5 * 2 ** 30;

export interface SparseShuffleRequest {
  readonly algo: ShuffleName;
  readonly reshuffle: 'epoch' | 'once';
  /** Rows of the part that are read; held-out ones among them are passed over. */
  readonly rows: number;
  /** Of those rows, at most. */
  readonly sizes: SparsePart;
  readonly dtype: SparseDtype;
  readonly epochs: number;
  readonly batch: number;
}

/** How sparse rows will be put into random order, and what it costs. */
export interface SparseShufflePlan {
  readonly kind: 'memory' | 'scatter' | 'scatter-once' | 'none';
  /** What the arena must hold; all names begin with 'shuffle '. */
  readonly regions: readonly Region[];
  /** Rows handed over at a time, a multiple of the batch. */
  readonly segmentRows: number;
  /** scatter: number of buckets, bytes written at a time, bytes of rows that are shuffled in memory at a time. */
  readonly buckets: number;
  readonly chunkBytes: number;
  readonly capacity: number;
  /** Bytes read and written by all epochs together, rows and scratch. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly scratchBytes: number;
  readonly notes: readonly string[];
}

function orderRegion(bytes: number): Region {
  return { name: 'shuffle order', bytes: 4 * (Math.floor(bytes / SHORTEST) + 1) };
}

const walk: Region = { name: 'shuffle walk', bytes: 12 };

function memoryRegions({ algo, rows, sizes }: SparseShuffleRequest): Region[] | undefined {
  // Reading them in stored order needs no more than a window.
  if (algo === 'none') return undefined;
  return [{ name: 'shuffle rows', bytes: sizes.bytes }, { name: 'shuffle order', bytes: 4 * rows }, walk];
}

function segmentRows(batch: number): number {
  return Math.ceil(SEGMENT_ROWS / batch) * batch;
}

/** Regions of reading rows as they lie. */
function storedRegions(bytes: number): Region[] {
  const half = alignUp(bytes, 4);
  return [{ name: 'shuffle rows', bytes: 2 * half }, orderRegion(half), walk];
}

/** What a bucket takes in the table: cursor, limit, head and tail of its chain, rows, bytes. */
const BUCKET_BYTES = 32;

function scatterRegions(
  { sizes, dtype }: SparseShuffleRequest,
  buckets: number,
  chunkBytes: number,
  capacity: number,
): Region[] {
  const longest = longestBytes(sizes.longestRow, dtype);
  return [
    { name: 'shuffle rows', bytes: capacity },
    orderRegion(capacity),
    walk,
    { name: 'shuffle draws', bytes: 4 * SEGMENT_ROWS },
    // A bucket that is read in pieces goes through it: the beginning of a row, and the chunk with its end.
    { name: 'shuffle window', bytes: alignUp(longest, 4) + chunkBytes },
    { name: 'shuffle buckets', bytes: BUCKET_BYTES * buckets },
    { name: 'shuffle bucket order', bytes: 4 * buckets },
    { name: 'shuffle chains', bytes: 4 * chunksOf(sizes.bytes, buckets, chunkBytes) },
    { name: 'shuffle slots', bytes: buckets * chunkBytes },
  ];
}

/** Chunks of the scratch file at most: each bucket's last is not full. */
export function chunksOf(bytes: number, buckets: number, chunkBytes: number): number {
  return Math.ceil(bytes / chunkBytes) + buckets;
}

/** Room for a bucket that holds each row with probability 1/buckets. */
function roomyBucket({ sizes, dtype }: SparseShuffleRequest, buckets: number): number {
  const longest = longestBytes(sizes.longestRow, dtype);
  const mean = sizes.bytes / buckets;
  return alignUp(
    Math.ceil(Math.min(sizes.bytes, mean + DEVIATIONS * Math.sqrt(longest * mean) + longest)),
    4,
  );
}

/** The least room for rows: two halves of a scan. */
function leastRows({ sizes, dtype }: SparseShuffleRequest): number {
  return 2 * longestBytes(sizes.longestRow, dtype);
}

/** The smallest memory that some way works in. */
export function minimumSparseShuffle(request: SparseShuffleRequest): number {
  const whole = memoryRegions(request);
  const others =
    request.algo === 'none'
      ? [storedRegions(longestBytes(request.sizes.longestRow, request.dtype))]
      : chunkSizes.map((chunkBytes) => scatterRegions(request, 2, chunkBytes, leastRows(request)));
  return Math.min(...[...others, ...(whole === undefined ? [] : [whole])].map(footprint));
}

/** Decides how to shuffle inside `bytes`, at least `minimumSparseShuffle`. */
export function planSparseShuffle(request: SparseShuffleRequest, bytes: number): SparseShufflePlan {
  const { algo, sizes, batch, epochs, rows } = request;
  const usable = Math.min(bytes, MOST_BYTES);
  const common = { segmentRows: segmentRows(batch), buckets: 0, chunkBytes: 0, capacity: 0 };
  const unwritten = { bytesWritten: 0, scratchBytes: 0 };
  const whole = memoryRegions(request);
  if (whole !== undefined && footprint(whole) <= usable) {
    return {
      kind: 'memory',
      regions: whole,
      ...common,
      ...unwritten,
      bytesRead: sizes.bytes,
      notes: [
        `the rows (${formatBytes(sizes.bytes)}) fit in memory: they are read once and shuffled by index`,
      ],
    };
  }
  if (algo === 'none') {
    const longest = longestBytes(sizes.longestRow, request.dtype);
    let half = Math.max(longest, Math.min(1 << 20, Math.floor(usable / 3)));
    while (half > longest && footprint(storedRegions(half)) > usable)
      half = Math.max(longest, Math.floor(half * 0.9));
    return {
      kind: 'none',
      regions: storedRegions(half),
      ...common,
      ...unwritten,
      bytesRead: epochs * sizes.bytes,
      notes: ['rows are read in stored order'],
    };
  }
  const shape = chooseShape(request, usable);
  const once = request.reshuffle === 'once';
  const scatters = once ? 1 : epochs;
  const rereads = Math.max(1, Math.ceil(roomyBucket(request, shape.buckets) / shape.capacity));
  return {
    kind: once ? 'scatter-once' : 'scatter',
    regions: scatterRegions(request, shape.buckets, shape.chunkBytes, shape.capacity),
    ...common,
    ...shape,
    bytesRead: (scatters + epochs * rereads) * sizes.bytes,
    bytesWritten: scatters * sizes.bytes,
    scratchBytes: chunksOf(sizes.bytes, shape.buckets, shape.chunkBytes) * shape.chunkBytes,
    notes: [
      `${rows} rows are scattered to ${shape.buckets} buckets on disk (${once ? 'once' : 'afresh for every epoch'}), ` +
        `each shuffled in memory (${formatBytes(shape.capacity)})` +
        `${rereads > 1 ? ` in ${rereads} parts` : ''}, written ${formatBytes(shape.chunkBytes)} at a time`,
    ],
  };
}

interface Shape {
  readonly buckets: number;
  readonly chunkBytes: number;
  readonly capacity: number;
}

/**
 * The cheapest way: writing small chunks takes calls; a bucket that does not fit is read anew for each of its parts, and as often again
 * to find them.
 */
function chooseShape(request: SparseShuffleRequest, bytes: number): Shape {
  let best: Shape | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const chunkBytes of chunkSizes) {
    for (const buckets of bucketCounts(request.rows)) {
      const roomy = roomyBucket(request, buckets);
      const capacity = capacityIn(request, buckets, chunkBytes, bytes, roomy);
      if (capacity === 0) break;
      const parts = Math.ceil(roomy / capacity);
      const cost = CALL_BYTES / chunkBytes + (parts === 1 ? 1 : 2 * parts);
      if (cost >= least) continue;
      least = cost;
      best = { buckets, chunkBytes, capacity };
    }
  }
  return best ?? { buckets: 2, chunkBytes: SMALLEST_CHUNK, capacity: leastRows(request) };
}

/** Room for rows beside the slots and tables, as much as is of use; 0 where the longest rows would have none. */
function capacityIn(
  request: SparseShuffleRequest,
  buckets: number,
  chunkBytes: number,
  bytes: number,
  roomy: number,
): number {
  const least = leastRows(request);
  const fits = (capacity: number) =>
    footprint(scatterRegions(request, buckets, chunkBytes, capacity)) <= bytes;
  if (!fits(least)) return 0;
  if (fits(Math.max(roomy, least))) return Math.max(roomy, least);
  // Where the rows begin takes a third as much as the rows.
  const left = bytes - footprint(scatterRegions(request, buckets, chunkBytes, 0));
  let capacity = Math.max(least, Math.floor((left * 3) / 16) * 4);
  while (capacity > least && !fits(capacity)) capacity = Math.max(least, capacity - 64);
  return capacity;
}

/** 2, 3, 4 … in steps of one and later five per cent. */
function* bucketCounts(rows: number): Generator<number> {
  const most = Math.min(Math.max(2, rows), 1 << 16);
  for (let buckets = 2; buckets <= most; buckets = Math.max(buckets + 1, Math.floor(buckets * 1.05)))
    yield buckets;
}
