import { alignUp, type Region } from '../../memory/plan.js';

/** Alignment that requests bypassing the page cache need. */
export const PAGE = 4096;

/** Bytes the regions take in an arena at most, whatever lies between them. */
export function footprint(regions: readonly Region[]): number {
  let bytes = 0;
  for (const region of regions) {
    bytes += alignUp(region.bytes, 64);
    if ((region.align ?? 64) > 64) bytes += region.align!;
  }
  return bytes;
}

/** Rows handed over at a time: enough to make the hand-over cheap, few enough for progress and interruption. */
export function segmentRows(rowBytes: number, capacity: number): number {
  return Math.min(capacity, Math.max(1, Math.min(4096, Math.floor(2 ** 18 / rowBytes))));
}

/** Writes through the page cache are throttled to the disk's pace when more than this waits to be written. */
const LARGEST_CACHED_SCRATCH = 2 ** 31;

/** Whether scratch as large as the rows can live in the page cache. */
export function fitsCache(request: {
  readonly rows: number;
  readonly rowBytes: number;
  readonly cacheBytes?: number;
}): boolean {
  return (
    request.rows * request.rowBytes <=
    Math.min(LARGEST_CACHED_SCRATCH, request.cacheBytes ?? Number.POSITIVE_INFINITY)
  );
}
