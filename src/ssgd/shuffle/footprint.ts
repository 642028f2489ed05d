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
