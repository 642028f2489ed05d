import { join } from 'node:path';
import { MlmlError } from '../../../errors.js';
import type { Storage, WritableFile } from '../../../storage/storage.js';
import type { Workspace } from '../../../threads/workspace.js';
import { TileChecksums } from '../../store/tileChecksums.js';
import type { FactorLayout } from './factorLayout.js';

/** The factor of a job whose large files lie in `folder`. */
export function factorPath(folder: string): string {
  return join(folder, 'cholesky.factor');
}

/**
 * The scratch file of the factorisation: tiles of equal size by number, slab by slab, each slab with a checksum that lies
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
  readonly #sum: TileChecksums;
  #writes: Promise<void>[] = [];
  #failure: unknown;
  #damaged = false;

  private constructor(storage: Storage, file: WritableFile, layout: FactorLayout, workspace: Workspace) {
    this.#storage = storage;
    this.#file = file;
    this.#layout = layout;
    this.#memory = new Uint8Array(workspace.arena.buffer);
    this.#checksums = workspace.arena.uint32('closed checksums');
    this.#sum = new TileChecksums(workspace, 'closed checksum strips');
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
    workspace: Workspace,
    resume: boolean,
  ): Promise<FactorFile> {
    const path = factorPath(folder);
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
    return new FactorFile(storage, file, layout, workspace);
  }

  /** Reads a slab to `address` and checks it. */
  async read(tile: number, slab: number, address: number): Promise<void> {
    const { slabBytes, slabs } = this.#layout;
    const target = this.#memory.subarray(address, address + slabBytes);
    this.bytesRead += slabBytes;
    const position = this.#position(tile, slab);
    await this.#file.readInto(target, position).catch((error) => {
      if (!(error instanceof MlmlError) || error.code !== 'MLML_BAD_FILE') throw error;
      throw this.#damage(tile, position, error);
    });
    if (this.#sum.of(address, slabBytes) !== this.#checksums[tile * slabs + slab])
      throw this.#damage(tile, position);
  }

  /** True once a slab was found to be damaged or missing. */
  get damaged(): boolean {
    return this.#damaged;
  }

  #damage(tile: number, position: number, cause?: unknown): MlmlError {
    this.#damaged = true;
    return new MlmlError(
      'MLML_CHECKSUM',
      `${this.#file.path}: tile ${tile} of the Cholesky factor is damaged (bytes from ${position}); the factor is ` +
        'dropped: give the same command again to make it anew, and check the disk',
      { cause },
    );
  }

  /** Begins to write a slab from `address`, whose bytes stay as they are until `flush`. */
  write(tile: number, slab: number, address: number): void {
    const { slabBytes, slabs } = this.#layout;
    const source = this.#memory.subarray(address, address + slabBytes);
    this.#checksums[tile * slabs + slab] = this.#sum.of(address, slabBytes);
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
