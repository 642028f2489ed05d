import type { WritableFile } from '../storage/storage.js';
import { continueChecksum } from './continueChecksum.js';
import { CHECKSUM_BLOCK } from './format.js';

/** Writes a row file front to back and, beside it, the CRC32C of each MiB. */
export class ChecksummedWriter {
  readonly #rows: WritableFile;
  readonly #checksums: WritableFile;
  #position = 0;
  #crc = 0;
  #pending: number[] = [];
  #checksumPosition = 0;

  constructor(rows: WritableFile, checksums: WritableFile) {
    this.#rows = rows;
    this.#checksums = checksums;
  }

  get bytesWritten(): number {
    return this.#position;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const room = CHECKSUM_BLOCK - ((this.#position + from) % CHECKSUM_BLOCK);
      const to = Math.min(bytes.length, from + room);
      this.#crc = continueChecksum(bytes.subarray(from, to), this.#crc);
      if (to - from === room) {
        this.#pending.push(this.#crc);
        this.#crc = 0;
      }
      from = to;
    }
    await this.#rows.write(bytes, this.#position);
    this.#position += bytes.length;
    if (this.#pending.length >= 1024) await this.#writeChecksums();
  }

  async #writeChecksums(): Promise<void> {
    const bytes = new Uint8Array(4 * this.#pending.length);
    const view = new DataView(bytes.buffer);
    for (const [i, crc] of this.#pending.entries()) view.setUint32(4 * i, crc, true);
    this.#pending = [];
    await this.#checksums.write(bytes, this.#checksumPosition);
    this.#checksumPosition += bytes.length;
  }

  /** Writes the last checksum, syncs and closes both files. */
  async finish(): Promise<void> {
    if (this.#position % CHECKSUM_BLOCK !== 0) this.#pending.push(this.#crc);
    await this.#writeChecksums();
    await this.#rows.sync();
    await this.#checksums.sync();
    await this.close();
  }

  async close(): Promise<void> {
    await this.#rows.close();
    await this.#checksums.close();
  }
}
