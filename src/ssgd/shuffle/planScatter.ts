import { formatBytes } from '../../memory/byteSize.js';
import { alignUp, type Region } from '../../memory/plan.js';
import { fitsCache, footprint, PAGE, segmentRows } from './footprint.js';
import { ProportionalDraw } from './proportionalDraw.js';
import type { ShufflePlan, ShuffleRequest } from './shufflePlan.js';

/**
 * One level of scattering: rows go to `buckets` buckets of equal size (± one row). A bucket collects rows in a
 * slot of memory; a full slot is written as one chunk. On disk a bucket is a list of extents of several chunks.
 */
export interface ScatterLevel {
  /** Rows held at a time, at most. */
  readonly rows: number;
  readonly buckets: number;
  /** Bytes written at a time. */
  readonly chunkBytes: number;
  /** Distance of slots in memory: a chunk and the end of the row that reaches over it. */
  readonly slotBytes: number;
  /** Slots beyond one per bucket, so that rows can be scattered while slots are written. */
  readonly spareSlots: number;
  readonly extentBytes: number;
  readonly extentsPerBucket: number;
  /** Extents of the scratch file; extents read are used again. */
  readonly extents: number;
  /** As many when those that the last saved state counts on are not used again before the next state: it can be gone on from. */
  readonly keptExtents: number;
}

const LARGEST_CHUNK = 1 << 20;
/** A request through the page cache costs a microsecond, so larger ones gain nothing. */
const LARGEST_CACHED_CHUNK = 1 << 16;
/** A request bypassing the page cache costs 50 microseconds, so smaller ones lose much. */
const SMALL_DIRECT_CHUNK = 1 << 14;
const SMALL_CACHED_CHUNK = 768;
const SPARE_SLOTS = 8;
/** Extents of a bucket: more recycle scratch space better (1 + 1/8 times the data) but need a longer list. */
const EXTENTS = 8;
const MOST_LEVELS = 4;
const MOST_BUCKETS = 1 << 20;

/** The choices a scatter plan leaves open; every level has the same numbers. */
export interface ScatterShape {
  /** Levels. */
  readonly depth: number;
  readonly buckets: number;
  readonly direct: boolean;
  readonly chunkBytes: number;
}

type Sizes = Omit<ShuffleRequest, 'bytes'>;

/** Scatter to buckets, load a bucket, shuffle it; see `ScatterStream`. */
export function planScatter(request: ShuffleRequest): ShufflePlan {
  return scatterPlan(request, chooseShape(request));
}

/** The plan of one shape, whatever memory it takes. */
export function scatterPlan(request: Sizes, shape: ScatterShape): ShufflePlan {
  const { algo, reshuffle, rows, rowBytes, epochs } = request;
  const levels = levelsOf(request, shape);
  const capacity = leafRows(rows, shape);
  const unit = shape.direct ? PAGE : 1;
  const stored = bucketsBytes(rows, shape.buckets, rowBytes, unit);
  const below = deeperBytes(rows, shape, rowBytes, unit, 1);
  const once = reshuffle === 'once';
  const bytesOf = (extents: (level: ScatterLevel) => number) =>
    levels.reduce((sum, level) => sum + extents(level) * level.extentBytes, 0);
  const scratchBytes = bytesOf((level) => level.extents);
  const keptBytes = bytesOf((level) => level.keptExtents - level.extents);
  return {
    kind: once ? 'scatter-once' : 'scatter',
    algo,
    rows,
    rowBytes,
    epochs,
    regions: regionsOf(request, shape, levels),
    levels,
    capacity,
    segmentRows: segmentRows(rowBytes, capacity),
    blockRows: 0,
    fanIn: 0,
    direct: shape.direct,
    background: shape.direct,
    bytesRead: rows * rowBytes + epochs * (stored + below),
    bytesWritten: (once ? 1 : epochs) * stored + epochs * below,
    scratchBytes,
    keptBytes,
    notes: [
      `rows are scattered to ${levels.map((level) => level.buckets).join(' x ')} buckets on disk ` +
        `(${once ? 'once' : 'afresh for every epoch while training'}), each shuffled in memory: ` +
        `${capacity} rows, ${formatBytes(capacity * rowBytes)}, written ${formatBytes(shape.chunkBytes)} at a time` +
        (shape.direct ? ', bypassing the page cache' : ''),
    ],
  };
}

