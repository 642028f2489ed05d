/** CRC32C (Castagnoli) of long blocks of memory. See assembly/checksum.ts. */
export interface ChecksumKernels {
  /** Fills the `CHECKSUM_TABLE_BYTES` at `tables` (a multiple of 4), which `checksumStrips` needs. */
  fillChecksumTables(tables: number): void;
  /**
   * The checksum of each strip of `stripBytes` bytes (the last may be shorter) of the `bytes` bytes at `address`: one
   * u32 each, one after the other, at `target` (a multiple of 4).
   */
  checksumStrips(tables: number, address: number, bytes: number, stripBytes: number, target: number): void;
  /**
   * The checksum of what has the checksum `previous` (0: nothing) followed by the `bytes` bytes at `address`. Its 32 bits may come
   * as a negative number.
   */
  continueChecksum(tables: number, address: number, bytes: number, previous: number): number;
}

export const CHECKSUM_TABLE_BYTES = 16 * 256 * 4;

/** The reference goes byte by byte, with the first table alone. */
export function plainChecksum(buffer: SharedArrayBuffer): ChecksumKernels {
  const memory = new Uint8Array(buffer);
  const words = new Uint32Array(buffer);
  const continued = (tables: number, address: number, bytes: number, previous: number) => {
    let crc = ~previous;
    for (let i = address; i < address + bytes; i++)
      crc = (crc >>> 8) ^ words[tables / 4 + ((crc ^ memory[i]!) & 255)]!;
    return ~crc;
  };
  return {
    continueChecksum: continued,
    fillChecksumTables(tables) {
      for (let byte = 0; byte < 256; byte++) {
        let crc = byte;
        for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
        words[tables / 4 + byte] = crc;
      }
    },
    checksumStrips(tables, address, bytes, stripBytes, target) {
      for (let from = 0; from < bytes; from += stripBytes) {
        const length = Math.min(bytes - from, stripBytes);
        words[target / 4 + from / stripBytes] = continued(tables, address + from, length, 0);
      }
    },
  };
}
