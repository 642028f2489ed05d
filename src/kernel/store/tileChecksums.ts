import { CHECKSUM_TABLE_BYTES } from '../../arithmetic/checksum.js';
import type { Region } from '../../memory/plan.js';
import { crc32c } from '../../storage/crc32c.js';
import type { Workspace } from '../../threads/workspace.js';

/** Bytes one thread sums at a time; part of the format. */
const STRIP_BYTES = 65536;
/** Strips of one call, and the most whose sums lie in the arena at a time. */
const STRIPS_PER_CALL = 4;
const STRIPS_AT_ONCE = 256;

/** Region for the tables and the sums of strips. */
export function tileChecksumRegion(name = 'tile checksums'): Region {
  return { name, bytes: CHECKSUM_TABLE_BYTES + 4 * STRIPS_AT_ONCE };
}

/**
 * Checksum of a tile: the CRC32C of the list (u32, little-endian) of the CRC32Cs of its strips of 64 KiB. So all threads
 * can sum one tile.
 */
export class TileChecksums {
  readonly #workspace: Workspace;
  readonly #tables: number;
  readonly #sums: Uint8Array;

  /** `region`: the name given to `tileChecksumRegion`. */
  constructor(workspace: Workspace, region = 'tile checksums') {
    const { arena, kernels } = workspace;
    this.#workspace = workspace;
    this.#tables = arena.address(region);
    this.#sums = arena.uint8(region).subarray(CHECKSUM_TABLE_BYTES);
    kernels.fillChecksumTables(this.#tables);
  }

  /** Of the `bytes` bytes at `address`, by all threads. No calls may be waiting on their list. */
  of(address: number, bytes: number): number {
    let checksum = 0;
    for (let from = 0; from < bytes; from += STRIPS_AT_ONCE * STRIP_BYTES) {
      const length = Math.min(bytes - from, STRIPS_AT_ONCE * STRIP_BYTES);
      this.#sumStrips(address + from, length);
      checksum = crc32c(this.#sums.subarray(0, 4 * Math.ceil(length / STRIP_BYTES)), checksum);
    }
    return checksum;
  }

  #sumStrips(address: number, bytes: number): void {
    const { threads } = this.#workspace;
    const step = STRIPS_PER_CALL * STRIP_BYTES;
    for (let from = 0; from < bytes; from += step) {
      const length = Math.min(step, bytes - from);
      const sums = this.#sums.byteOffset + 4 * (from / STRIP_BYTES);
      threads.add('checksumStrips', this.#tables, address + from, length, STRIP_BYTES, sums);
    }
    threads.run();
  }
}