/** The smallest memory some scatter works in. */
export function minimumScatterBytes(request: Sizes): number {
  let minimum = Number.POSITIVE_INFINITY;
  for (let depth = 1; depth <= MOST_LEVELS; depth++) {
    for (const buckets of bucketCounts(request.rows)) {
      const shape = { depth, buckets, direct: false, chunkBytes: request.rowBytes };
      minimum = Math.min(minimum, fixedBytes(request, shape) + depth * buckets * request.rowBytes);
    }
  }
  return minimum;
}

/**
 * The fewest levels whose chunks are of a good size. The minimum above is met by the last resort: chunks of
 * one row.
 */
function chooseShape(request: ShuffleRequest): ScatterShape {
  if (!fitsCache(request)) {
    for (let depth = 1; depth < MOST_LEVELS; depth++) {
      const shape = largestChunk(request, depth, true);
      if (shape !== undefined && shape.chunkBytes >= SMALL_DIRECT_CHUNK) return shape;
    }
  }
  for (let depth = 1; depth <= MOST_LEVELS; depth++) {
    const shape = largestChunk(request, depth, false);
    if (shape !== undefined && shape.chunkBytes >= SMALL_CACHED_CHUNK) return shape;
  }
  for (let depth = 1; ; depth++) {
    const shape = largestChunk(request, depth, false);
    if (shape !== undefined) return shape;
  }
}

/** The number of buckets with the largest chunks and, among those, the least memory. */
function largestChunk(request: ShuffleRequest, depth: number, direct: boolean): ScatterShape | undefined {
  let best: ScatterShape | undefined;
  let bestBytes = 0;
  for (const buckets of bucketCounts(request.rows)) {
    const fixed = fixedBytes(request, { depth, buckets, direct, chunkBytes: 0 });
    const slots = depth * (buckets + (direct ? SPARE_SLOTS : 0));
    const slotBytes = Math.floor((request.bytes - fixed) / slots);
    const chunkBytes = direct
      ? Math.min(LARGEST_CHUNK, Math.floor(slotBytes / PAGE) * PAGE - overhang(request.rowBytes))
      : wholeRows(Math.min(LARGEST_CACHED_CHUNK, slotBytes), slotBytes, request.rowBytes);
    if (chunkBytes < 1 || chunkBytes < (best?.chunkBytes ?? 0)) continue;
    const bytes = fixed + slots * chunkBytes;
    if (chunkBytes === best?.chunkBytes && bytes >= bestBytes) continue;
    best = { depth, buckets, direct, chunkBytes };
    bestBytes = bytes;
  }
  return best;
}

/** At most `wanted` bytes of whole rows, but one row when `most` allows it. */
function wholeRows(wanted: number, most: number, rowBytes: number): number {
  return Math.min(
    Math.max(1, Math.floor(wanted / rowBytes)) * rowBytes,
    Math.floor(most / rowBytes) * rowBytes,
  );
}

/** 2, 3, 4 … in steps of one and later two per cent. */
function* bucketCounts(rows: number): Generator<number> {
  const most = Math.min(rows, MOST_BUCKETS);
  for (let buckets = 2; buckets <= most; buckets = Math.max(buckets + 1, Math.floor(buckets * 1.02)))
    yield buckets;
}

/** Pages behind a chunk for the end of its last row. */
function overhang(rowBytes: number): number {
  return alignUp(rowBytes - 1, PAGE);
}

/** Rows of a bucket of the last level, at most. */
function leafRows(rows: number, { depth, buckets }: ScatterShape): number {
  let left = rows;
  for (let level = 0; level < depth; level++) left = Math.ceil(left / buckets);
  return left;
}

/** 32-bit words of a level's table: slots and cursors, the draw, extents read, written and free, two bits for each extent. */
function tableWords(buckets: number, extentsPerBucket: number, extents: number): number {
  return (
    4 * buckets +
    ProportionalDraw.words(buckets) +
    2 * buckets * extentsPerBucket +
    extents +
    2 * bitWords(extents)
  );
}

/** Words that hold a bit for each extent. */
export function bitWords(extents: number): number {
  return Math.ceil(extents / 32);
}

/** Extents of a level, and as many when a saved state can count on them. */
function extentCounts(buckets: number, extentsPerBucket: number, recycles: boolean) {
  const all = buckets * extentsPerBucket;
  if (!recycles) return { extents: all, keptExtents: all };
  // Of a bucket being written, the last extent is not full. One bucket more is held until its last row has been used; and
  // all that once more by the state.
  return { extents: all + buckets, keptExtents: 2 * (all + buckets + extentsPerBucket) };
}

