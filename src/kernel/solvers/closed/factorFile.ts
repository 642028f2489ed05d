import { join } from 'node:path';
import { MlmlError } from '../../../errors.js';
import { crc32c } from '../../../storage/crc32c.js';
import type { Storage, WritableFile } from '../../../storage/storage.js';
import type { FactorLayout } from './factorLayout.js';

const NAME = 'cholesky.factor';

/**
 * The scratch file of the factorisation: tiles of equal size by number, slab by slab, each slab with a CRC32C that lies
 * in memory (and in checkpoints). Slabs travel between the file and arena addresses.
 */
export class FactorFile {
  bytesRead = 0;
  bytesWritten = 0;
  readonly #storage: Storage;
  readonly #file: WritableFile;
  readonly #layout: FactorLayout;
  readonly #memory: Uint8Array;
  readonly #checksums: Uint32Array;
  #writes: Promise<void>[] = [];
  #failure: unknown;

  private constructor(
    storage: Storage,
    file: WritableFile,
    layout: FactorLayout,
    buffer: SharedArrayBuffer,
    checksums: Uint32Array,
  ) {
    this.#storage = storage;
    this.#file = file;
    this.#layout = layout;
    this.#memory = new Uint8Array(buffer);
    this.#checksums = checksums;
  }

  /**
   * Opens the file in `folder` when work is to go on, else makes a new one.
   * @throws MlmlError `MLML_DISK_FULL` before anything is written when `tiles` tiles do not fit.
   */
  static async open(
    storage: Storage,
    folder: string,
    layout: FactorLayout,
    tiles: number,
    buffer: SharedArrayBuffer,
    checksums: Uint32Array,
    resume: boolean,
  ): Promise<FactorFile> {
    const path = join(folder, NAME);
    const here = (await storage.status(path))?.byteLength ?? 0;
    const needed = tiles * layout.tileBytes;
    const free = (await storage.freeBytes(folder)) + here;
    if (free < needed) {
      throw new MlmlError(
        'MLML_DISK_FULL',
        `${folder}: the Cholesky factor takes ${megabytes(needed)}, ${megabytes(free)} are free; free some space, ` +
          'keep the kernels on another disk (--kernels), or solve by cg, which needs none',
      );
    }
    const file = resume ? await storage.openWrite(path) : await storage.create(path);
    return new FactorFile(storage, file, layout, buffer, checksums);
  }

  /** Reads a slab to `address` and checks it. */
  async read(tile: number, slab: number, address: number): Promise<void> {
    const { slabBytes, slabs } = this.#layout;
    const target = this.#memory.subarray(address, address + slabBytes);
    this.bytesRead += slabBytes;
    await this.#file.readInto(target, this.#position(tile, slab));
    if (crc32c(target) !== this.#checksums[tile * slabs + slab]) {
      throw new MlmlError(
        'MLML_CHECKSUM',
        `${this.#file.path}: tile ${tile} of the Cholesky factor, bytes from ${this.#position(tile, slab)}, is ` +
          'damaged; the factor is dropped: run the same command again to make it anew, and check the disk',
      );
    }
  }

  /** Begins to write a slab from `address`, whose bytes stay as they are until `flush`. */
  write(tile: number, slab: number, address: number): void {
    const { slabBytes, slabs } = this.#layout;
    const source = this.#memory.subarray(address, address + slabBytes);
    this.#checksums[tile * slabs + slab] = crc32c(source);
    this.bytesWritten += slabBytes;
    const written = this.#file.write(source, this.#position(tile, slab));
    // A write may fail long before anyone waits for it.
    this.#writes.push(
      written.catch((error) => {
        this.#failure ??= error;
      }),
    );
  }

  /** Waits for all writes; throws the first error of any. */
  async flush(): Promise<void> {
    await Promise.all(this.#writes);
    this.#writes = [];
    const failure = this.#failure;
    if (failure === undefined) return;
    if (!(failure instanceof MlmlError) || failure.code !== 'MLML_DISK_FULL') throw failure;
    throw new MlmlError(
      'MLML_DISK_FULL',
      `${this.#file.path}: the disk became full while factorising; free some space, then run the same command again: ` +
        'it goes on from its last checkpoint',
      { cause: failure },
    );
  }

  async sync(): Promise<void> {
    await this.flush();
    await this.#file.sync();
  }

  /** Closes the file, which stays for a job that goes on. Requests in flight are waited for. */
  async close(): Promise<void> {
    await Promise.all(this.#writes);
    await this.#file.close();
  }

  /** Removes the closed file. */
  async remove(): Promise<void> {
    await this.#storage.remove(this.#file.path);
  }

  #position(tile: number, slab: number): number {
    return tile * this.#layout.tileBytes + slab * this.#layout.slabBytes;
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