function recycles(request: Sizes, depth: number): boolean {
  return depth === 0 && request.reshuffle === 'epoch' && request.epochs > 1;
}

/** Everything but the slots, however large the chunks. */
function fixedBytes(request: Sizes, shape: ScatterShape): number {
  const bucketRows = (depth: number) => leafRows(request.rows, { ...shape, depth });
  let bytes = footprint(bufferRegions(request, shape));
  for (let depth = 1; depth <= shape.depth; depth++) {
    const extents = shape.direct ? EXTENTS : Math.max(1, Math.min(EXTENTS, bucketRows(depth)));
    const { keptExtents } = extentCounts(shape.buckets, extents, recycles(request, depth - 1));
    bytes +=
      alignUp(4 * tableWords(shape.buckets, extents, keptExtents), 64) + (shape.direct ? 2 * PAGE : 64);
  }
  return bytes;
}

function bufferRegions(request: Sizes, shape: ScatterShape): Region[] {
  const { rowBytes } = request;
  const capacity = leafRows(request.rows, shape);
  const pages = alignUp(capacity * rowBytes, PAGE);
  // A larger bucket is read through the same buffer, behind the beginning of a row cut by the last request.
  const rows = shape.direct
    ? { bytes: Math.max(2 * pages, alignUp(rowBytes, PAGE) + PAGE), align: PAGE }
    : { bytes: Math.max(2, capacity) * rowBytes };
  return [
    { name: 'shuffle rows', ...rows },
    { name: 'shuffle order', bytes: 4 * capacity },
    { name: 'shuffle draws', bytes: 4 * segmentRows(rowBytes, capacity) },
    { name: 'shuffle bucket order', bytes: 4 * shape.buckets },
  ];
}

function levelsOf(request: Sizes, shape: ScatterShape): ScatterLevel[] {
  const { rowBytes } = request;
  const { buckets, chunkBytes, direct } = shape;
  const unit = direct ? PAGE : 1;
  const levels: ScatterLevel[] = [];
  for (let depth = 0; depth < shape.depth; depth++) {
    const rows = leafRows(request.rows, { ...shape, depth });
    const chunks = Math.ceil((Math.ceil(rows / buckets) * rowBytes) / chunkBytes);
    const chunksPerExtent = Math.ceil(chunks / EXTENTS);
    const extentsPerBucket = Math.ceil(chunks / chunksPerExtent);
    levels.push({
      rows,
      buckets,
      chunkBytes,
      slotBytes: direct ? chunkBytes + overhang(rowBytes) : chunkBytes,
      spareSlots: direct ? SPARE_SLOTS : 0,
      extentBytes: alignUp(chunksPerExtent * chunkBytes, unit),
      extentsPerBucket,
      ...extentCounts(buckets, extentsPerBucket, recycles(request, depth)),
    });
  }
  return levels;
}

function regionsOf(request: Sizes, shape: ScatterShape, levels: readonly ScatterLevel[]): Region[] {
  const regions = bufferRegions(request, shape);
  for (const [index, level] of levels.entries()) {
    const bytes = (level.buckets + level.spareSlots) * level.slotBytes;
    regions.push({ name: `shuffle slots ${index}`, bytes, ...(shape.direct ? { align: PAGE } : {}) });
    const words = tableWords(level.buckets, level.extentsPerBucket, level.keptExtents);
    regions.push({ name: `shuffle tables ${index}`, bytes: 4 * words });
  }
  return regions;
}

/** Bytes of all buckets when `rows` rows are scattered, each rounded up to whole units. */
function bucketsBytes(rows: number, buckets: number, rowBytes: number, unit: number): number {
  const few = Math.floor(rows / buckets);
  const more = rows % buckets;
  return more * alignUp((few + 1) * rowBytes, unit) + (buckets - more) * alignUp(few * rowBytes, unit);
}

/** Bytes written (and read) in an epoch by the levels below `level`, for one store of `rows` rows above. */
function deeperBytes(
  rows: number,
  shape: ScatterShape,
  rowBytes: number,
  unit: number,
  level: number,
): number {
  if (level >= shape.depth || rows === 0) return 0;
  const few = Math.floor(rows / shape.buckets);
  const more = rows % shape.buckets;
  const below = (count: number) =>
    bucketsBytes(count, shape.buckets, rowBytes, unit) + deeperBytes(count, shape, rowBytes, unit, level + 1);
  return (more > 0 ? more * below(few + 1) : 0) + (shape.buckets - more) * below(few);
}
